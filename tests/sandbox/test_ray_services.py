"""The RayServices of the examples, as a real API server takes them with KubeRay's own CRDs.

KubeRay does not run: what it would add to the pods (start of Ray, probes, a wait for the head, its autoscaler) is not
seen here.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.pace import eventually
from support.program import ROOT, run_program

from llmplatform_sandbox.controlplane import ControlPlane
from llmplatform_sandbox.kube.client import Kube
from llmplatform_sandbox.kube.errors import KubeError
from llmplatform_sandbox.paths import SandboxPaths
from llmplatform_sandbox.toolchain import ETCD, KUBERNETES, KWOK, ensure

CHARTS = os.environ.get("LLMPLATFORM_CHARTS")
pytestmark = [
    pytest.mark.sandbox,
    pytest.mark.skipif(CHARTS is None, reason="LLMPLATFORM_CHARTS does not point at the charts' contents"),
]

SERVICE, NAMESPACE = "kubernetes:ray.io/v1:RayService", "models"
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}


@pytest.fixture(scope="module")
def kube(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kube]:
    paths = SandboxPaths(tmp_path_factory.mktemp("sandbox"))
    paths.create()
    plane = ControlPlane(paths, ensure([ETCD, KUBERNETES, KWOK]))
    client = Kube(plane())
    try:
        for path in sorted(Path(CHARTS or "", "kuberay-operator/crds").glob("*.yaml")):
            name = yaml.safe_load(path.read_text().partition("\nspec:")[0])["metadata"]["name"]
            client.apply_text(
                "apiextensions.k8s.io/v1", "CustomResourceDefinition", name, path.read_text(), manager="t"
            )
        home = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": RESTRICTED}}
        client.apply(home, manager="t")
        yield client
    finally:
        client.close()
        plane.stop()


def wanted(stack: str) -> dict[str, Any]:
    config = yaml.safe_load((ROOT / f"examples/engines/Pulumi.{stack}.yaml").read_text())["config"]
    return run_program(config, stack, project="engines").one(SERVICE).inputs


def taken(kube: Kube, stack: str) -> dict[str, Any]:
    """The RayService of an example as the API server keeps it. Its CRDs are served a moment after they are there."""

    def kept() -> dict[str, Any] | None:
        try:
            return kube.apply(wanted(stack), manager="pulumi")
        except KubeError as error:
            if not error.not_found:
                raise
            return None

    return eventually(kept, "the API server does not serve ray.io/v1") or {}


@pytest.mark.parametrize("stack", ["ray-serve", "ray-serve-ack"])
def test_a_ray_service_is_taken_and_its_pods_are_admitted_as_restricted(kube: Kube, stack: str) -> None:
    kept = taken(kube, stack)["spec"]
    asked = wanted(stack)["spec"]
    assert kept["serveConfigV2"] == asked["serveConfigV2"]
    assert kept["upgradeStrategy"] == {"type": "NewCluster"}
    cluster = kept["rayClusterConfig"]
    (group,) = cluster["workerGroupSpecs"]
    for role, part in (("head", cluster["headGroupSpec"]), ("worker", group)):
        template = part["template"]
        metadata = {"name": f"{stack}-{role}", "namespace": NAMESPACE, **template["metadata"]}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}
        account = {"apiVersion": "v1", "kind": "ServiceAccount"}
        name = template["spec"]["serviceAccountName"]
        kube.apply({**account, "metadata": {"name": name, "namespace": NAMESPACE}}, manager="t")
        assert kube.apply(pod, manager="t", dry_run=True)["spec"]["containers"], "a real admission has seen it"


def test_a_misspelt_field_is_refused(kube: Kube) -> None:
    service = wanted("ray-serve")
    service["spec"]["rayClusterConfig"]["headGroupSpecs"] = {}
    with pytest.raises(KubeError, match="headGroupSpecs"):
        kube.apply(service, manager="pulumi", dry_run=True)
