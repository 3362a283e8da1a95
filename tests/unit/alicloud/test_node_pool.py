"""Node pools on ACK: how machines are bought, what is on them, and what their nodes say."""

import base64
from dataclasses import replace
from typing import Any

import pulumi
import pulumi_alicloud as alicloud
import pytest
from support.alicloud_platform import ZONES, node_pool, plan

from llmplatform.alicloud.node_pool import IMAGES, registry_mirrors
from llmplatform.base.faults import fail_at_the_end
from llmplatform.catalog import engines, versions
from llmplatform.planning.pools import PoolPlan
from llmplatform.specs.mirrors import Mirrors
from llmplatform.specs.taints import Taint
from llmplatform.testing import RecordingEngine, Registered

_POOL = "alicloud:cs/nodePool:NodePool"
_DRIVER = "ack.aliyun.com/nvidia-driver-version"

ACK_IMAGES = {"AliyunLinux3", "AliyunLinux3ContainerOptimized", "AliyunLinux4ContainerOptimized"}
"""Of those that the provider takes: `ValidateFunc` of image_type in terraform-provider-alicloud 2.0."""
WITH_CGROUP_V2 = {"AliyunLinux3ContainerOptimized", "AliyunLinux4ContainerOptimized", "ContainerOS", "Ubuntu"}
"""ACK user guide, "Migrate nodes to cgroup v2"."""


def _made(pool: PoolPlan, **wiring: Any) -> list[Registered]:
    return RecordingEngine().run(lambda: {"groups": node_pool(pool, **wiring).group_names}).all(_POOL)


def _system(**changes: Any) -> PoolPlan:
    """The pool without GPUs, in one zone."""
    return plan("system", **{"zones": (ZONES[0],), **changes})


def _spot(pool: PoolPlan) -> dict[str, Any]:
    (spot,) = [found.inputs for found in _made(pool) if found.inputs["spotStrategy"] != "NoSpot"]
    return spot


def _labels(found: Registered) -> dict[str, str]:
    return {each["key"]: each["value"] for each in found.inputs["labels"]}


def test_spot_machines_cost_what_they_cost_unless_there_is_a_limit() -> None:
    spot = _spot(plan("a10"))
    assert spot["spotStrategy"] == "SpotAsPriceGo"
    assert "spotPriceLimits" not in spot


def test_a_limit_is_said_for_every_type() -> None:
    types = ("ecs.gn7i-c16g1.4xlarge",)
    spot = _spot(plan("a10", spot_price_limit=6.5, instance_types=types))
    assert spot["spotStrategy"] == "SpotWithPriceLimit"
    assert spot["spotPriceLimits"] == [{"instanceType": each, "priceLimit": "6.5"} for each in types]


def test_a_spot_pool_never_turns_into_an_on_demand_pool_by_itself() -> None:
    spot = _spot(plan("a10"))
    assert spot["compensateWithOnDemand"] is False, "the on-demand pool beside it has bounds of its own"
    assert (spot["onDemandBaseCapacity"], spot["onDemandPercentageAboveBaseCapacity"]) == ("0", "0")


def test_ess_looks_for_spot_machines_in_all_types_and_zones_and_replaces_them_in_time() -> None:
    spot = _spot(plan("a10"))
    assert spot["multiAzPolicy"] == "COST_OPTIMIZED"
    assert spot["spotInstanceRemedy"] is True


def test_pools_without_gpus_are_a_group_for_each_zone() -> None:
    """ACK user guide, FAQ about node auto scaling: a pod bound to a zone makes no pool of several zones grow."""
    groups = _made(plan("system"))
    assert [group.name for group in groups] == ["system-j", "system-k"]
    assert [group.inputs["vswitchIds"] for group in groups] == [[f"vsw-{zone}"] for zone in ZONES]
    assert {group.inputs["instanceChargeType"] for group in groups} == {"PostPaid"}
    autoscaled = _made(plan("system", scaling="auto", max=4))
    assert [group.inputs["scalingConfig"]["maxSize"] for group in autoscaled] == [4, 4]


