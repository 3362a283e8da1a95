"""Node pools on AWS: groups, machines, and what the autoscaler is told about them."""

import base64
import subprocess
import tomllib
from dataclasses import replace
from email import message_from_string
from email.message import Message
from pathlib import Path
from typing import Any, cast

import botocore.loaders
import pulumi
import pytest
import yaml
from support.aws_platform import TAGS, ZONES, built, node_pool, plan, stack, whole

from llmplatform.aws.node_pool import AMI_TYPES, EFFECTS
from llmplatform.aws.scale_from_zero import ephemeral_storage_gib, group_tags, short
from llmplatform.base.faults import fail_at_the_end
from llmplatform.catalog import instance_types
from llmplatform.planning.outside import OutsidePlan
from llmplatform.planning.pools import PoolPlan
from llmplatform.specs.taints import Taint
from llmplatform.testing import RecordingEngine, Registered

ROOT = Path(__file__).parents[3]
_GROUP = "aws:eks/nodeGroup:NodeGroup"
_TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
_TAG = "aws:autoscaling/tag:Tag"
PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"
_CA = "k8s.io/cluster-autoscaler/node-template"


def _shape(name: str) -> dict[str, Any]:
    return botocore.loaders.Loader().load_service_model("eks", "service-2")["shapes"][name]


def _statuses() -> list[str]:
    return _shape("NodegroupStatus")["enum"]


def _members(name: str) -> set[str]:
    return set(_shape(name)["members"])


def _made(pool: PoolPlan) -> RecordingEngine:
    return RecordingEngine().run(lambda: {"groups": node_pool(pool).group_names})


def _user_data(engine: RecordingEngine) -> str:
    return base64.b64decode(engine.one(_TEMPLATE).inputs["userData"]).decode()


def _node_config(engine: RecordingEngine) -> dict[str, Any]:
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
    for group in _made(plan("system")).all(_GROUP):
        assert group.inputs["scalingConfig"] == {"minSize": 1, "maxSize": 4, "desiredSize": 1}
        assert group.ignore_changes == ("scalingConfig.desiredSize",), "an update must not take nodes away from pods"


def test_an_update_needs_no_extra_machine() -> None:
    (group,) = _made(plan("bottled")).all(_GROUP)
    assert group.inputs["updateConfig"] == {"maxUnavailable": 1, "updateStrategy": "MINIMAL"}, "GPUs are scarce"


def test_nodes_are_pinned_to_the_clusters_minor_and_a_released_image() -> None:
    group = _made(plan("system")).all(_GROUP)[0]
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
    assert set(AMI_TYPES.values()) <= set(_shape("AMITypes")["enum"])
    assert set(EFFECTS.values()) == set(_shape("TaintEffect")["enum"])


def test_gpu_nodes_are_tainted_in_the_spelling_of_eks() -> None:
    (group,) = _made(plan("bottled")).all(_GROUP)
    assert group.inputs["taints"] == [{"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"}]


def test_system_nodes_are_not_tainted_so_that_cluster_dns_has_a_place() -> None:
    group = _made(plan("system")).all(_GROUP)[0]
    assert group.inputs["taints"] == []


def test_gpu_nodes_say_which_gpu_they_will_have_before_they_have_it() -> None:
    (group,) = _made(plan("bottled")).all(_GROUP)
    assert group.inputs["labels"]["k8s.amazonaws.com/accelerator"] == "nvidia-l4", (
        "without the label the autoscaler adds a second node while the device plugin of the first is starting"
    )


def test_nodes_without_a_gpu_say_nothing_of_one() -> None:
    group = _made(plan("system")).all(_GROUP)[0]
    assert "k8s.amazonaws.com/accelerator" not in group.inputs["labels"]


