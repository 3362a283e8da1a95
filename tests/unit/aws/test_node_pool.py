"""Node pools on AWS: groups, zones, and what the autoscaler is told about them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.aws_node_pools import GROUP, TAG, made, shape
from support.aws_platform import ZONES, built, node_pool, plan, stack, whole

from llmplatform.aws.node_pool import AMI_TYPES, EFFECTS
from llmplatform.aws.scale_from_zero import ephemeral_storage_gib, group_tags, short
from llmplatform.specs.taints import Taint
from llmplatform.testing import RecordingEngine, Registered

ROOT = Path(__file__).parents[3]
_CA = "k8s.io/cluster-autoscaler/node-template"


def _alike(group: Registered) -> dict[str, Any]:
    """What a pod can tell about a group."""
    return {key: group.inputs[key] for key in ("labels", "taints", "instanceTypes", "amiType", "launchTemplate")}


def test_a_spot_first_pool_has_two_groups_that_a_pod_cannot_tell_apart() -> None:
    engine = made(plan("a10g"))
    on_demand, spot = engine.all(GROUP)
    assert (on_demand.inputs["capacityType"], spot.inputs["capacityType"]) == ("ON_DEMAND", "SPOT")
    assert _alike(on_demand) == _alike(spot)


def test_the_autoscaler_finds_the_groups_by_the_names_of_their_auto_scaling_groups() -> None:
    engine = made(plan("a10g"))
    assert engine.result["groups"] == {
        "a10g-spot": "eks-a10g-spot",
        "a10g-on-demand": "eks-a10g-on-demand",
    }


def test_the_number_of_nodes_is_the_autoscalers() -> None:
    for group in made(plan("system")).all(GROUP):
        assert group.inputs["scalingConfig"] == {"minSize": 1, "maxSize": 4, "desiredSize": 1}
        assert group.ignore_changes == ("scalingConfig.desiredSize",), "an update must not take nodes away from pods"


def test_an_update_needs_no_extra_machine() -> None:
    (group,) = made(plan("bottled")).all(GROUP)
    assert group.inputs["updateConfig"] == {"maxUnavailable": 1, "updateStrategy": "MINIMAL"}, "GPUs are scarce"


def test_nodes_are_pinned_to_the_clusters_minor_and_a_released_image() -> None:
    group = made(plan("system")).all(GROUP)[0]
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
    assert {found.inputs["amiType"] for found in made(plan(pool, **changes)).all(GROUP)} == {ami}


def test_every_image_is_one_that_eks_knows() -> None:
    assert set(AMI_TYPES.values()) <= set(shape("AMITypes")["enum"])
    assert set(EFFECTS.values()) == set(shape("TaintEffect")["enum"])


def test_gpu_nodes_are_tainted_in_the_spelling_of_eks() -> None:
    (group,) = made(plan("bottled")).all(GROUP)
    assert group.inputs["taints"] == [{"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"}]


def test_system_nodes_are_not_tainted_so_that_cluster_dns_has_a_place() -> None:
    group = made(plan("system")).all(GROUP)[0]
    assert group.inputs["taints"] == []


def test_gpu_nodes_say_which_gpu_they_will_have_before_they_have_it() -> None:
    (group,) = made(plan("bottled")).all(GROUP)
    assert group.inputs["labels"]["k8s.amazonaws.com/accelerator"] == "nvidia-l4", (
        "without the label the autoscaler adds a second node while the device plugin of the first is starting"
    )


def test_nodes_without_a_gpu_say_nothing_of_one() -> None:
    group = made(plan("system")).all(GROUP)[0]
    assert "k8s.amazonaws.com/accelerator" not in group.inputs["labels"]


def test_the_autoscaler_can_plan_from_zero_nodes() -> None:
    engine = made(plan("a10g"))
    for group in engine.all(GROUP):
        tags = {
            found.inputs["tag"]["key"]: found.inputs["tag"]["value"]
            for found in engine.all(TAG)
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
    engine = made(plan("a10g"))
    for group in engine.all(GROUP):
        assert group.inputs["tags"][f"{_CA}/resources/nvidia.com/gpu"] == "1"


def test_autoscaler_tags_stay_off_the_machines() -> None:
    found = [each.inputs["tag"] for each in made(plan("a10g")).all(TAG)]
    assert not any(tag["propagateAtLaunch"] for tag in found if tag["key"].startswith(_CA))


def test_the_tags_of_every_auto_scaling_group_are_known_before_the_group_is() -> None:
    keys = group_tags(plan("a10g")).keys()
    preview = RecordingEngine(preview=True).run(lambda: node_pool(plan("a10g")).urn)
    assert {found.inputs["tag"]["key"] for found in preview.all(TAG)} >= keys, "a reviewer sees them"


def test_a_pool_stays_in_its_zones() -> None:
    (group,) = made(plan("bottled", zones=[ZONES[1]])).all(GROUP)
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
    groups = engine.all(GROUP)
    assert not any(engine.waits_for(one, other) for one in groups for other in groups if one is not other)


def test_two_pools_of_one_plan_live_in_one_stack() -> None:
    def program() -> None:
        node_pool(plan("a10g"), "one")
        node_pool(plan("a10g"), "two")

    assert [found.name for found in RecordingEngine().run(program).all(GROUP)] == [
        "one-on-demand", "one-spot", "two-on-demand", "two-spot",
    ]  # fmt: skip


def test_every_effect_that_kubernetes_knows_is_spelled_for_eks() -> None:
    for effect, spelled in EFFECTS.items():
        taint = Taint(key="team", value="ml", effect=effect)  # type: ignore[arg-type]
        group = made(replace(plan("system"), taints=(taint,))).all(GROUP)[0]
        assert group.inputs["taints"] == [{"key": "team", "value": "ml", "effect": spelled}]


def test_the_whole_platform_is_planned_without_a_lookup() -> None:
    assert built(stack(), preview=True).all(GROUP), "a preview has no credentials to look anything up with"


def test_changed_bounds_are_sent_with_the_number_of_nodes_that_there_is() -> None:
    # The provider sends all three numbers when one has changed (`resourceNodeGroupUpdate`), and the engine keeps the
    # last one that it knows of: only a refresh makes that the present one.
    project = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())
    assert project["options"]["refresh"] == "always", "an edit of `max` would terminate the nodes that serve"


def test_a_zone_that_the_environment_gets_replaces_no_group_over_all_zones() -> None:
    # `subnet_ids` is ForceNew (terraform-provider-aws, internal/service/eks/node_group.go).
    for group in made(plan("a10g")).all(GROUP):
        assert "subnetIds" in group.ignore_changes
    for group in made(plan("a10g", zones=[ZONES[0]])).all(GROUP):
        assert "subnetIds" not in group.ignore_changes, "zones that are named are meant"


def test_nodes_for_pods_with_disks_have_a_group_in_each_zone() -> None:
    # EKS user guide, "Simplify node lifecycle with managed node groups": one group per zone for stateful workloads.
    groups = made(plan("system", min=3, max=4)).all(GROUP)
    assert {group.name: group.inputs["subnetIds"] for group in groups} == {
        "system-a": [f"subnet-{ZONES[0]}"],
        "system-b": [f"subnet-{ZONES[1]}"],
    }
    assert [group.inputs["scalingConfig"]["minSize"] for group in groups] == [2, 1], "three nodes stay, not six"
    assert {group.inputs["scalingConfig"]["maxSize"] for group in groups} == {4}, "one zone can take over from another"


@pytest.mark.parametrize(("spread", "names"), [("per_zone", 4), ("across_zones", 2)])
def test_a_pool_is_spread_as_it_says(spread: str, names: int) -> None:
    assert len(made(plan("a10g", spread=spread)).all(GROUP)) == names


def test_each_tag_of_a_group_has_a_name_of_its_own() -> None:
    """AWS' keys may have slashes and hyphens (EC2 user guide, tag restrictions), so all of these can be at once."""
    template = "k8s.io/cluster-autoscaler/node-template"
    keys = ["cost/center", "cost-center", "label-team", f"{template}/label/team", "label/team", "tag/x", "taint-a"]
    keys += [f"{template}/taint/a", "x", "resources-y", f"{template}/resources/y", f"{template}/label/a/b", "label-a/b"]
    assert len({short(key) for key in keys}) == len(keys)