def test_a_pool_of_fixed_size_has_its_nodes_spread_over_the_zones_and_no_autoscaler() -> None:
    """terraform-provider-alicloud 2.0, alicloud_cs_kubernetes_node_pool: desired_size or scaling_config.enable."""
    for group in _made(plan("system")):
        assert group.inputs["desiredSize"] == "1"
        assert "scalingConfig" not in group.inputs, "else ACK keeps coredns off its nodes"
    sizes = [group.inputs["desiredSize"] for group in _made(plan("system", min=3, max=3))]
    assert sizes == ["2", "1"]
    assert len(_made(plan("system", min=1, max=1))) == 1, "a zone without a node has no group"


def test_the_number_of_nodes_is_the_autoscalers() -> None:
    (group,) = _made(_system(scaling="auto", max=4))
    assert group.inputs["scalingConfig"] == {"enable": True, "minSize": 2, "maxSize": 4, "type": "cpu"}
    assert "desiredSize" not in group.inputs, "ACK refuses both"


def test_a_script_of_the_operators_is_sent_as_the_provider_compares_it() -> None:
    """terraform-provider-alicloud, cs_kubernetes_node_pool, user_data: base64-encoded."""
    script = "#!/bin/sh\nsysctl -w vm.max_map_count=262144\n"
    [found] = _made(_system(user_data=script))
    assert base64.b64decode(found.inputs["userData"]).decode() == script
    assert "userData" not in _made(_system())[0].inputs


def test_a_key_pair_is_on_the_nodes_of_pools_that_name_one() -> None:
    """terraform-provider-alicloud 2.0, alicloud_cs_kubernetes_node_pool: key_name excludes password, both optional."""
    assert [found.inputs["keyName"] for found in _made(_system(key_pair="operators"))] == ["operators"]
    assert "keyName" not in _made(_system())[0].inputs, "no login without a setting"


def test_gpu_pools_say_that_they_are_gpu_pools() -> None:
    assert {found.inputs["scalingConfig"]["type"] for found in _made(plan("l20"))} == {"gpu"}


def test_the_driver_is_named_because_acks_default_is_too_old() -> None:
    for group in _made(plan("a10")):
        assert _labels(group)[_DRIVER] == versions.ACK_DRIVER
        assert _labels(group)[_DRIVER] in versions.ACK_DRIVERS, "ACK silently takes its default for any other"
        branch = int(_labels(group)[_DRIVER].split(".")[0])
        assert branch >= engines.facts("vllm").release().driver, "the engine's CUDA would not run"


def test_another_driver_of_the_list_can_be_asked_for() -> None:
    assert {_labels(found)[_DRIVER] for found in _made(plan("a10", driver="570.169"))} == {"570.169"}


def test_nodes_without_a_gpu_name_no_driver() -> None:
    (group,) = _made(_system())
    assert _DRIVER not in _labels(group)


def test_labels_and_taints_reach_nodes_that_are_there_already() -> None:
    (group,) = _made(_system(labels={"team": "ml"}))
    assert _labels(group)["team"] == "ml"
    assert group.inputs["updateNodes"] is True


@pytest.mark.parametrize("effect", ["NoSchedule", "PreferNoSchedule", "NoExecute"])
def test_taints_are_spelled_as_in_kubernetes(effect: Any) -> None:
    (group,) = _made(replace(_system(), taints=(Taint(key="team", value="ml", effect=effect),)))
    assert group.inputs["taints"] == [{"key": "team", "value": "ml", "effect": effect}]


def test_the_disk_is_not_acks_slow_and_small_default() -> None:
    (group,) = _made(_system(disk_gib=300))
    disk = {key: value for key, value in group.inputs.items() if key.startswith("systemDisk")}
    assert disk == {
        "systemDiskCategory": "cloud_essd",
        "systemDiskSize": 300,
        "systemDiskPerformanceLevel": "PL1",
        "systemDiskEncrypted": True,
    }


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("alinux3", "AliyunLinux3"),
        ("alinux3_container", "AliyunLinux3ContainerOptimized"),
        ("alinux4_container", "AliyunLinux4ContainerOptimized"),
    ],
)
def test_the_image_is_one_that_ack_knows(image: str, name: str) -> None:
    (group,) = _made(_system(image=image))
    assert group.inputs["imageType"] == name
    assert set(IMAGES.values()) == ACK_IMAGES