def test_the_autoscaler_can_plan_from_zero_nodes() -> None:
    engine = _made(plan("a10g"))
    for group in engine.all(_GROUP):
        tags = {
            found.inputs["tag"]["key"]: found.inputs["tag"]["value"]
            for found in engine.all(_TAG)
            if found.inputs["autoscalingGroupName"] == f"eks-{group.name}"
            and found.inputs["tag"]["key"].startswith(_CA)
        }
        assert tags == {
            f"{_CA}/label/llmplatform.dev/pool": "a10g",
            f"{_CA}/label/k8s.amazonaws.com/accelerator": "nvidia-a10g",
            f"{_CA}/taint/nvidia.com/gpu": "present:NoSchedule",
            f"{_CA}/resources/nvidia.com/gpu": "1",
            f"{_CA}/resources/ephemeral-storage": f"{ephemeral_storage_gib(plan('a10g'))}Gi",
        }


def test_the_autoscaler_reads_each_taint_of_an_empty_group_from_its_tags() -> None:
    # cluster-autoscaler, cloudprovider/aws/aws_manager.go, extractTaintsFromAsg: what is before the first colon of the
    # tag is the value, what comes after it the effect; a tag that ends in no effect is none of a taint.
    taints = (Taint(key="team", value="ml"), Taint(key="example.org/batch", effect="NoExecute"))
    tags = group_tags(replace(plan("system"), taints=taints))
    assert {key: value for key, value in tags.items() if "/taint/" in key} == {
        f"{_CA}/taint/team": "ml:NoSchedule",
        f"{_CA}/taint/example.org/batch": ":NoExecute",
    }


def test_resources_are_on_the_groups_own_tags_too_because_those_win() -> None:
    engine = _made(plan("a10g"))
    for group in engine.all(_GROUP):
        assert group.inputs["tags"][f"{_CA}/resources/nvidia.com/gpu"] == "1"


def test_autoscaler_tags_stay_off_the_machines() -> None:
    found = [each.inputs["tag"] for each in _made(plan("a10g")).all(_TAG)]
    assert not any(tag["propagateAtLaunch"] for tag in found if tag["key"].startswith(_CA))


def test_the_tags_of_every_auto_scaling_group_are_known_before_the_group_is() -> None:
    keys = group_tags(plan("a10g")).keys()
    preview = RecordingEngine(preview=True).run(lambda: node_pool(plan("a10g")).urn)
    assert {found.inputs["tag"]["key"] for found in preview.all(_TAG)} >= keys, "a reviewer sees them"


def test_the_metadata_service_is_out_of_reach_for_pods() -> None:
    options = _made(plan("system")).one(_TEMPLATE).inputs["metadataOptions"]
    assert options["httpTokens"] == "required"
    assert options["httpPutResponseHopLimit"] == 1, "a pod would otherwise borrow the node's role"


def test_the_disk_is_encrypted_and_as_large_as_asked() -> None:
    (disk,) = _made(plan("system", disk_gib=300)).one(_TEMPLATE).inputs["blockDeviceMappings"]
    assert disk["deviceName"] == "/dev/xvda"
    assert (disk["ebs"]["volumeType"], disk["ebs"]["volumeSize"], disk["ebs"]["encrypted"]) == ("gp3", 300, "true")


def test_bottlerocket_has_both_disks_encrypted_and_its_data_on_the_second() -> None:
    system, data = _made(plan("bottled")).one(_TEMPLATE).inputs["blockDeviceMappings"]
    assert system["ebs"]["encrypted"] == data["ebs"]["encrypted"] == "true"
    assert "volumeSize" not in system["ebs"]
    assert (data["deviceName"], data["ebs"]["volumeSize"]) == ("/dev/xvdb", 60), "g6 has local disks"


def test_the_template_leaves_to_eks_what_eks_sets() -> None:
    inputs = _made(plan("a10g")).one(_TEMPLATE).inputs
    refused = {"instanceType", "imageId", "vpcSecurityGroupIds", "networkInterfaces", "iamInstanceProfile", "keyName"}
    assert not refused & inputs.keys(), "EKS refuses the template, or forgets the cluster's security group"


def test_machines_and_disks_carry_the_tags_that_groups_do_not_pass_on() -> None:
    kinds = _made(plan("a10g")).one(_TEMPLATE).inputs["tagSpecifications"]
    assert {found["resourceType"] for found in kinds} == {"instance", "volume", "network-interface"}
    assert all(found["tags"]["llmplatform:environment"] == "dev" for found in kinds)


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


