"""Inputs of a release of the sandbox, its statuses, and nodes for its pods."""

from typing import Any

from llmplatform_sandbox.kube import releases
from llmplatform_sandbox.providers.base import Values
from support.sandboxes.fake_api_server import FakeApiServer

STACK = "urn:pulumi:dev::proj::"
URN = f"{STACK}kubernetes:helm.sh/v3:Release::rel"


def inputs(**values: Any) -> Values:
    return {
        "chart": "./.charts/widget-1.2.3.tgz",
        "name": "rel",
        "namespace": "apps",
        "values": values,
        "maxHistory": 5,
    }


def statuses(server: FakeApiServer) -> list[str]:
    return [releases.status_of(obj) for obj in releases.revisions(server.kube, "apps", "rel")]


def node(server: FakeApiServer, **spec: Any) -> None:
    status = {"conditions": [{"type": "Ready", "status": "True"}]}
    obj = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}, "spec": spec, "status": status}
    server.kube.apply(obj, manager="test")


def with_pods(**values: Any) -> Values:
    """The inputs of a release whose chart has pods, and a hook before its deletion that needs one."""
    return {**inputs(**values), "chart": "./.charts/gpu-operator-v26.7.0.tgz", "skipCrds": True}
