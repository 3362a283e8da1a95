"""Placeholders: they hold whole nodes of their pool, and give way to every model."""

from typing import Any

from support.plans import SPOT_OF_FOUR, pool_plans
from support.sites import MIRRORED, site

from llmplatform.planning.pools import gpu_quota
from llmplatform.serving import models_namespace, placeholders
from llmplatform.testing import RecordingEngine

DEPLOYMENT, CLASS = "kubernetes:apps/v1:Deployment", "kubernetes:scheduling.k8s.io/v1:PriorityClass"
TAINTED = {**SPOT_OF_FOUR, "warm": 1, "taints": [{"key": "team", "value": "search"}]}


def installed(**pools: Any) -> RecordingEngine:
    plans = pool_plans(**pools)
    return RecordingEngine().run(lambda: placeholders.install(models_namespace.install(site(pools=plans), "models")))


def test_a_placeholder_asks_for_all_gpus_of_a_node_of_its_pool_and_tolerates_its_taints() -> None:
    (deployment,) = (each.inputs for each in installed(gpu=TAINTED, other=SPOT_OF_FOUR).all(DEPLOYMENT))
    assert (deployment["metadata"]["name"], deployment["spec"]["replicas"]) == ("placeholder-gpu", 1)
    pod = deployment["spec"]["template"]["spec"]
    assert pod["nodeSelector"] == {"llmplatform.dev/pool": "gpu"}
    assert {each["key"] for each in pod["tolerations"]} == {"nvidia.com/gpu", "team"}
    assert pod["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == "4", "a model takes the whole node from it"


def test_every_model_comes_before_a_placeholder_and_the_autoscaler_buys_for_it() -> None:
    engine = installed(gpu=TAINTED)
    lowest = engine.one(CLASS).inputs
    assert lowest["value"] < 0, "pods without a class have 0"
    assert lowest["value"] >= -10, "below it the autoscaler buys no node: --expendable-pods-priority-cutoff"
    assert (lowest["preemptionPolicy"], lowest["globalDefault"]) == ("Never", False)
    pod = engine.one(DEPLOYMENT).inputs["spec"]["template"]["spec"]
    assert pod["priorityClassName"] == lowest["metadata"]["name"]
    assert pod["terminationGracePeriodSeconds"] == 0


def test_the_quota_has_room_for_models_and_placeholders() -> None:
    assert gpu_quota(pool_plans(gpu=TAINTED)) == 2 * 4 + 4, "one that waits must not keep a model out"
    assert gpu_quota(pool_plans(gpu=SPOT_OF_FOUR)) == 2 * 4


def test_without_warm_nodes_there_are_none() -> None:
    assert not installed(gpu=SPOT_OF_FOUR).all(CLASS)


def test_it_has_no_privilege() -> None:
    pod = installed(gpu=TAINTED).one(DEPLOYMENT).inputs["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["containers"][0]["securityContext"]["readOnlyRootFilesystem"] is True
    assert pod["securityContext"]["runAsNonRoot"] is True


def test_its_image_comes_from_the_mirror_with_the_login() -> None:
    plans = pool_plans(gpu=TAINTED)
    engine = RecordingEngine().run(lambda: placeholders.install(site(pools=plans, mirrors=MIRRORED)))
    pod = engine.one(DEPLOYMENT).inputs["spec"]["template"]["spec"]
    assert pod["containers"][0]["image"].startswith("registry.example.org/docker.io/")
    assert pod["imagePullSecrets"] == [{"name": engine.one("kubernetes:core/v1:Secret").inputs["metadata"]["name"]}]