WAY = OutsidePlan(
    proxy="http://proxy.example.org:3128", no_proxy=("10.0.0.0/16", ".svc"), certificates=f"{PEM}\n", nodes=True
)


def _outside(pool: PoolPlan, way: OutsidePlan) -> str:
    made = RecordingEngine().run(lambda: node_pool(pool, outside=way).cluster_name)
    return base64.b64decode(made.one(_TEMPLATE).inputs["userData"]).decode()


_ANCHOR = "etc/pki/ca-trust/source/anchors/outside.pem"


def _booted(script: str, root: Path) -> Path:
    """The folder that a script has filled in place of a node's own."""
    (root / _ANCHOR).parent.mkdir(parents=True)
    played = "\n".join(f"{each}() {{ :; }}" for each in ("update-ca-trust", "systemctl"))
    there = script.replace("/etc/", f"{root}/etc/")
    subprocess.run(["bash", "-c", f"{played}\n{there}"], cwd=root, check=True)
    return root


def test_nodes_of_amazon_linux_are_told_of_the_way_before_they_pull_anything(tmp_path: Path) -> None:
    script, config = cast(list[Message], message_from_string(_outside(plan("a10g"), WAY)).get_payload())
    # amazon-eks-ami, templates/al2023: nodeadm-run.service, which starts containerd and kubelet, is after cloud-init.
    assert (script.get_content_type(), config.get_content_type()) == ("text/x-shellscript", "application/node.eks.aws")
    root = _booted(str(script.get_payload()), tmp_path)
    assert (root / _ANCHOR).read_text().strip() == PEM
    for unit in ("containerd", "kubelet", "nodeadm-run"):
        told = (root / f"etc/systemd/system/{unit}.service.d/outside.conf").read_text()
        assert 'Environment="HTTPS_PROXY=http://proxy.example.org:3128"\n' in told
        assert 'Environment="NO_PROXY=10.0.0.0/16,.svc"\n' in told


def test_no_line_of_a_bundle_is_a_command_to_a_node(tmp_path: Path) -> None:
    """cloud-init runs the script as root (cloud-init's documentation, user data scripts)."""
    bundle = "\n".join([PEM, "END", "EOF", "touch hacked", "$(touch hacked)", "`touch hacked`", "'; touch hacked", PEM])
    way = replace(WAY, certificates=bundle, proxy=None, no_proxy=())
    script, _ = cast(list[Message], message_from_string(_outside(plan("a10g"), way)).get_payload())
    root = _booted(str(script.get_payload()), tmp_path)
    assert (root / _ANCHOR).read_text() == bundle
    assert not (root / "hacked").exists()


def test_bottlerocket_is_told_by_its_settings() -> None:
    # Bottlerocket's documentation, settings.network and settings.pki.
    settings = tomllib.loads(_outside(plan("bottled"), WAY))["settings"]
    assert settings["network"] == {"https-proxy": WAY.proxy, "no-proxy": list(WAY.no_proxy)}
    assert base64.b64decode(settings["pki"]["outside"]["data"]).decode().strip() == PEM
    assert settings["pki"]["outside"]["trusted"] is True
    assert "bootstrap-commands" in settings, "and its local disks as before"


def test_nodes_are_told_nothing_unless_the_settings_say_so() -> None:
    pool = plan("a10g")
    assert _outside(pool, replace(WAY, nodes=False)) == _user_data(_made(pool))


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
        RecordingEngine().run(lambda: node_pool(plan("system"), subnet_ids={ZONES[0]: "subnet-1"}))


def test_the_nodes_rights_outlive_the_nodes() -> None:
    engine = whole()
    for attachment in engine.all("aws:iam/rolePolicyAttachment:RolePolicyAttachment"):
        if attachment.name.startswith("nodes-"):
            assert engine.waits_for(engine.named("system-a"), attachment), "nodes give their interfaces back with it"


