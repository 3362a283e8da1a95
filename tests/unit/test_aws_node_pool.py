"""Node pools on AWS: groups, machines, and what the autoscaler is told about them."""

import base64
import tomllib
from dataclasses import replace
from email import message_from_string
from email.message import Message
from typing import Any, cast

import pytest
import yaml
from aws_platform import ZONES, built, node_pool, plan, stack, whole
from engine import Engine
from registration import Registered

from llmplatform.aws.node_pool import AMI_TYPES, EFFECTS
from llmplatform.aws.scale_from_zero import ephemeral_storage_gib, group_tags
from llmplatform.catalog import instance_types
from llmplatform.planning.pools import PoolPlan, Taint

_GROUP = "aws:eks/nodeGroup:NodeGroup"
_TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
_TAG = "aws:autoscaling/tag:Tag"
_CA = "k8s.io/cluster-autoscaler/node-template"


def _made(pool: PoolPlan) -> Engine:
    return Engine().run(lambda: {"groups": node_pool(pool).group_names})


def _user_data(engine: Engine) -> str:
    return base64.b64decode(engine.one(_TEMPLATE).inputs["userData"]).decode()


def _node_config(engine: Engine) -> dict[str, Any]:
    part = cast(list[Message], message_from_string(_user_data(engine)).get_payload())[0]
    assert part.get_content_type() == "application/node.eks.aws", "nodeadm reads parts of this type alone"
    return yaml.safe_load(str(part.get_payload()))


def _alike(group: Registered) -> dict[str, Any]:
    """What a pod can tell about a group."""
    return {key: group.inputs[key] for key in ("labels", "taints", "instanceTypes", "amiType", "launchTemplate")}


def test_a_spot_first_pool_has_two_groups_that_a_pod_cannot_tell_apart() -> None:
    engine = _made(plan("a10g"))
    on_demand, spot = engine.all(_GROUP)
    assert (on_demand.inputs["capacityType"], spot.inputs["capacityType"]) == ("ON_DEMAND", "SPOT")
    assert _alike(on_demand) == _alike(spot)


def test_the_autoscaler_finds_the_groups_by_the_names_of_their_auto_scaling_groups() -> None:
    engine = _made(plan("a10g"))
    assert engine.result["groups"] == {
        "a10g-spot": "eks-a10g-spot",
        "a10g-on-demand": "eks-a10g-on-demand",
    }


def test_the_number_of_nodes_is_the_autoscalers() -> None:
    (group,) = _made(plan("system")).all(_GROUP)
    assert group.inputs["scalingConfig"] == {"minSize": 2, "maxSize": 4, "desiredSize": 2}
    assert group.ignore_changes == ("scalingConfig.desiredSize",), "an update must not take nodes away from pods"


def test_an_update_needs_no_extra_machine() -> None:
    (group,) = _made(plan("bottled")).all(_GROUP)
    assert group.inputs["updateConfig"] == {"maxUnavailable": 1, "updateStrategy": "MINIMAL"}, "GPUs are scarce"


def test_broken_gpu_nodes_are_replaced() -> None:
    (group,) = _made(plan("bottled")).all(_GROUP)
    assert group.inputs["nodeRepairConfig"] == {"enabled": True}


def test_nodes_are_pinned_to_the_clusters_minor_and_a_released_image() -> None:
    (group,) = _made(plan("system")).all(_GROUP)
    assert group.inputs["version"] == "1.35"
    assert group.inputs["releaseVersion"].startswith("1.35."), "an alias would move under running nodes"


@pytest.mark.parametrize(
    ("pool", "changes", "ami"),
    [
        ("system", {}, "AL2023_x86_64_STANDARD"),
        ("a10g", {}, "AL2023_x86_64_NVIDIA"),
        ("bottled", {}, "BOTTLEROCKET_x86_64_NVIDIA"),
        ("system", {"image": "bottlerocket"}, "BOTTLEROCKET_x86_64"),
    ],
)
def test_the_image_follows_from_operating_system_and_gpu(pool: str, changes: dict[str, Any], ami: str) -> None:
    assert {found.inputs["amiType"] for found in _made(plan(pool, **changes)).all(_GROUP)} == {ami}


