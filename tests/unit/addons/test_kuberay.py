"""KubeRay: where it acts, which pods it asks, and that both clouds may have it."""

from typing import Any

import pytest
from support.program import STACKS, run_program, stack_config
from support.sites import MIRRORED, on_sites, site, with_site

from llmplatform.addons import Kuberay, KuberayArgs, kuberay
from llmplatform.specs.addons import Kuberay as Spec
from llmplatform.testing import RecordingEngine

RELEASE, NAMESPACE = "kubernetes:helm.sh/v3:Release", "kubernetes:core/v1:Namespace"
POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"


def installed(**changes: Any) -> Kuberay:
    here, changes = with_site(changes)
    return Kuberay("kuberay", KuberayArgs(site=here, **{"spec": Spec(enabled=True), **changes}))


VARIANTS = on_sites("kuberay", installed)


def values(**changes: Any) -> dict[str, Any]:
    return RecordingEngine().run(lambda: installed(**changes)).one(RELEASE).inputs["values"]


def policies(engine: RecordingEngine) -> dict[str, dict[str, Any]]:
    return {each.inputs["metadata"]["name"]: each.inputs["spec"] for each in engine.all(POLICY)}


def test_its_pods_are_restricted() -> None:
    labels = RecordingEngine().run(installed).one(NAMESPACE).inputs["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted", "the chart drops all rights by itself"


def test_it_has_rights_in_the_models_namespace_alone_and_watches_no_other() -> None:
    """templates/multiple_namespaces_role.yaml: Roles where it watches; else a ClusterRole that reads every Secret."""
    found = values(models_namespace="llms")
    assert found["watchNamespace"] == ["llms"]
    assert found["singleNamespaceInstall"] is True


def test_it_reaches_the_api_server_and_the_heads_of_ray_clusters() -> None:
    """controllers/ray/utils/constant.go: the dashboard listens at 8265."""
    (rule,) = policies(RecordingEngine().run(lambda: installed(models_namespace="llms")))["allow-ray-heads"]["egress"]
    assert rule["to"] == [
        {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "llms"}},
            "podSelector": {"matchLabels": {"ray.io/node-type": "head"}},
        }
    ]
    assert [each["port"] for each in rule["ports"]] == [8265]


@pytest.mark.parametrize("monitored", [True, False])
def test_it_is_scraped_where_metrics_are(monitored: bool) -> None:
    engine = RecordingEngine().run(lambda: installed(monitored=monitored))
    assert values(monitored=monitored)["metrics"] == {"serviceMonitor": {"enabled": monitored}}
    assert ("allow-metrics" in policies(engine)) is monitored


def test_its_gates_are_the_charts_but_for_upgrades_that_need_a_gateway() -> None:
    """values.yaml of the chart: a list of ours replaces the chart's."""
    gates = {each["name"]: each["enabled"] for each in values()["featureGates"]}
    assert gates == {
        "RayClusterStatusConditions": True,
        "RayJobDeletionPolicy": True,
        "RayMultiHostIndexing": True,
        "RayServiceIncrementalUpgrade": False,
    }


def test_its_image_comes_from_the_mirror() -> None:
    assert values(mirrors=MIRRORED)["image"]["repository"] == "registry.example.org/quay.io/kuberay/operator"


def test_what_ray_serves_comes_after_it() -> None:
    def program() -> None:
        after = kuberay.install(site(sections=(Spec(enabled=True),)))
        (release,) = after.needs("ray.io")
        assert isinstance(release, Kuberay)
        assert after.ray_operator is not None

    assert RecordingEngine().run(program).one(RELEASE)
    assert not RecordingEngine().run(lambda: kuberay.install(site())).registered, "the settings do not ask for it"


def test_an_existing_operator_is_used() -> None:
    def program() -> None:
        here = kuberay.install(site(sections=(Spec(enabled=True, kind="existing", namespace="ray"),)))
        assert here.needs("ray.io") == []
        assert here.ray_operator == "ray"

    assert not RecordingEngine().run(program).registered


@pytest.mark.parametrize("stack", STACKS)
def test_every_cloud_may_have_it_and_none_has_it_unasked(stack: str) -> None:
    config = stack_config(stack)
    assert "kuberay-operator" not in {each.inputs["name"] for each in run_program(config, stack).all(RELEASE)}
    on = {**config, "llmplatform:addons": {**config["llmplatform:addons"], "kuberay": {"enabled": True}}}
    assert "kuberay-operator" in {each.inputs["name"] for each in run_program(on, stack).all(RELEASE)}
