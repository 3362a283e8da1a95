"""Node pools of the simulated ACK: disks, images, zones, addresses, and what their machines are like."""

from typing import Any

import pytest
from support.sandboxes.alicloud_account import CLUSTER, NODE_POOL, SWITCH, VPC, Made, pool
from support.sandboxes.alicloud_pools import A10, grown
from support.sandboxes.clouds import ALICLOUD

from llmplatform_sandbox.cloud import SimulatedCloud
from llmplatform_sandbox.cloud.check import check
from llmplatform_sandbox.cloud.facts import load
from llmplatform_sandbox.cloud.requests import CloudError, NotReady
from llmplatform_sandbox.interfaces import Taint, Unavailable


def findings(account: SimulatedCloud, made: Made, **changes: Any) -> dict[str, str]:
    inputs = pool(made, **changes)
    return dict(check(load("alicloud"), NODE_POOL, inputs) or account.account.behaviour(NODE_POOL).check(inputs))


def test_a_realistic_pool_has_no_faults(account: SimulatedCloud, made: Made) -> None:
    assert findings(account, made) == {}


@pytest.mark.parametrize(
    ("changes", "path", "remedy"),
    [
        ({"desiredSize": "2"}, "desiredSize", "the autoscaler decides"),
        ({"scalingConfig": {"enable": True, "minSize": 4, "maxSize": 1}}, "scalingConfig.maxSize", "below minSize"),
        ({"instanceTypes": ["ecs.gn7i-c16g1.99xlarge"]}, "instanceTypes[0]", "table of machines has no ecs.gn7i"),
        ({"imageType": "AliyunLinux3Arm64"}, "instanceTypes[0]", "same architecture"),
        ({"imageType": "CentOS"}, "imageType", "write AliyunLinux3"),
        ({"spotStrategy": "SpotWithPriceLimit"}, "spotPriceLimits", "one for each type"),
        ({"spotStrategy": "Spot"}, "spotStrategy", "write"),
        ({"spotPriceLimits": [{"instanceType": A10, "priceLimit": "3"}]}, "spotPriceLimits", "has no effect"),
        ({"systemDiskCategory": "cloud_efficiency"}, "systemDiskCategory", "write cloud_essd"),
        ({"systemDiskPerformanceLevel": "PL2"}, "systemDiskSize", "write 461 or more"),
        ({"systemDiskPerformanceLevel": "PL9"}, "systemDiskPerformanceLevel", "is not offered"),
        ({"dataDisks": [{"category": "cloud_ssd", "size": 100}]}, "dataDisks[0].category", "write cloud_essd"),
        (
            {"dataDisks": [{"category": "cloud_essd", "size": 1000, "performanceLevel": "PL3"}]},
            "dataDisks[0].size",
            "write 1261 or more",
        ),
        ({"taints": [{"key": "a", "effect": "NO_SCHEDULE"}]}, "taints[0].effect", "write NoSchedule"),
        ({"desiredSize": 2}, "desiredSize", "write a string"),
    ],
)
def test_pools_that_ack_would_refuse(
    account: SimulatedCloud, made: Made, changes: dict[str, Any], path: str, remedy: str
) -> None:
    assert remedy in findings(account, made, **changes)[path]


@pytest.mark.parametrize(
    ("image", "image_id"),
    [("AliyunLinux3ContainerOptimized", ""), ("AliyunLinux4ContainerOptimized", ""), ("AliyunLinux3", "m-bp1own")],
)
def test_nodes_with_cgroup_v2_join(account: SimulatedCloud, made: Made, image: str, image_id: str) -> None:
    given = {"imageId": image_id} if image_id else {}
    ALICLOUD.make(account, NODE_POOL, **pool(made, imageType=image, **given))
    assert [one.dead for one in account.instances()] == [""]


def test_nodes_with_cgroup_v1_never_join_a_kubernetes_that_has_given_it_up(account: SimulatedCloud, made: Made) -> None:
    with pytest.raises(NotReady, match="AliyunLinux3 has cgroup v1"):
        ALICLOUD.make(account, NODE_POOL, **pool(made, imageType="AliyunLinux3"))
    assert [bool(one.dead) for one in account.instances()] == [True], "it is bought and paid all the same"


def test_a_managed_pool_needs_the_problem_detector_first(account: SimulatedCloud) -> None:
    before = ALICLOUD.whole(account, "alicloud:ram/rolePolicyAttachment:RolePolicyAttachment")
    inputs = {**ALICLOUD.realistic[CLUSTER](before), "addons": [{"name": "terway-eniip"}]}
    cluster = ALICLOUD.make(account, CLUSTER, **inputs)
    with pytest.raises(CloudError, match=r"InvalidParameter\.Management.*depend on it first"):
        ALICLOUD.make(account, NODE_POOL, **pool({**before, CLUSTER: cluster}))


def test_a_type_that_no_zone_of_the_pool_sells_is_refused(account: SimulatedCloud, made: Made) -> None:
    elsewhere = ALICLOUD.make(account, SWITCH, vpcId=made[VPC].id, cidrBlock="10.0.8.0/22", zoneId="cn-hangzhou-b")
    with pytest.raises(CloudError, match=rf"Zone\.NotOnSale: {A10} is not sold in cn-hangzhou-b"):
        ALICLOUD.make(account, NODE_POOL, **pool(made, vswitchIds=[elsewhere.id]))


