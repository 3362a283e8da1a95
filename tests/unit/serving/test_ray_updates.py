"""Ray Serve: how a change reaches a Ray cluster that KubeRay has made."""

import json
from typing import Any

import pytest
from support.ray_servers import POOL, SCALING, cluster, plan, served, service, spec, usual, workers

from llmplatform.serving.ray_service import replaced_by

BOUNDS = ("minReplicas", "maxReplicas")


@pytest.mark.parametrize(("most", "replicas", "kind"), [(1, 1, "None"), (2, 1, "NewCluster"), (3, 2, "None")])
def test_a_second_cluster_takes_over_where_the_pool_holds_both(most: int, replicas: int, kind: str) -> None:
    engine = served({**POOL, "max": most}, replicas=replicas)
    assert spec(engine)["upgradeStrategy"] == {"type": kind}
    assert service(engine).delete_before_replace is (kind == "None"), "KubeRay leaves such pods as they are"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"replicas": 2}, {"replicas": 3}),
        ({"scaling": SCALING}, {"scaling": {**SCALING, "max_replicas": 3}}),
        ({}, {"tolerations": [{"key": "reserved", "value": "llms", "effect": "NoSchedule"}]}),
    ],
)
def test_what_kuberay_does_not_compare_changes_the_template(before: dict[str, Any], after: dict[str, Any]) -> None:
    """controllers/ray/utils/util.go, GenerateHashWithoutReplicasAndWorkersToDelete: neither numbers nor tolerations."""

    def hashed(settings: dict[str, Any]) -> dict[str, Any]:
        group = workers(served({**POOL, "max": 6}, **settings))
        for key in ("replicas", "minReplicas", "maxReplicas"):
            del group[key]
        group["template"]["spec"]["tolerations"] = None
        return group

    assert hashed(before) != hashed(after)


def test_numbers_of_servers_are_in_an_annotation_that_a_replacement_follows() -> None:
    found = workers(served(scaling={**SCALING, "max_replicas": 3}))["template"]["metadata"]["annotations"]
    assert found["llmplatform.dev/servers"] == "1-3"
    assert "spec.rayClusterConfig.workerGroupSpecs[*].template" in (replaced_by().replace_on_changes or [])


def test_every_change_of_a_pod_replaces_a_ray_service_without_a_second_cluster() -> None:
    """All that KubeRay compares, and nothing that it changes in place or leaves alone."""
    paths = [each.removeprefix("spec.rayClusterConfig.") for each in replaced_by().replace_on_changes or []]
    group = {f"workerGroupSpecs[*].{key}" for key in workers(served(scaling=SCALING))}
    all_of_it = {*cluster(served(scaling=SCALING))} - {"workerGroupSpecs"} | group
    left = {"authOptions", *(f"workerGroupSpecs[*].{key}" for key in ("groupName", "replicas", *BOUNDS))}
    assert set(paths) == all_of_it - left
    assert replaced_by().delete_before_replace is True


def test_an_update_waits_until_the_model_is_served_by_no_cluster_that_goes() -> None:
    """While a second cluster starts, the first keeps the RayService `Ready`."""
    awaited = json.loads(service(usual()).inputs["metadata"]["annotations"]["pulumi.com/waitFor"])
    assert awaited == ["condition=Ready", "condition=UpgradeInProgress=False"]


def test_a_cluster_that_was_replaced_has_its_time_for_answers() -> None:
    """KubeRay's own 60 seconds are less, and it deletes head and workers together."""
    times = plan().drain
    assert spec(usual())["rayClusterDeletionDelaySeconds"] == times.pre_stop + times.shutdown
    pod = cluster(usual())["headGroupSpec"]["template"]["spec"]
    assert pod["containers"][0]["lifecycle"] == {"preStop": {"sleep": {"seconds": times.pre_stop + times.shutdown}}}
    assert pod["terminationGracePeriodSeconds"] == times.grace