def test_pools_do_not_wait_for_one_another() -> None:
    engine = whole()
    groups = engine.all(_GROUP)
    assert not any(engine.waits_for(one, other) for one in groups for other in groups if one is not other)


def test_two_pools_of_one_plan_live_in_one_stack() -> None:
    def program() -> None:
        node_pool(plan("a10g"), "one")
        node_pool(plan("a10g"), "two")

    assert [found.name for found in RecordingEngine().run(program).all(_GROUP)] == [
        "one-on-demand", "one-spot", "two-on-demand", "two-spot",
    ]  # fmt: skip


def test_every_effect_that_kubernetes_knows_is_spelled_for_eks() -> None:
    for effect, spelled in EFFECTS.items():
        taint = Taint(key="team", value="ml", effect=effect)  # type: ignore[arg-type]
        group = _made(replace(plan("system"), taints=(taint,))).all(_GROUP)[0]
        assert group.inputs["taints"] == [{"key": "team", "value": "ml", "effect": spelled}]


def test_the_whole_platform_is_planned_without_a_lookup() -> None:
    assert built(stack(), preview=True).all(_GROUP), "a preview has no credentials to look anything up with"


def test_changed_bounds_are_sent_with_the_number_of_nodes_that_there_is() -> None:
    # The provider sends all three numbers when one has changed (`resourceNodeGroupUpdate`), and the engine keeps the
    # last one that it knows of: only a refresh makes that the present one.
    project = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())
    assert project["options"]["refresh"] == "always", "an edit of `max` would terminate the nodes that serve"


@pytest.mark.parametrize("tag", ["llmplatform:owner", "llmplatform:cost-center", "team"])
def test_a_changed_tag_renews_no_node(tag: str) -> None:
    one, other = (
        RecordingEngine().run(lambda value=value: node_pool(plan("a10g"), tags={**TAGS, tag: value}).urn)
        for value in ("a", "b")
    )
    ignored = ("tags",)  # Not among `updateKeys` of the launch template: no new version.
    before, after = (
        {name: value for name, value in engine.one(_TEMPLATE).inputs.items() if name not in ignored}
        for engine in (one, other)
    )
    assert before == after, "another version of the template drains every node of the pool"
    propagated = [found.inputs["tag"] for found in other.all(_TAG) if found.inputs["tag"]["propagateAtLaunch"]]
    assert {"key": tag, "value": "b", "propagateAtLaunch": True} in propagated, "new machines are booked by it"


def test_a_zone_that_the_environment_gets_replaces_no_group_over_all_zones() -> None:
    # `subnet_ids` is ForceNew (terraform-provider-aws, internal/service/eks/node_group.go).
    for group in _made(plan("a10g")).all(_GROUP):
        assert "subnetIds" in group.ignore_changes
    for group in _made(plan("a10g", zones=[ZONES[0]])).all(_GROUP):
        assert "subnetIds" not in group.ignore_changes, "zones that are named are meant"


def test_nodes_for_pods_with_disks_have_a_group_in_each_zone() -> None:
    # EKS user guide, "Simplify node lifecycle with managed node groups": one group per zone for stateful workloads.
    groups = _made(plan("system", min=3, max=4)).all(_GROUP)
    assert {group.name: group.inputs["subnetIds"] for group in groups} == {
        "system-a": [f"subnet-{ZONES[0]}"],
        "system-b": [f"subnet-{ZONES[1]}"],
    }
    assert [group.inputs["scalingConfig"]["minSize"] for group in groups] == [2, 1], "three nodes stay, not six"
    assert {group.inputs["scalingConfig"]["maxSize"] for group in groups} == {4}, "one zone can take over from another"


@pytest.mark.parametrize(("spread", "names"), [("per_zone", 4), ("across_zones", 2)])
def test_a_pool_is_spread_as_it_says(spread: str, names: int) -> None:
    assert len(_made(plan("a10g", spread=spread)).all(_GROUP)) == names


