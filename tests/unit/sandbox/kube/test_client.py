"""The client for the API server, its waiting rules, and its small parts."""

from decimal import Decimal
from typing import Any

import httpx
import pytest
from support.sandboxes.fake_api_server import ACCESS, FakeApiServer

from llmplatform_sandbox.kube import client
from llmplatform_sandbox.kube.client import Kube
from llmplatform_sandbox.kube.errors import KubeError
from llmplatform_sandbox.kube.quantities import amount
from llmplatform_sandbox.kube.readiness import NeverReady, waiting_for
from llmplatform_sandbox.kube.unfinished_definitions import resume_definitions
from llmplatform_sandbox.kube.waiting import TimedOut, until_gone, until_ready


def answering(*answers: Any) -> tuple[Kube, list[str]]:
    """A client whose server gives these answers in turn: responses, or exceptions of the transport."""
    left, seen = list(answers), list[str]()

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request.method)
        answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    return Kube(ACCESS, transport=httpx.MockTransport(handle)), seen


OK = httpx.Response(200, json={"kind": "Pod"})
STARTING = httpx.Response(503, json={"kind": "Status", "message": "apiserver not ready"})


GIVEN_UP = httpx.Response(504, json={"kind": "Status", "message": "Timeout: request did not complete", "code": 504})


@pytest.mark.parametrize("first", [httpx.ConnectError("refused"), httpx.ReadError("reset"), STARTING, GIVEN_UP])
def test_a_restarting_api_server_is_waited_for(first: Any) -> None:
    kube, seen = answering(first, OK)
    assert kube.request("GET", "/api/v1/pods/x") == {"kind": "Pod"}
    assert len(seen) == 2


def test_a_create_that_may_have_arrived_is_not_sent_twice() -> None:
    kube, seen = answering(httpx.ReadError("reset"), OK)
    with pytest.raises(KubeError, match="went away during POST") as raised:
        kube.request("POST", "/api/v1/pods", body={})
    assert raised.value.unreachable
    assert len(seen) == 1


def test_a_create_that_a_busy_server_gave_up_is_not_sent_twice() -> None:
    kube, seen = answering(GIVEN_UP, OK)
    with pytest.raises(KubeError, match="did not complete"):
        kube.request("POST", "/api/v1/pods", body={})
    assert len(seen) == 1


def test_a_server_that_stays_away_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "_PATIENCE", 0.1)
    kube, _ = answering(httpx.ConnectError("refused"))
    with pytest.raises(KubeError, match="the API server does not answer") as raised:
        kube.request("GET", "/api/v1/pods/x", seconds=0.1)
    assert raised.value.unreachable


def test_an_absent_kind_has_no_objects() -> None:
    assert FakeApiServer().kube.list("example.org/v1", "Widget") == []


def deployment(**status: Any) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "x", "generation": 2},
        "spec": {"replicas": 2}, "status": {"observedGeneration": 2, **status},
    }  # fmt: skip


def obj(api_version: str, kind: str, *, spec: Any = None, **status: Any) -> dict[str, Any]:
    metadata = {"name": "x", "namespace": "apps", "generation": 1}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec or {}, "status": status}


def conditions(**states: bool) -> list[dict[str, str]]:
    return [{"type": type_, "status": str(state), "reason": "Because"} for type_, state in states.items()]


def failed(reason: str) -> list[dict[str, str]]:
    return [{"type": "Failed", "status": "True", "reason": reason, "message": "it says"}]


AVAILABLE = conditions(Available=True)
FULL = {"replicas": 2, "updatedReplicas": 2, "availableReplicas": 2, "conditions": AVAILABLE}
ONE, TWO = {"replicas": 1}, {"replicas": 2}
LOAD_BALANCER = {"type": "LoadBalancer", "selector": {}}