def test_nodes_have_the_cgroups_that_every_kubernetes_takes_unless_another_image_is_asked_for() -> None:
    (group,) = _made(_system())
    assert group.inputs["imageType"] in WITH_CGROUP_V2, "from 1.35 a kubelet refuses to start on cgroup v1"


def test_nodes_are_repaired_but_not_changed_by_the_cloud() -> None:
    (group,) = _made(_system())
    management = group.inputs["management"]
    assert management["autoRepair"] is True
    assert management["autoRepairPolicy"] == {"restartNode": True}
    assert (management["autoUpgrade"], management["autoVulFix"]) == (False, False)


def test_a_large_image_does_not_hold_back_the_small_ones() -> None:
    (group,) = _made(_system())
    assert group.inputs["kubeletConfiguration"] == {"serializeImagePulls": "false"}
    assert group.inputs["containerdConfig"]["maxConcurrentDownloads"] == 10


def test_containerd_knows_the_registries_that_stand_in_for_others() -> None:
    mirrors = Mirrors(images={"docker.io": "docker.example.org", "quay.io": "registry.example.org/quay.io"})
    (group,) = _made(_system(), mirrors=mirrors)
    assert group.inputs["containerdConfig"]["registryMirrors"] == ["docker.io=https://docker.example.org"]


def test_a_stand_in_with_a_path_is_left_to_the_rewriting_of_references() -> None:
    assert registry_mirrors(Mirrors(images={"quay.io": "registry.example.org/quay.io"})) == []


def test_the_autoscaler_finds_the_pools_by_the_ids_of_their_scaling_groups() -> None:
    engine = RecordingEngine().run(lambda: {"groups": node_pool(plan("a10")).group_names})
    assert engine.result["groups"] == {"a10-spot": "asg-a10-spot", "a10-on-demand": "asg-a10-on-demand"}


def test_a_pool_that_is_not_there_in_time_is_told_with_what_heals_it() -> None:
    # The provider sets the id before it waits, and reads nothing when that fails: the next update finds no difference.
    engine = RecordingEngine(failed=frozenset({"a10-spot"})).run(lambda: node_pool(plan("a10")).faults)
    [sentence] = engine.result
    assert sentence.startswith("node pool a10-spot: this run has not finished it")
    assert sentence.endswith("pulumi up --refresh")


def test_a_pool_without_a_scaling_group_is_told_with_what_replaces_it() -> None:
    engine = RecordingEngine(outputs={_POOL: {"scalingGroupId": ""}}).run(lambda: node_pool(_system()).faults)
    [sentence] = engine.result
    [group] = engine.all(_POOL)
    assert sentence.endswith(f"pulumi up --replace '{group.urn}'")


def test_pools_that_are_there_or_still_to_be_made_have_no_fault() -> None:
    assert RecordingEngine().run(lambda: node_pool(plan("a10")).faults).result == []
    RecordingEngine(preview=True).run(lambda: fail_at_the_end(node_pool(plan("a10")).faults))


def test_pools_are_not_blamed_when_there_is_no_cluster() -> None:
    def program() -> pulumi.Output[Any]:
        cluster = alicloud.cs.ManagedKubernetes("main")
        return node_pool(plan("a10"), cluster_id=cluster.id).faults

    assert RecordingEngine(failed=frozenset({"main", "a10-spot", "a10-on-demand"})).run(program).result == []


def test_a_pool_stays_in_its_zones() -> None:
    (group,) = _made(plan("system", zones=("cn-hangzhou-k",)))
    assert group.inputs["vswitchIds"] == ["vsw-cn-hangzhou-k"]


def test_names_are_given_and_not_left_to_a_deprecated_property() -> None:
    names = [(found.inputs["nodePoolName"], "name" in found.inputs) for found in _made(plan("a10"))]
    assert names == [("a10-on-demand", False), ("a10-spot", False)]
