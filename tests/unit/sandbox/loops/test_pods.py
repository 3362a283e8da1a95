"""The gate in front of the simulated kubelets."""

from typing import Any

import pytest
from support.sandboxes.fake_api_server import FakeApiServer

from llmplatform_sandbox.kube.readiness import condition
from llmplatform_sandbox.loops.pods import STARTABLE, PodsLoop

Spec = dict[str, Any]


def container(**rest: Any) -> Spec:
    return {"name": "main", "image": "i:1", **rest}


def volume(**source: Any) -> Spec:
    return {"containers": [container()], "volumes": [{"name": "v", **source}]}


def env(**source: Any) -> Spec:
    return {"containers": [container(env=[{"name": "A", "valueFrom": source}])]}


def env_from(**source: Any) -> Spec:
    return {"containers": [container(envFrom=[source])]}


@pytest.fixture
def server() -> FakeApiServer:
    server = FakeApiServer()
    server.add("v1", "ServiceAccount", "default", "apps")
    return server


def run(server: FakeApiServer, spec: Spec, **metadata: Any) -> dict[str, Any]:
    """The pod after one round."""
    spec = {"nodeName": "node", **spec}
    server.add("v1", "Pod", "p", "apps", metadata=metadata, spec=spec, status={"phase": "Pending"})
    PodsLoop(server.kube).step()
    found = server.one("v1", "Pod", "p", "apps")
    assert found is not None
    return found


def message(pod: dict[str, Any]) -> str:
    return condition(pod, STARTABLE).get("message", "")


@pytest.mark.parametrize(
    ("spec", "fault"),
    [
        (env(secretKeyRef={"name": "s", "key": "k"}), 'secret "s" not found'),
        (env(configMapKeyRef={"name": "c", "key": "k"}), 'configmap "c" not found'),
        (env_from(secretRef={"name": "s"}), 'secret "s" not found'),
        (env_from(configMapRef={"name": "c"}), 'configmap "c" not found'),
        (volume(secret={"secretName": "s"}), 'MountVolume.SetUp failed for volume "v": secret "s" not found'),
        (volume(configMap={"name": "c"}), 'MountVolume.SetUp failed for volume "v": configmap "c" not found'),
        (volume(projected={"sources": [{"secret": {"name": "s"}}]}),
         'MountVolume.SetUp failed for volume "v": secret "s" not found'),
        (volume(projected={"sources": [{"configMap": {"name": "c"}}]}),
         'MountVolume.SetUp failed for volume "v": configmap "c" not found'),
        (volume(csi={"driver": "d", "nodePublishSecretRef": {"name": "s"}}),
         'MountVolume.SetUp failed for volume "v": secret "s" not found'),
        (volume(persistentVolumeClaim={"claimName": "d"}), 'volume "v": persistentvolumeclaim "d" not found'),
        (volume(ephemeral={}), 'volume "v": persistentvolumeclaim "p-v" not found'),
        ({"containers": [container()], "imagePullSecrets": [{"name": "s"}]}, 'image pull secret "s" not found'),
        ({"containers": [container()], "serviceAccountName": "sa"}, 'serviceaccount "sa" not found'),
        ({"containers": [container()],
          "initContainers": [container(name="init", envFrom=[{"secretRef": {"name": "s"}}])]}, 'secret "s" not found'),
    ],
)  # fmt: skip
def test_a_pod_does_not_start_without_what_it_names(server: FakeApiServer, spec: Spec, fault: str) -> None:
    pod = run(server, spec)
    assert condition(pod, STARTABLE)["status"] == "False"
    assert message(pod) == fault
    waiting = pod["status"]["containerStatuses"][0]["state"]["waiting"]
    assert waiting["message"] == fault, "kubectl describe shows the container's reason"


@pytest.mark.parametrize(
    "spec",
    [
        env(secretKeyRef={"name": "s", "key": "k", "optional": True}),
        env_from(configMapRef={"name": "c", "optional": True}),
        volume(secret={"secretName": "s", "optional": True}),
        volume(projected={"sources": [{"secret": {"name": "s", "optional": True}}, {"serviceAccountToken": {}}]}),
        volume(emptyDir={}),
        {"containers": [container()]},
    ],
)
def test_what_is_optional_may_be_missing(server: FakeApiServer, spec: Spec) -> None:
    assert condition(run(server, spec), STARTABLE)["status"] == "True"


@pytest.mark.parametrize(
    ("spec", "fault"),
    [
        (env(secretKeyRef={"name": "s", "key": "other"}), "couldn't find key other in Secret apps/s"),
        (volume(secret={"secretName": "s", "items": [{"key": "other", "path": "x"}]}),
         'MountVolume.SetUp failed for volume "v": secret s has no key other'),
    ],
)  # fmt: skip
def test_a_missing_key_is_as_bad_as_a_missing_secret(server: FakeApiServer, spec: Spec, fault: str) -> None:
    server.add("v1", "Secret", "s", "apps", data={"k": "dg=="})
    assert message(run(server, spec)) == fault


def test_a_pod_starts_as_soon_as_all_is_there(server: FakeApiServer) -> None:
    spec = {
        "containers": [container(env=[{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}])],
        "volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "d"}}],
    }
    server.add("v1", "PersistentVolumeClaim", "d", "apps", status={"phase": "Pending"})
    faults = 'volume "v": persistentvolumeclaim "d" is not bound; secret "s" not found'
    assert message(run(server, spec)) == faults, "all faults at once"
    server.add("v1", "PersistentVolumeClaim", "d", "apps", status={"phase": "Bound"})
    server.add("v1", "Secret", "s", "apps", data={"k": "dg=="})
    loop = PodsLoop(server.kube)
    loop.step()
    pod = server.one("v1", "Pod", "p", "apps")
    assert pod is not None
    assert condition(pod, STARTABLE)["status"] == "True"
    assert message(pod) == "", "an old complaint must not stay beside a pod that runs"


def test_an_object_of_another_namespace_does_not_help(server: FakeApiServer) -> None:
    server.add("v1", "Secret", "s", "default", data={"k": "dg=="})
    assert message(run(server, env(secretKeyRef={"name": "s", "key": "k"}))) == 'secret "s" not found'


def test_a_pod_without_a_node_or_on_its_way_out_is_left_alone(server: FakeApiServer) -> None:
    assert not condition(run(server, {"containers": [container()], "nodeName": ""}), STARTABLE)
    assert not condition(
        run(server, {"containers": [container()]}, deletionTimestamp="2026-11-21T00:00:00Z"), STARTABLE
    )


def test_a_round_that_finds_nothing_new_writes_nothing(server: FakeApiServer) -> None:
    run(server, env(secretKeyRef={"name": "s", "key": "k"}))
    server.requests.clear()
    PodsLoop(server.kube).step()
    assert [request.method for request in server.requests if request.method == "PATCH"] == []
