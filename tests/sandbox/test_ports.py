"""Servers of several sandboxes on one machine."""

from contextlib import ExitStack

import pytest

from llmplatform_sandbox.providers.serve import start

pytestmark = pytest.mark.sandbox


def test_a_server_never_shares_its_former_port_with_another_server() -> None:
    with ExitStack() as running:
        ports: list[int] = []
        for _ in range(2):
            server, port = start(lambda _: None, threads=1, port=ports[0] if ports else 0)
            running.callback(server.stop, None)
            ports.append(port)
    assert ports[0] != ports[1], "an engine would ask another sandbox's cloud for its resources"
