"""The kubernetes provider and the played controllers, against a real control plane."""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from support.model_servers import served
from support.pace import eventually
from support.sandboxes.fake_cloud import FakeCloud

from llmplatform.addons.kserve import KserveValues
from llmplatform_sandbox.controlplane import ControlPlane
from llmplatform_sandbox.explain import pending
from llmplatform_sandbox.kube.client import Kube
from llmplatform_sandbox.kube.readiness import condition
from llmplatform_sandbox.kube.releases import releases
from llmplatform_sandbox.loops.controllers import ControllersLoop
from llmplatform_sandbox.loops.nodes import KUBELET
from llmplatform_sandbox.loops.pods import PodsLoop
from llmplatform_sandbox.paths import SandboxPaths
from llmplatform_sandbox.providers.base import Autonaming, InitFailed, ProviderError, Values
from llmplatform_sandbox.providers.helm import RELEASE
from llmplatform_sandbox.providers.kubernetes import KubernetesProvider
from llmplatform_sandbox.toolchain import ETCD, KUBERNETES, KWOK, ensure

pytestmark = pytest.mark.sandbox

TOKENS = {"v1": "core/v1"}
CHARTS = os.environ.get("LLMPLATFORM_CHARTS")
FAKE_KUBELET = {
    "capacity": {"cpu": "16", "memory": "64Gi", "pods": "110"},
    "allocatable": {"cpu": "16", "memory": "64Gi", "pods": "110"},
}


class Cluster:
    """The control plane, its provider, and the loops, which run as in the sandbox."""

    def __init__(self, folder: Path) -> None:
        paths = SandboxPaths(folder)
        paths.create()
        self.plane = ControlPlane(paths, ensure([ETCD, KUBERNETES, KWOK]))
        self.kube = Kube(self.plane())
        self.provider = KubernetesProvider(self.kube, Path(CHARTS) if CHARTS else None)
        self.cloud = FakeCloud("aws-ebs-csi-driver")
        self._ended = threading.Event()
        self.steps: list[Callable[[], None]] = [
            PodsLoop(self.kube).step,
            ControllersLoop(self.kube, [self.cloud]).step,
        ]
        self._thread = threading.Thread(target=self._loop, daemon=True)
        self._thread.start()

    def _loop(self) -> None:
        while not self._ended.wait(0.2):
            for step in self.steps:
                step()

    def close(self) -> None:
        self._ended.set()
        self._thread.join()
        self.kube.close()
        self.plane.stop()

    def create(self, obj: Values, *, timeout: float = 20, name: str = "") -> tuple[str, Values]:
        typ, urn = self.typed(obj, name)
        inputs, failures = self.provider.check(typ, {}, obj, Autonaming(name="x", urn=urn))
        assert not failures, failures
        return self.provider.create(typ, urn, inputs, False, timeout)

    def delete(self, obj: Values, id_: str, outputs: Values) -> None:
        typ, urn = self.typed(obj, "")
        self.provider.delete(typ, urn, id_, obj, outputs, 30)

    def typed(self, obj: Values, name: str) -> tuple[str, str]:
        if "chart" in obj:
            return RELEASE, f"urn:{name or obj['name']}"
        version = TOKENS.get(obj["apiVersion"], obj["apiVersion"])
        return f"kubernetes:{version}:{obj['kind']}", f"urn:{name or obj['kind'] + obj['metadata']['name']}"


def manifest(api_version: str, kind: str, name: str, namespace: str = "", **rest: Any) -> Values:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {}), **rest.pop("metadata", {})}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **rest}


def deployment(namespace: str, **pod: Any) -> Values:
    labels = {"app": "web"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "web", "image": "web:1", **pod}]}}
    return manifest(
        "apps/v1", "Deployment", "web", namespace, spec={"selector": {"matchLabels": labels}, "template": template}
    )


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path_factory.mktemp("sandbox"))
    node = manifest(
        "v1", "Node", "n1", metadata={"annotations": KUBELET, "labels": {"topology.kubernetes.io/zone": "z"}}
    )
    cluster.kube.apply(node, manager="test")
    cluster.kube.patch(node, {"status": FAKE_KUBELET}, subresource="status")
    yield cluster
    cluster.close()


