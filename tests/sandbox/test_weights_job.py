"""The Job that hydrates weights, against a real Job controller: which ends of its pod end an update, and which not."""

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sandbox.test_kubernetes_provider import Cluster, cluster, manifest
from support.pace import PATIENCE, eventually
from support.plans import SPOT_FIRST, model_plan

from llmplatform.serving.weights import Weights, WeightsArgs
from llmplatform.testing import RecordingEngine
from llmplatform_sandbox.kube.client import Object
from llmplatform_sandbox.kube.readiness import condition
from llmplatform_sandbox.loops.pods import STARTABLE
from llmplatform_sandbox.providers.base import InitFailed, Values

pytestmark = pytest.mark.sandbox
__all__ = ["cluster"]

FIRST_PAUSE = 10
"""Seconds before a second try (Kubernetes 1.35, pkg/controller/job, `DefaultJobPodFailureBackOff`)."""
LOST: Values = {"conditions": [{"type": "DisruptionTarget", "status": "True", "reason": "DeletionByPodGC"}]}
"""A pod whose node is gone: there is no exit code."""


def hydration(name: str, namespace: str, **changed: Any) -> Values:
    """The product's Job, whose pod waits for a Secret: what the test says of its end is all that happens to it."""
    wired = WeightsArgs(plan=model_plan(SPOT_FIRST), namespace="models", hydration="hydration.test")
    found = RecordingEngine().run(lambda: Weights("chat-weights", wired)).one("kubernetes:batch/v1:Job").inputs
    volume = {"name": "never", "secret": {"secretName": "never"}}
    pod = {"containers": [{"name": "hydration", "image": "i:1"}], "restartPolicy": "Never", "volumes": [volume]}
    asked = {"annotations": found["metadata"]["annotations"]}
    spec = {**found["spec"], **changed, "template": {"spec": pod}}
    return manifest("batch/v1", "Job", name, namespace, metadata=asked, spec=spec)


def pods(cluster: Cluster, namespace: str, name: str) -> list[Object]:
    return list(cluster.kube.list("v1", "Pod", namespace, labelSelector=f"job-name={name}"))


def exited(code: int) -> Values:
    terminated = {"exitCode": code, "reason": "Error", "finishedAt": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
    status = {"name": "hydration", "image": "i:1", "imageID": "", "ready": False, "restartCount": 0}
    return {"containerStatuses": [{**status, "state": {"terminated": terminated}}]}


def waiting(cluster: Cluster, namespace: str, name: str) -> list[Object]:
    """The Job's pods that the gate in front of the simulated kubelets has judged for good."""
    return [pod for pod in pods(cluster, namespace, name) if condition(pod, STARTABLE)]


def end(cluster: Cluster, namespace: str, name: str, how: Values) -> None:
    (pod,) = eventually(lambda: waiting(cluster, namespace, name), "no pod")
    conditions = [*pod["status"]["conditions"], *how.get("conditions", [])]
    cluster.kube.patch(pod, {"status": {**how, "phase": "Failed", "conditions": conditions}}, subresource="status")


@pytest.fixture
def namespace(cluster: Cluster) -> str:
    name = f"weights-{time.monotonic_ns()}"
    cluster.create(manifest("v1", "Namespace", name))
    return name


@pytest.mark.parametrize(
    ("name", "code"),
    [("refused", 3), ("unknown", 1), ("misused", 2), ("no-program", 128)],
)
def test_an_update_ends_with_a_hydration_that_another_try_would_not_mend(
    cluster: Cluster, namespace: str, name: str, code: int
) -> None:
    ending = threading.Thread(target=end, args=(cluster, namespace, name, exited(code)))
    ending.start()
    with pytest.raises(InitFailed, match="failed: BackoffLimitExceeded") as failed:
        cluster.create(hydration(name, namespace), timeout=PATIENCE)
    ending.join()
    assert "waits on" not in str(failed.value.reasons), "it ended with the Job, and not with its own time"
    assert len(pods(cluster, namespace, name)) == 1


def test_an_update_ends_with_the_deadline_of_a_hydration_whose_pod_never_starts(
    cluster: Cluster, namespace: str
) -> None:
    with pytest.raises(InitFailed, match="failed: DeadlineExceeded"):
        cluster.create(hydration("late", namespace, activeDeadlineSeconds=2), timeout=PATIENCE)


def test_what_another_try_can_mend_is_tried_again_after_a_pause_and_counts_for_nothing(
    cluster: Cluster, namespace: str
) -> None:
    """Kubernetes 1.35, pkg/controller/job: `matchPodFailurePolicy`, `nonIgnoredFailedPodsCount`, `newBackoffRecord`."""
    ends = {"tired": exited(4), "killed": exited(137), "told": exited(143), "lost": LOST}
    ends |= {"moved": {**LOST, **exited(3)}}
    for name, how in ends.items():
        cluster.kube.apply(hydration(name, namespace), manager="test")
        end(cluster, namespace, name, how)
    for name, how in ends.items():
        second = eventually(
            lambda name=name: len(found := pods(cluster, namespace, name)) > 1 and found, f"{name}: no other try"
        )
        assert len(second) == 2
        job = cluster.kube.get("batch/v1", "Job", name, namespace) or {}
        assert not condition(job, "Failed")
        assert not job["status"].get("failed")
        if "containerStatuses" in how:
            ended = datetime.fromisoformat(how["containerStatuses"][0]["state"]["terminated"]["finishedAt"])
            again = max(datetime.fromisoformat(pod["metadata"]["creationTimestamp"]) for pod in second)
            assert again - ended >= timedelta(seconds=FIRST_PAUSE - 1), f"{name}: tried again at once"


def test_after_a_failure_that_the_policy_calls_final_an_update_waits_on(cluster: Cluster, namespace: str) -> None:
    """pulumi-kubernetes, provider/pkg/await/checker/job/check.go, `collectJobConditionErrors`: why the Job has none."""
    refused = {"containerName": "hydration", "operator": "In", "values": [3]}
    policy = {"rules": [{"action": "FailJob", "onExitCodes": refused}]}
    job = hydration("final", namespace, podFailurePolicy=policy)
    ending = threading.Thread(target=end, args=(cluster, namespace, "final", exited(3)))
    ending.start()
    started = time.monotonic()
    with pytest.raises(InitFailed, match="failed: PodFailurePolicy"):
        cluster.create(job, timeout=8)
    ending.join()
    assert time.monotonic() - started >= 8
