"""What an update sends of ignored paths, against managed fields as Kubernetes 1.35 writes them."""

from typing import Any

import pytest
from support.sandboxes.fake_api_server import FakeApiServer

from llmplatform_sandbox.providers.ignored import sent

OURS, PATH = "pulumi-kubernetes-1a2b3c4d", "spec.replicas"
SIZE, IMAGE = {"f:spec": {"f:replicas": {}}}, {"f:spec": {"f:paused": {}}}


def after(*owners: tuple[str, dict[str, Any]], replicas: int | None = 5) -> dict[str, Any]:
    """What is sent for a size of 1, where the live object has another and these owners of fields."""
    server = FakeApiServer()
    fields = [{"manager": name, "operation": "Update", "fieldsV1": owned} for name, owned in owners]
    spec = {} if replicas is None else {"replicas": replicas}
    server.add("apps/v1", "Deployment", "x", "apps", metadata={"managedFields": fields}, spec=spec)
    metadata = {"name": "x", "namespace": "apps"}
    body = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata,
        "spec": {"replicas": 1, "paused": True},
    }
    return sent(server.kube, body, OURS, [PATH])["spec"]


def test_what_a_scaler_has_set_is_left_to_it() -> None:
    assert after((OURS, IMAGE), ("kube-controller-manager", SIZE)) == {"paused": True}, "it would be shared"


@pytest.mark.parametrize("others", [[], [("kube-controller-manager", SIZE)]], ids=["alone", "shared"])
def test_what_the_program_owns_keeps_its_live_value(others: list[tuple[str, dict[str, Any]]]) -> None:
    assert after((OURS, SIZE), *others) == {"replicas": 5, "paused": True}, "left out, it falls back to 1"


def test_what_no_manager_owns_keeps_its_live_value() -> None:
    assert after((OURS, IMAGE)) == {"replicas": 5, "paused": True}


def test_what_is_not_there_is_set_as_the_program_says() -> None:
    assert after((OURS, IMAGE), replicas=None) == {"replicas": 1, "paused": True}


def test_without_ignored_paths_nothing_is_asked() -> None:
    server, body = FakeApiServer(), {"kind": "Deployment", "spec": {"replicas": 1}, "metadata": {"name": "x"}}
    assert sent(server.kube, body, OURS, []) is body
    assert server.requests == []