@pytest.fixture
def namespace(cluster: Cluster, request: pytest.FixtureRequest) -> str:
    name = f"t{abs(hash(request.node.name)) % 10**8}"
    cluster.create(manifest("v1", "Namespace", name))
    return name


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        ({"imag": "x"}, r'Deployment \S+: spec.template.spec.containers\[name="web"\].imag: no such field'),
        ({"imagePullPolicy": "Allways"}, r"spec.template.spec.containers\[0\].imagePullPolicy: Unsupported value"),
        ({"ports": [{"containerPort": "80"}]}, r"containerPort: expected numeric"),
        ({"resources": {"requests": {"cpu": "2 cores"}}}, r"quantities must match"),
    ],
)
def test_the_api_server_refuses_what_is_wrong_and_the_line_says_where(
    cluster: Cluster, namespace: str, wrong: Values, line: str
) -> None:
    with pytest.raises(ProviderError, match=line):
        cluster.create(deployment(namespace, **wrong))
    typ, urn = cluster.typed(deployment(namespace), "")
    with pytest.raises(ProviderError, match=line):
        cluster.provider.create(typ, urn, deployment(namespace, **wrong), True, 0)


def why(cluster: Cluster, obj: Values) -> Sequence[str]:
    """The reasons of a create that does not get ready, once a pod is among them."""

    def reasons() -> Sequence[str]:
        with pytest.raises(InitFailed) as failed:
            cluster.create(obj, timeout=3)
        return failed.value.reasons if len(failed.value.reasons) > 1 else ()

    return eventually(reasons, "there is no pod")


def test_a_deployment_waits_for_its_secret_and_says_so(cluster: Cluster, namespace: str) -> None:
    token = {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "token", "key": "hf"}}}
    reasons = why(cluster, deployment(namespace, env=[token]))
    assert reasons[0] == f"Deployment {namespace}/web: 0 of 1 updated replicas available"
    assert reasons[1].endswith(': secret "token" not found'), reasons
    assert any('secret "token" not found' in line for line in pending(cluster.kube, [cluster.cloud]))
    cluster.create(manifest("v1", "Secret", "token", namespace, stringData={"hf": "x"}))
    _, outputs = cluster.create(deployment(namespace, env=[token]))
    assert outputs["status"]["availableReplicas"] == 1, "the same resource again takes over what it left"


def test_a_failed_job_is_made_anew_by_the_next_update_and_a_finished_one_left_alone(
    cluster: Cluster, namespace: str
) -> None:
    volume = {"name": "token", "secret": {"secretName": "token"}}
    pod = {"containers": [{"name": "c", "image": "i:1"}], "restartPolicy": "Never", "volumes": [volume]}
    asked = {"annotations": {"pulumi.com/replaceUnready": "true"}}
    spec = {"backoffLimit": 0, "template": {"spec": pod}}
    job = manifest("batch/v1", "Job", "fetch", namespace, metadata=asked, spec=spec)
    with pytest.raises(InitFailed):
        cluster.create(job, timeout=2)
    (waiting,) = eventually(
        lambda: list(cluster.kube.list("v1", "Pod", namespace, labelSelector="job-name=fetch")), "no pod"
    )
    cluster.kube.patch(waiting, {"status": {"phase": "Failed"}}, subresource="status")
    eventually(
        lambda: condition(cluster.kube.get("batch/v1", "Job", "fetch", namespace) or {}, "Failed"), "it has not failed"
    )
    typ, urn = cluster.typed(job, "")
    with pytest.raises(InitFailed, match="failed: BackoffLimitExceeded"):
        cluster.provider.update(typ, urn, f"{namespace}/fetch", job, job, job, False, 5)
    cluster.create(manifest("v1", "Secret", "token", namespace, stringData={"hf": "x"}))
    diff = cluster.provider.diff(typ, f"{namespace}/fetch", job, job, job)
    assert diff.replaces
    assert diff.delete_before_replace
    cluster.delete(job, f"{namespace}/fetch", job)
    _, outputs = cluster.create(job)
    assert outputs["status"]["succeeded"] == 1
    assert not cluster.provider.diff(typ, f"{namespace}/fetch", job, job, job)


