"""The resource `Milvus` on a real API server with the CRD of its operator's chart.

The operator itself is not run: what it writes into the resource is played from its source, and said beside it.
"""

import os
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.pace import eventually
from support.sites import variants

from llmplatform.testing import RecordingEngine
from llmplatform_sandbox.controlplane import ControlPlane
from llmplatform_sandbox.kube.client import Kube
from llmplatform_sandbox.kube.errors import KubeError
from llmplatform_sandbox.kube.readiness import condition
from llmplatform_sandbox.paths import SandboxPaths
from llmplatform_sandbox.toolchain import ETCD, KUBERNETES, KWOK, ensure

CHARTS = os.environ.get("LLMPLATFORM_CHARTS")
pytestmark = [
    pytest.mark.sandbox,
    pytest.mark.skipif(not CHARTS, reason="LLMPLATFORM_CHARTS names no folder with the charts' CRDs"),
]

VARIANTS = {name: program for name, program in variants().items() if name.startswith("milvus, ")}
API, OURS, OPERATOR = "milvus.io/v1beta1", "pulumi", "manager"


@pytest.fixture(scope="module")
def kube(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kube]:
    paths = SandboxPaths(tmp_path_factory.mktemp("sandbox"))
    paths.create()
    plane = ControlPlane(paths, ensure([ETCD, KUBERNETES, KWOK]))
    kube = Kube(plane())
    assert CHARTS
    for path in sorted(Path(CHARTS).glob("milvus-operator/crds/*.yaml")):
        for crd in filter(None, yaml.load_all(path.read_text(), yaml.CSafeLoader)):
            kube.apply(crd, manager="test")
            established(kube, crd["metadata"]["name"])
    kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "milvus"}}, manager="test")
    yield kube
    kube.close()
    plane.stop()


def established(kube: Kube, name: str) -> None:
    def served() -> bool:
        found = kube.get("apiextensions.k8s.io/v1", "CustomResourceDefinition", name)
        return found is not None and condition(found, "Established").get("status") == "True"

    eventually(served, f"{name} is not served")


def resource(variant: str) -> dict[str, Any]:
    made = RecordingEngine().run(VARIANTS[variant]).one(f"kubernetes:{API}:Milvus").inputs
    return {key: made[key] for key in ("apiVersion", "kind", "metadata", "spec")}


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_api_server_takes_the_resource_with_every_field_of_it(kube: Kube, variant: str) -> None:
    wanted = resource(variant)
    kept = kube.apply(wanted, manager=OURS)
    assert kept["spec"]["mode"] == wanted["spec"]["mode"]
    for part, fields in wanted["spec"]["components"].items():
        found = kept["spec"]["components"][part]
        # The CRD adds defaults of its own to parts.
        known = {key: found[key] for key in fields} if isinstance(fields, dict) else found
        assert known == fields, "the API server has dropped or changed a field"
    assert kept["spec"]["config"] == wanted["spec"]["config"]
    assert kube.delete(kept)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("mode",), "clustered"),
        (("dependencies", "msgStreamType"), "woodpeker"),
        (("dependencies", "storage", "type"), "OSS"),
        (("components", "standalone", "replica"), 1),
        (("components", "runAsNonRoot"), "yes"),
    ],
)
def test_the_api_server_refuses_what_the_crd_does_not_know(kube: Kube, path: tuple[str, ...], value: Any) -> None:
    wrong = deepcopy(resource("milvus, standalone, monitored, public"))
    *above, last = path
    inner = wrong["spec"]
    for key in above:
        inner = inner[key]
    inner[last] = value
    with pytest.raises(KubeError):
        kube.apply(wrong, manager=OURS)


@pytest.mark.parametrize("mode", ["standalone", "cluster"])
def test_what_the_operator_adds_stays_and_the_next_update_finds_no_conflict(kube: Kube, mode: str) -> None:
    """`Default`, apis/milvus.io/v1beta1/milvus_webhook.go, v1.3.8; values of etcd: milvus-helm, values.yaml."""
    wanted = resource(f"milvus, {mode}, monitored, public")
    kube.apply(wanted, manager=OURS)
    spec: dict[str, Any] = {
        "components": {"rollingMode": 2},
        "config": {each: {"enableActiveStandby": True} for each in ("rootCoord", "queryCoord", "indexCoord")},
        "dependencies": {
            "etcd": {
                "endpoints": ["milvus-etcd-0.milvus-etcd-headless.milvus:2379"],
                "inCluster": {"chartVersion": "etcd-v8", "values": {"autoCompactionMode": "revision"}},
            }
        },
    }
    named = {"name": "milvus", "namespace": "milvus"}
    theirs = {
        "apiVersion": API,
        "kind": "Milvus",
        "metadata": {**named, "finalizers": ["milvus.milvus.io/finalizer"]},
        "spec": spec,
    }
    kube.apply(theirs, manager=OPERATOR, force=False)
    changed = deepcopy(wanted)
    part = "standalone" if mode == "standalone" else "queryNode"
    changed["spec"]["components"][part]["replicas"] += 1
    kept = kube.apply(changed, manager=OURS, force=False)["spec"]
    assert kept["components"][part]["replicas"] == changed["spec"]["components"][part]["replicas"]
    assert kept["components"]["rollingMode"] == 2
    assert kept["config"]["rootCoord"] == {"enableActiveStandby": True}
    assert kept["dependencies"]["etcd"]["endpoints"] == spec["dependencies"]["etcd"]["endpoints"]
    assert kept["dependencies"]["etcd"]["inCluster"]["chartVersion"] == "etcd-v8"
    kube.patch(theirs, {"metadata": {"finalizers": None}})
    assert kube.delete(theirs)