def test_every_image_is_one_that_eks_knows() -> None:
    import botocore.loaders

    shapes = botocore.loaders.Loader().load_service_model("eks", "service-2")["shapes"]
    assert set(AMI_TYPES.values()) <= set(shapes["AMITypes"]["enum"])
    assert set(EFFECTS.values()) == set(shapes["TaintEffect"]["enum"])


def test_gpu_nodes_are_tainted_in_the_spelling_of_eks() -> None:
    (group,) = _made(plan("bottled")).all(_GROUP)
    assert group.inputs["taints"] == [{"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"}]


def test_system_nodes_are_not_tainted_so_that_cluster_dns_has_a_place() -> None:
    (group,) = _made(plan("system")).all(_GROUP)
    assert group.inputs["taints"] == []


def test_gpu_nodes_say_which_gpu_they_will_have_before_they_have_it() -> None:
    (group,) = _made(plan("bottled")).all(_GROUP)
    assert group.inputs["labels"]["k8s.amazonaws.com/accelerator"] == "nvidia-l4", (
        "without the label the autoscaler adds a second node while the device plugin of the first is starting"
    )


def test_nodes_without_a_gpu_say_nothing_of_one() -> None:
    (group,) = _made(plan("system")).all(_GROUP)
    assert "k8s.amazonaws.com/accelerator" not in group.inputs["labels"]


def test_the_autoscaler_can_plan_from_zero_nodes() -> None:
    engine = _made(plan("a10g"))
    for group in engine.all(_GROUP):
        tags = {
            found.inputs["tag"]["key"]: found.inputs["tag"]["value"]
            for found in engine.all(_TAG)
            if found.inputs["autoscalingGroupName"] == f"eks-{group.name}"
        }
        assert tags == {
            f"{_CA}/label/llmplatform.dev/pool": "a10g",
            f"{_CA}/label/k8s.amazonaws.com/accelerator": "nvidia-a10g",
            f"{_CA}/taint/nvidia.com/gpu": "present:NoSchedule",
            f"{_CA}/resources/nvidia.com/gpu": "1",
            f"{_CA}/resources/ephemeral-storage": f"{ephemeral_storage_gib(plan('a10g'))}Gi",
        }


def test_resources_are_on_the_groups_own_tags_too_because_those_win() -> None:
    engine = _made(plan("a10g"))
    for group in engine.all(_GROUP):
        assert group.inputs["tags"][f"{_CA}/resources/nvidia.com/gpu"] == "1"


def test_autoscaler_tags_stay_off_the_machines() -> None:
    assert not any(found.inputs["tag"]["propagateAtLaunch"] for found in _made(plan("a10g")).all(_TAG))


def test_the_tags_of_every_auto_scaling_group_are_known_before_the_group_is() -> None:
    keys = group_tags(plan("a10g")).keys()
    preview = Engine(preview=True).run(lambda: node_pool(plan("a10g")).urn)
    assert len(preview.all(_TAG)) == 2 * len(keys), "a reviewer sees them"


def test_the_metadata_service_is_out_of_reach_for_pods() -> None:
    options = _made(plan("system")).one(_TEMPLATE).inputs["metadataOptions"]
    assert options["httpTokens"] == "required"
    assert options["httpPutResponseHopLimit"] == 1, "a pod would otherwise borrow the node's role"


def test_the_disk_is_encrypted_and_as_large_as_asked() -> None:
    (disk,) = _made(plan("a10g", disk_gib=300)).one(_TEMPLATE).inputs["blockDeviceMappings"]
    assert disk["deviceName"] == "/dev/xvda"
    assert (disk["ebs"]["volumeType"], disk["ebs"]["volumeSize"], disk["ebs"]["encrypted"]) == ("gp3", 300, "true")


def test_bottlerocket_has_both_disks_encrypted_and_its_data_on_the_second() -> None:
    system, data = _made(plan("bottled")).one(_TEMPLATE).inputs["blockDeviceMappings"]
    assert system["ebs"]["encrypted"] == data["ebs"]["encrypted"] == "true"
    assert "volumeSize" not in system["ebs"]
    assert (data["deviceName"], data["ebs"]["volumeSize"]) == ("/dev/xvdb", 200)