@pytest.mark.parametrize("status", sorted(_statuses()))
def test_a_group_that_eks_does_not_work_with_fails_the_program_and_the_message_says_how_it_is_mended(
    status: str,
) -> None:
    engine = RecordingEngine(outputs={_GROUP: {"status": status}})
    if not status.endswith("_FAILED"):
        assert engine.run(lambda: node_pool(plan("bottled")).faults).result == []
        return
    with pytest.raises(pulumi.RunError, match=r"^node group bottled-nodes: .* pulumi up --replace 'urn:pulumi:[^ ]+'$"):
        engine.run(lambda: fail_at_the_end(node_pool(plan("bottled")).faults))


@pytest.mark.parametrize("resources", [[], [{}], [{"autoscalingGroups": []}]])
def test_a_group_without_machines_behind_it_is_said_to_be_broken_and_gets_no_tags(resources: list[Any]) -> None:
    # Neither is required: botocore's model of eks, `Nodegroup` and `NodegroupResources`.
    model = botocore.loaders.Loader().load_service_model("eks", "service-2")["shapes"]
    assert "resources" not in model["Nodegroup"].get("required", [])
    assert "autoScalingGroups" not in model["NodegroupResources"].get("required", [])
    engine = RecordingEngine(outputs={_GROUP: {"resources": resources}})
    with pytest.raises(pulumi.RunError, match=r"bottled-nodes: it is without an Auto Scaling group.*up --replace"):
        engine.run(lambda: fail_at_the_end(node_pool(plan("bottled")).faults))
    assert engine.all(_TAG) == []


def test_a_group_that_fails_keeps_the_tags_that_it_had() -> None:
    # What is not registered any more is deleted; what depends on a failed resource is left as it is.
    engine = RecordingEngine(failed=frozenset({"bottled-nodes"})).run(lambda: node_pool(plan("bottled")).urn)
    assert engine.all(_TAG)


def test_a_fault_that_a_program_can_cause_reboots_no_node() -> None:
    (group,) = _made(plan("bottled")).all(_GROUP)
    repairs = group.inputs["nodeRepairConfig"]
    assert repairs["enabled"] is True
    assert repairs["maxParallelNodesRepairedCount"] == 1, "a fault of all nodes must not take all of them at once"
    # NVIDIA's Xid catalog: after 13 and 31 the application is started again.
    found = {override["nodeUnhealthyReason"]: override for override in repairs["nodeRepairConfigOverrides"]}
    assert {name: override["repairAction"] for name, override in found.items()} == {
        "NvidiaXID13Error": "NoAction",
        "NvidiaXID31Error": "NoAction",
    }
    # "If you use this, you must specify all the values" (`NodeRepairConfigOverrides`, EKS' API model).
    assert all(override.keys() == _members("NodeRepairConfigOverrides") for override in found.values())


def test_nodes_without_gpus_are_repaired_as_eks_does_it() -> None:
    assert "nodeRepairConfigOverrides" not in _made(plan("system")).all(_GROUP)[0].inputs["nodeRepairConfig"]


def test_a_root_volume_beside_local_disks_is_small() -> None:
    # nodeadm's `localStorage` moves images, pods and their logs there; g5 has such disks (EC2, instance types).
    (disk,) = _made(plan("a10g", disk_gib=500)).one(_TEMPLATE).inputs["blockDeviceMappings"]
    assert disk["ebs"]["volumeSize"] == 60
    assert not {"iops", "throughput"} & disk["ebs"].keys(), "nothing is unpacked on it"


def test_each_tag_of_a_group_has_a_name_of_its_own() -> None:
    """AWS' keys may have slashes and hyphens (EC2 user guide, tag restrictions), so all of these can be at once."""
    template = "k8s.io/cluster-autoscaler/node-template"
    keys = ["cost/center", "cost-center", "label-team", f"{template}/label/team", "label/team", "tag/x", "taint-a"]
    keys += [f"{template}/taint/a", "x", "resources-y", f"{template}/resources/y", f"{template}/label/a/b", "label-a/b"]
    assert len({short(key) for key in keys}) == len(keys)
