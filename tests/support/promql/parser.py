"""Expressions as trees, from the real Prometheus on loopback.

Source: prometheus v3.14.0, web/api/v1/translate_ast.go, which says what a node of each type has.
"""

import subprocess
import tempfile
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from llmplatform_sandbox.processes import free_ports
from llmplatform_sandbox.toolchain import PROMETHEUS, ensure

Node = Mapping[str, Any]
"""A part of an expression: `type`, and what the source above says."""
_PARTS = ("expr", "lhs", "rhs", "param")


class Unreadable(ValueError):
    """Prometheus' own words about an expression that is none."""


@dataclass(frozen=True)
class Parser:
    """A Prometheus that reads expressions."""

    client: httpx.Client

    def tree(self, expr: str) -> Node:
        """The tree of an expression. Raises Unreadable."""
        answer = self.client.post("/api/v1/parse_query", data={"query": expr}).json()
        if answer["status"] != "success":
            raise Unreadable(answer["error"])
        return answer["data"]


@contextmanager
def parser() -> Generator[Parser]:
    """A Prometheus without targets and rules."""
    (port,) = free_ports(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "prometheus.yml").touch()
        command = [
            ensure([PROMETHEUS])["prometheus"],
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=error",
        ]
        client = httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=10)
        with client, subprocess.Popen(command) as process:
            try:
                _await(client)
                yield Parser(client)
            finally:
                process.terminate()


def _await(client: httpx.Client) -> None:
    ends = time.monotonic() + 30
    while True:
        try:
            if client.get("/-/ready").is_success:
                return
        except httpx.TransportError:
            pass
        assert time.monotonic() < ends, "Prometheus is not ready"
        time.sleep(0.1)


def parts(node: Node) -> Iterator[Node]:
    """The nodes directly below one."""
    yield from (node[key] for key in _PARTS if isinstance(node.get(key), Mapping))
    yield from node.get("args") or ()


def below(node: Node) -> Iterator[Node]:
    """A node and all that are below it."""
    yield node
    for part in parts(node):
        yield from below(part)