@pytest.mark.parametrize(
    ("live", "reason"),
    [
        (deployment(**FULL), None),
        (deployment(**{**FULL, "observedGeneration": 1}), "the controller has not seen it yet"),
        (deployment(**{**FULL, "updatedReplicas": 1}), "1 of 2 updated replicas available"),
        (deployment(**{**FULL, "replicas": 3}), "2 of 2 updated replicas available"),
        (deployment(conditions=conditions(Progressing=False)), "0 of 2 updated replicas available (Because)"),
        (obj("apps/v1", "StatefulSet", spec=ONE, observedGeneration=1, readyReplicas=1, updatedReplicas=1), None),
        (obj("apps/v1", "StatefulSet", spec=TWO, observedGeneration=1, readyReplicas=1), "1 of 2 replicas ready"),
        (obj("apps/v1", "DaemonSet", observedGeneration=1, desiredNumberScheduled=0), None),
        (obj("apps/v1", "DaemonSet", observedGeneration=1, desiredNumberScheduled=2, numberReady=2,
             updatedNumberScheduled=1), "1 of 2 pods ready"),
        (obj("batch/v1", "Job", startTime="t", conditions=conditions(Complete=True)), None),
        (obj("batch/v1", "Job", conditions=conditions(Suspended=True)), "not complete: 0 pods active, 0 succeeded"),
        (obj("batch/v1", "Job", startTime="t", conditions=failed("PodFailurePolicy")),
         "failed: PodFailurePolicy it says; Pulumi's provider waits on after it"),
        (obj("batch/v1", "Job", active=1), "not complete: 1 pods active, 0 succeeded"),
        (obj("v1", "Pod", phase="Running", conditions=conditions(Ready=True)), None),
        (obj("v1", "Pod", phase="Succeeded"), None),
        (obj("v1", "Pod", phase="Pending"), "phase Pending, not Ready"),
        (obj("v1", "Pod", phase="Failed"), "phase Failed, not Ready"),
        (obj("v1", "Service", spec=LOAD_BALANCER, loadBalancer={}), "the load balancer has no address yet"),
        (obj("v1", "Service", spec=LOAD_BALANCER, loadBalancer={"ingress": [{"hostname": "h"}]}), None),
        (obj("v1", "Service", spec={"selector": {"a": "b"}, "clusterIP": "None"}), None),
        (obj("v1", "Service", spec={"type": "ClusterIP"}), None),
        (obj("v1", "Service", spec={"selector": {"a": "b"}}), "no ready pod behind it"),
        (obj("v1", "PersistentVolumeClaim", phase="Bound"), None),
        (obj("v1", "PersistentVolumeClaim", spec={"storageClassName": "later"}, phase="Pending"), None),
        (obj("v1", "PersistentVolumeClaim", spec={"storageClassName": "now"}, phase="Pending"), "not bound"),
        (obj("apiextensions.k8s.io/v1", "CustomResourceDefinition", conditions=None), "not yet Established"),
        (obj("apiextensions.k8s.io/v1", "CustomResourceDefinition", conditions=conditions(NamesAccepted=False)),
         "its names are refused: "),
        (obj("apiextensions.k8s.io/v1", "CustomResourceDefinition", conditions=conditions(Established=True)), None),
        (obj("v1", "Namespace", phase="Active"), None),
        (obj("v1", "Namespace", phase="Terminating"), "phase Terminating"),
        (obj("networking.k8s.io/v1", "Ingress"), "no controller has given it an address"),
        (obj("example.org/v1", "Widget"), None),
    ],
)  # fmt: skip
def test_an_object_is_ready_when_the_real_provider_says_so(live: dict[str, Any], reason: str | None) -> None:
    server = FakeApiServer()
    server.add("storage.k8s.io/v1", "StorageClass", "later", volumeBindingMode="WaitForFirstConsumer")
    server.add("storage.k8s.io/v1", "StorageClass", "now", volumeBindingMode="Immediate")
    assert waiting_for(server.kube, live) == reason


def test_a_service_is_ready_with_its_first_pod() -> None:
    server = FakeApiServer()
    label = {"labels": {"kubernetes.io/service-name": "x"}}
    server.add(
        "discovery.k8s.io/v1",
        "EndpointSlice",
        "x-1",
        "apps",
        metadata=label,
        endpoints=[{"conditions": {"ready": True}}],
    )
    assert waiting_for(server.kube, obj("v1", "Service", spec={"selector": {"a": "b"}})) is None


@pytest.mark.parametrize("reason", ["BackoffLimitExceeded", "DeadlineExceeded"])
def test_a_job_that_has_failed_for_one_of_two_reasons_is_not_waited_for(reason: str) -> None:
    """pulumi-kubernetes, provider/pkg/await/checker, job/check.go: `collectJobConditionErrors`; pods have none."""
    with pytest.raises(NeverReady, match=f"failed: {reason} it says"):
        waiting_for(FakeApiServer().kube, obj("batch/v1", "Job", startTime="t", conditions=failed(reason)))


def test_a_wait_ends_when_its_caller_is_gone() -> None:
    server = FakeApiServer()
    live = server.add("v1", "Pod", "x", "apps", status={"phase": "Pending"})
    with pytest.raises(TimedOut, match="phase Pending"):
        until_ready(server.kube, live, seconds=600, wanted=lambda: False)
    assert not until_gone(server.kube, live, seconds=600, wanted=lambda: False)


def test_a_successor_of_the_same_name_does_not_count_as_still_there() -> None:
    server = FakeApiServer()
    old = {
        **server.add("v1", "Pod", "x", "apps"),
        "metadata": {"name": "x", "namespace": "apps", "uid": "an-older-one"},
    }
    assert until_gone(server.kube, old, seconds=0)


@pytest.mark.parametrize(
    ("text", "number"),
    [("500m", "0.5"), ("1Gi", 1024**3), ("1e3", 1000), (2, 2), ("1.5", "1.5"), ("100k", 100000), ("1", 1)],
)
def test_quantities_are_exact_numbers(text: Any, number: Any) -> None:
    assert amount(text) == Decimal(number)


@pytest.mark.parametrize("text", ["", "abc", "1 Gi", "10.0.0.1", True, None, "1GiB"])
def test_other_texts_are_no_quantities(text: Any) -> None:
    assert amount(text) is None


def test_definitions_that_a_killed_api_server_had_accepted_are_shown_to_the_next_one_again() -> None:
    server = FakeApiServer()
    conditions = {
        "stuck": {"NamesAccepted": "True", "Established": "False"},
        "new": {},
        "served": {"NamesAccepted": "True", "Established": "True"},
        "refused": {"NamesAccepted": "False"},
    }
    for name, each in conditions.items():
        status = {"conditions": [{"type": type_, "status": value} for type_, value in each.items()]}
        server.add("apiextensions.k8s.io/v1", "CustomResourceDefinition", name, status=status)
    before = len(server.requests)
    assert resume_definitions(server.kube) == ["stuck"]
    changes = [request for request in server.requests[before:] if request.method == "PATCH"]
    assert [request.url.path.rsplit("/", 1)[1] for request in changes] == ["stuck", "stuck"], (
        "changed, and changed back"
    )
    left = server.one("apiextensions.k8s.io/v1", "CustomResourceDefinition", "stuck")
    assert left is not None
    assert not left["metadata"].get("annotations"), "nothing of ours stays on it"
