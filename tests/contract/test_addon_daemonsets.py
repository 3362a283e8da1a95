"""What managed add-ons run on nodes runs on every node: their DaemonSets bear each taint that pools have.

The DaemonSets and what they tolerate by themselves are the simulated cloud's facts, read in the add-ons' own charts.
"""

import json
from copy import deepcopy

import pytest
from support.program import STACKS, run_program, stack_config

from llmplatform_sandbox.cloud.aws.node_health import daemonsets
from llmplatform_sandbox.interfaces import Taint

ADDON, GROUP = "aws:eks/addon:Addon", "aws:eks/nodeGroup:NodeGroup"


@pytest.mark.parametrize("further", [[], [{"key": "team", "value": "search"}, {"key": "batch", "effect": "NoExecute"}]])
@pytest.mark.parametrize("stack", STACKS)
def test_every_taint_of_a_pool_is_tolerated_by_what_add_ons_run_on_its_nodes(
    stack: str, further: list[dict[str, str]]
) -> None:
    config = deepcopy(stack_config(stack))
    for name, pool in config["llmplatform:pools"].items():
        pool["taints"] = further if name != "system" else []
    for model in config["llmplatform:models"].values():
        model["tolerations"] = further
    registered = run_program(config, stack).registered
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
