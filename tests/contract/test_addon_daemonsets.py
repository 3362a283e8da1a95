"""What managed add-ons run on nodes runs on every node: their DaemonSets bear each taint that pools have.

The DaemonSets and what they tolerate by themselves are the simulated cloud's facts, read in the add-ons' own charts.
"""

import json

import pytest
from program import STACKS, run_program, stack_config

from llmplatform_sandbox.cloud.aws.node_health import daemonsets
from llmplatform_sandbox.interfaces import Taint

ADDON, GROUP = "aws:eks/addon:Addon", "aws:eks/nodeGroup:NodeGroup"


@pytest.mark.parametrize("stack", STACKS)
def test_every_taint_of_a_pool_is_tolerated_by_what_add_ons_run_on_its_nodes(stack: str) -> None:
    registered = run_program(stack_config(stack), stack).registered
    taints = {
        Taint(key=one["key"], value=one.get("value") or "", effect=one["effect"].title().replace("_", ""))
        for each in registered
        if each.type == GROUP
        for one in each.inputs.get("taints") or []
    }
    addons = {
        each.inputs["addonName"]: json.loads(each.inputs.get("configurationValues") or "{}")
        for each in registered
        if each.type == ADDON
    }
    assert [
        f"{one.name} of {one.addon} does not tolerate {taint.key}"
        for one in daemonsets()
        if one.addon in addons
        for taint in taints
        if not one.bears(taint, addons[one.addon])
    ] == []
