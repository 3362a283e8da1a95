"""Rounds of the played controllers."""

from llmplatform_sandbox.interfaces import Release
from llmplatform_sandbox.kube.releases import new_record, write_revision
from llmplatform_sandbox.loops.controllers import ControllersLoop
from support.sandboxes.fake_api_server import FakeApiServer
from support.sandboxes.fake_cloud import FakeCloud


def step(server: FakeApiServer, cloud: FakeCloud) -> None:
    ControllersLoop(server.kube, [cloud]).step()


def settle(server: FakeApiServer) -> None:
    """Enough rounds for one controller's answer to reach the next."""
    for _ in range(4):
        step(server, FakeCloud())


def release(server: FakeApiServer, chart: str, namespace: str = "cert-manager") -> None:
    made = Release(name=chart, namespace=namespace, chart=chart, version="1", values={})
    write_revision(server.kube, new_record(made, revision=1, app_version="", status="deployed"), owner="t")