def test_a_pod_that_fits_nowhere_is_explained_in_one_line(cluster: Cluster, namespace: str) -> None:
    reasons = why(cluster, deployment(namespace, resources={"requests": {"cpu": "99"}}))
    assert reasons[1].endswith(": no node fits: 1x short of cpu"), reasons


def test_a_volume_is_bound_where_its_pod_goes_and_freed_with_its_claim(cluster: Cluster, namespace: str) -> None:
    storage = manifest(
        "storage.k8s.io/v1",
        "StorageClass",
        "gp3",
        provisioner="ebs.csi.aws.com",
        volumeBindingMode="WaitForFirstConsumer",
    )
    cluster.create(storage)
    spec = {"accessModes": ["ReadWriteOnce"], "storageClassName": "gp3", "resources": {"requests": {"storage": "2Gi"}}}
    claim = manifest("v1", "PersistentVolumeClaim", "data", namespace, spec=spec)
    id_, outputs = cluster.create(claim)
    volumes = [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}]
    pod_spec = {"containers": [{"name": "c", "image": "i:1"}], "volumes": volumes}
    pod = manifest("v1", "Pod", "p", namespace, spec=pod_spec)
    pod_id, pod_outputs = cluster.create(pod)
    (disk,) = cluster.cloud.made("volume")
    assert disk.detail["zone"] == "z"
    cluster.delete(pod, pod_id, pod_outputs)
    cluster.delete(claim, id_, outputs)
    eventually(lambda: not cluster.cloud.made("volume"), "the disk of a deleted claim stays in the account")
    eventually(lambda: not cluster.kube.list("v1", "PersistentVolume"), "its volume stays in the cluster")


def test_a_load_balancer_comes_and_goes_with_its_service(cluster: Cluster, namespace: str) -> None:
    spec = {"type": "LoadBalancer", "ports": [{"port": 443}]}
    service = manifest("v1", "Service", "gw", namespace, spec=spec)
    id_, outputs = cluster.create(service)
    (balancer,) = cluster.cloud.made("load-balancer")
    assert outputs["status"]["loadBalancer"]["ingress"][0]["hostname"] == balancer.detail["dnsName"]
    cluster.delete(service, id_, outputs)
    assert cluster.cloud.made("load-balancer") == [], "a deleted Service has freed its load balancer"


def test_a_release_is_on_record_until_it_is_deleted(cluster: Cluster, namespace: str) -> None:
    chart = "./.charts/cert-manager-v1.21.1.tgz"
    release = {"chart": chart, "name": "cert-manager", "namespace": namespace, "values": {"crds": {"enabled": True}}}
    id_, outputs = cluster.create(release)
    assert [one.chart for one in releases(cluster.kube)] == ["cert-manager"]
    issuer = manifest("cert-manager.io/v1", "Issuer", "self", namespace, spec={"selfSigned": {}})
    assert "status" not in cluster.create(issuer)[1], "no controller runs that would say something of it"
    cluster.delete(release, id_, outputs)
    assert releases(cluster.kube) == []


@pytest.mark.skipif(CHARTS is None, reason="the charts' real definitions are not here; LLMPLATFORM_CHARTS names them")
def test_a_custom_resource_is_checked_against_the_charts_own_definition(cluster: Cluster, namespace: str) -> None:
    release = {"chart": "./.charts/prometheus-operator-crds-31.0.1.tgz", "name": "crds", "namespace": namespace}
    cluster.create(release)
    monitor = manifest("monitoring.coreos.com/v1", "ServiceMonitor", "m", namespace)
    wrong = {**monitor, "spec": {"selector": {}, "endpoints": [{"prot": "http"}]}}
    with pytest.raises(ProviderError, match="prot: no such field"):
        cluster.create(wrong)
    assert cluster.create({**monitor, "spec": {"selector": {}, "endpoints": [{"port": "http"}]}})[0] == f"{namespace}/m"