def test_the_template_leaves_to_eks_what_eks_sets() -> None:
    inputs = _made(plan("a10g")).one(_TEMPLATE).inputs
    refused = {"instanceType", "imageId", "vpcSecurityGroupIds", "networkInterfaces", "iamInstanceProfile", "keyName"}
    assert not refused & inputs.keys(), "EKS refuses the template, or forgets the cluster's security group"


def test_machines_and_disks_carry_the_tags_that_groups_do_not_pass_on() -> None:
    kinds = _made(plan("a10g")).one(_TEMPLATE).inputs["tagSpecifications"]
    assert {found["resourceType"] for found in kinds} == {"instance", "volume", "network-interface"}
    assert all(found["tags"]["llmplatform:owner"] == "ml" for found in kinds)


def test_amazon_linux_pulls_large_images_in_parallel() -> None:
    spec = _node_config(_made(plan("system")))["spec"]
    assert spec["featureGates"] == {"FastImagePull": True}
    assert spec["kubelet"]["config"] == {"serializeImagePulls": False}
    assert "instance" not in spec, "m7i has no local disk"


def test_local_disks_hold_images_and_pods() -> None:
    assert instance_types.get("aws", "g5.2xlarge").nvme_gb > 0
    spec = _node_config(_made(plan("a10g")))["spec"]
    assert spec["instance"] == {"localStorage": {"strategy": "RAID0"}}


def test_bottlerocket_sets_up_its_local_disks_in_toml() -> None:
    settings = tomllib.loads(_user_data(_made(plan("bottled"))))["settings"]
    (command,) = settings["bootstrap-commands"].values()
    assert command["commands"][0] == ["apiclient", "ephemeral-storage", "init"]
    assert command["essential"] is True, "a node with too little disk must not join"


def test_bottlerocket_without_local_disks_needs_no_user_data() -> None:
    assert "userData" not in _made(plan("system", image="bottlerocket")).one(_TEMPLATE).inputs


def test_pods_are_promised_less_disk_than_there_is() -> None:
    assert ephemeral_storage_gib(plan("system", disk_gib=100)) == 85
    nvme = instance_types.get("aws", "g5.2xlarge").nvme_gb * 10**9 / 2**30
    assert ephemeral_storage_gib(plan("a10g")) < nvme, "kubelet lives on the local disks there"


def test_a_pool_stays_in_its_zones() -> None:
    (group,) = _made(plan("bottled", zones=[ZONES[1]])).all(_GROUP)
    assert group.inputs["subnetIds"] == [f"subnet-{ZONES[1]}"]


def test_a_zone_without_a_subnet_is_refused() -> None:
    with pytest.raises(ValueError, match="pool system: no private subnet in us-east-1b"):
        Engine().run(lambda: node_pool(plan("system"), subnet_ids={ZONES[0]: "subnet-1"}))


def test_the_nodes_rights_outlive_the_nodes() -> None:
    engine = whole()
    for attachment in engine.all("aws:iam/rolePolicyAttachment:RolePolicyAttachment"):
        if attachment.name.startswith("nodes-"):
            assert engine.waits_for(engine.named("system-nodes"), attachment), (
                "nodes give their interfaces back with it"
            )


def test_pools_do_not_wait_for_one_another() -> None:
    engine = whole()
    groups = engine.all(_GROUP)
    assert not any(engine.waits_for(one, other) for one in groups for other in groups if one is not other)


def test_two_pools_of_one_plan_live_in_one_stack() -> None:
    def program() -> None:
        node_pool(plan("a10g"), "one")
        node_pool(plan("a10g"), "two")

    assert [found.name for found in Engine().run(program).all(_GROUP)] == [
        "one-on-demand", "one-spot", "two-on-demand", "two-spot",
    ]  # fmt: skip


def test_every_effect_that_kubernetes_knows_is_spelled_for_eks() -> None:
    for effect, spelled in EFFECTS.items():
        taint = Taint(key="team", value="ml", effect=effect)  # type: ignore[arg-type]
        (group,) = _made(replace(plan("system"), taints=(taint,))).all(_GROUP)
        assert group.inputs["taints"] == [{"key": "team", "value": "ml", "effect": spelled}]


def test_the_whole_platform_is_planned_without_a_lookup() -> None:
    assert built(stack(), preview=True).all(_GROUP), "a preview has no credentials to look anything up with"
