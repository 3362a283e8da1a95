"""Node pools on AWS that are broken, and nodes that are repaired."""

from typing import Any

import botocore.loaders
import pulumi
import pytest
from support.aws_node_pools import GROUP, TAG, made, shape
from support.aws_platform import node_pool, plan

from llmplatform.base.faults import fail_at_the_end
from llmplatform.testing import RecordingEngine


def _statuses() -> list[str]:
    return shape("NodegroupStatus")["enum"]


def _members(name: str) -> set[str]:
    return set(shape(name)["members"])


@pytest.mark.parametrize("status", sorted(_statuses()))
def test_a_group_that_eks_does_not_work_with_fails_the_program_and_the_message_says_how_it_is_mended(
    status: str,
) -> None:
    engine = RecordingEngine(outputs={GROUP: {"status": status}})
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
    engine = RecordingEngine(outputs={GROUP: {"resources": resources}})
    with pytest.raises(pulumi.RunError, match=r"bottled-nodes: it is without an Auto Scaling group.*up --replace"):
        engine.run(lambda: fail_at_the_end(node_pool(plan("bottled")).faults))
    assert engine.all(TAG) == []


def test_a_group_that_fails_keeps_the_tags_that_it_had() -> None:
    # What is not registered any more is deleted; what depends on a failed resource is left as it is.
    engine = RecordingEngine(failed=frozenset({"bottled-nodes"})).run(lambda: node_pool(plan("bottled")).urn)
    assert engine.all(TAG)


def test_a_fault_that_a_program_can_cause_reboots_no_node() -> None:
    (group,) = made(plan("bottled")).all(GROUP)
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
    assert "nodeRepairConfigOverrides" not in made(plan("system")).all(GROUP)[0].inputs["nodeRepairConfig"]