def test_machines_come_only_where_their_type_is_sold(account: SimulatedCloud, made: Made) -> None:
    elsewhere = ALICLOUD.make(account, SWITCH, vpcId=made[VPC].id, cidrBlock="10.0.8.0/22", zoneId="cn-hangzhou-b")
    grown(account, made, 3, vswitchIds=[elsewhere.id, made[SWITCH].id], instanceTypes=[A10])
    assert {one.zone for one in account.instances()} == {"cn-hangzhou-i"}


def test_a_pool_without_autoscaling_has_the_size_that_it_was_given(account: SimulatedCloud, made: Made) -> None:
    inputs = pool(made, desiredSize="2")
    del inputs["scalingConfig"]
    record = ALICLOUD.make(account, NODE_POOL, **inputs)
    [group] = account.node_groups()
    assert (group.minimum, group.target, group.maximum, group.autoscaled) == (2, 2, 2, False)
    ALICLOUD.change(account, record, desiredSize="3")
    assert account.node_groups()[0].target == 3


def test_a_pool_is_a_scaling_group_that_its_outputs_name(account: SimulatedCloud, made: Made) -> None:
    record = ALICLOUD.make(account, NODE_POOL, **pool(made))
    live = account.account.read(NODE_POOL, record.id)
    assert live is not None
    [group] = account.node_groups()
    assert live.outputs["scalingGroupId"] == group.id
    assert record.id == f"{made[CLUSTER].id}:{live.outputs['nodePoolId']}"
    assert (group.name, group.minimum, group.target, group.maximum) == ("gpu-spot", 1, 1, 4)
    assert group.autoscaled


def test_a_machine_has_the_labels_of_ack_and_interfaces_for_its_pods(account: SimulatedCloud, made: Made) -> None:
    ALICLOUD.make(account, NODE_POOL, **pool(made))
    [machine] = account.instances()
    labels = machine.template.labels
    assert labels["node.alibabacloud.com/spot-strategy"] == "SpotAsPriceGo"
    assert labels["aliyun.accelerator/nvidia_name"] == "NVIDIA-A10"
    assert labels["k8s.aliyun.com"] == "true", "the mark of pools that are scaled"
    assert labels["pool"] == "gpu"
    assert machine.template.taints == [Taint(key="nvidia.com/gpu", value="present", effect="NoSchedule")]
    assert machine.node == "cn-hangzhou.10.0.0.1", "ACK names nodes by region and address"
    assert machine.provider_id == f"cn-hangzhou.{machine.id}"
    assert account.owns(machine.provider_id)
    held = [one for one in account.objects() if one.made_by.endswith(machine.id)]
    where = {one.detail["vswitchId"] for one in held if one.type == "network-interface"}
    assert where == {made[SWITCH].id, made[f"{SWITCH}#pods"].id}, "Terway's interface is in the pods' vSwitch"
    assert [one.detail["size"] for one in held if one.type == "volume"] == [300]


def test_pods_in_a_zone_without_a_vswitch_of_theirs_share_that_of_the_nodes(
    account: SimulatedCloud, made: Made
) -> None:
    """ACK user guide, Modify the vSwitch for Pods, limits; AliyunContainerService/terway, daemon/builder.go."""
    later = ALICLOUD.make(account, SWITCH, vpcId=made[VPC].id, cidrBlock="10.0.8.0/22", zoneId="cn-hangzhou-j")
    ALICLOUD.make(account, NODE_POOL, **pool(made, vswitchIds=[later.id]))
    [machine] = account.instances()
    held = [one for one in account.objects() if one.made_by.endswith(machine.id) and one.type == "network-interface"]
    assert machine.zone == "cn-hangzhou-j"
    assert [one.detail["vswitchId"] for one in held] == [later.id, later.id]


def test_gpus_that_are_shared_are_not_offered_whole(account: SimulatedCloud, made: Made) -> None:
    shared = [{"key": "ack.node.gpu.schedule", "value": "share"}]
    ALICLOUD.make(account, NODE_POOL, **pool(made, labels=shared))
    [machine] = account.instances()
    assert machine.gpus == 0
    template = account.template(account.node_groups()[0].id)
    assert template is not None
    assert "nvidia.com/gpu" not in template.resources


def test_the_autoscaler_knows_an_empty_pool_without_any_tag(account: SimulatedCloud, made: Made) -> None:
    ALICLOUD.make(account, NODE_POOL, **pool(made, scalingConfig={"enable": True, "minSize": 0, "maxSize": 4}))
    template = account.template(account.node_groups()[0].id)
    assert template is not None
    assert template.labels["pool"] == "gpu"
    assert template.resources["nvidia.com/gpu"] == "1"
    assert template.taints[0].key == "nvidia.com/gpu"


def test_labels_reach_machines_that_run_only_when_asked_to(account: SimulatedCloud, made: Made) -> None:
    record = ALICLOUD.make(account, NODE_POOL, **pool(made))
    other = [{"key": "pool", "value": "other"}]
    ALICLOUD.change(account, record, labels=other)
    assert account.instances()[0].template.labels["pool"] == "gpu"
    ALICLOUD.change(account, record, labels=other, updateNodes=True)
    assert account.instances()[0].template.labels["pool"] == "other"


def test_a_vswitch_without_a_free_address_gives_no_machine(account: SimulatedCloud, made: Made) -> None:
    tiny = ALICLOUD.make(account, SWITCH, vpcId=made[VPC].id, cidrBlock="10.0.8.0/29", zoneId="cn-hangzhou-i")
    with pytest.raises(Unavailable, match="IpNotEnough"):
        grown(account, made, 5, vswitchIds=[tiny.id])