@pytest.mark.skipif(CHARTS is None, reason="the charts' real definitions are not here; LLMPLATFORM_CHARTS names them")
def test_an_inference_service_is_accepted_and_becomes_ready(cluster: Cluster, namespace: str) -> None:
    for chart, values in (("kserve-crd", {}), ("kserve-resources", KserveValues().dump())):
        archive = f"./.charts/{chart}-v0.20.0.tgz"
        cluster.create({"chart": archive, "name": chart, "namespace": namespace, "values": values}, timeout=240)
    real = served(workload="kserve", addons={"kserve": {"enabled": True}}).named("chat-inference-service").inputs
    ours = {**real, "metadata": {**real["metadata"], "namespace": namespace}}
    cluster.kube.apply(ours, manager="test", dry_run=True)
    ours["spec"] = {"predictor": {"minReplicas": 2, "containers": [{"name": "kserve-container", "image": "web:1"}]}}
    id_, outputs = cluster.create(ours, timeout=120)
    place = ("apps/v1", "Deployment", "chat-predictor", namespace)
    assert (cluster.kube.get(*place) or {})["status"]["readyReplicas"] == 2
    cluster.delete(ours, id_, outputs)
    eventually(lambda: cluster.kube.get(*place) is None, "what it owns goes with it")


def test_a_patch_meets_a_conflict_and_gives_its_fields_back(cluster: Cluster, namespace: str) -> None:
    owned = manifest("v1", "ConfigMap", "shared", namespace, data={"a": "theirs"})
    cluster.kube.apply(owned, manager="another-team")
    typ, urn = "kubernetes:core/v1:ConfigMapPatch", "urn:patch"
    with pytest.raises(ProviderError, match="conflict"):
        cluster.provider.create(typ, urn, {**owned, "data": {"a": "ours"}}, False, 5)
    inputs = {**owned, "data": {"b": "ours"}}
    id_, outputs = cluster.provider.create(typ, urn, inputs, False, 5)
    assert outputs["data"] == {"a": "theirs", "b": "ours"}
    cluster.provider.delete(typ, urn, id_, inputs, outputs, 5)
    assert cluster.kube.get("v1", "ConfigMap", "shared", namespace)["data"] == {"a": "theirs"}  # type: ignore[index]


def test_a_size_that_a_scaler_has_set_is_taken_back_by_annotation_alone(cluster: Cluster, namespace: str) -> None:
    wanted = deployment(namespace)
    wanted["spec"]["replicas"] = 1
    typ, urn = cluster.typed(wanted, "")
    id_, outputs = cluster.create(wanted)
    cluster.kube.patch(wanted, {"spec": {"replicas": 3}}, subresource="scale")
    fixed = {**wanted, "spec": {**wanted["spec"], "replicas": 2}}
    with pytest.raises(ProviderError, match="conflict"):
        cluster.provider.update(typ, urn, id_, wanted, outputs, fixed, False, 20)
    owned = {**fixed, "metadata": {**fixed["metadata"], "annotations": {"pulumi.com/patchForce": "true"}}}
    assert cluster.provider.update(typ, urn, id_, wanted, outputs, owned, False, 20)["spec"]["replicas"] == 2


def test_a_restarting_api_server_is_waited_for(cluster: Cluster, namespace: str) -> None:
    # A control plane that is stopped for an instant, as after a kill; the next call does not fail.
    cluster.plane.stop()
    starting = threading.Thread(target=cluster.plane.start)
    starting.start()
    try:
        assert cluster.create(manifest("v1", "ConfigMap", "c", namespace))[0] == f"{namespace}/c"
    finally:
        starting.join()
