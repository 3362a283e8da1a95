"""Edits that look harmless on EKS. One that cannot be harmless says in the plan what goes."""

import json
from collections import defaultdict

import pytest
from support.sandboxes.harmless import GROUPS, POOL, SHARED, Edit, busy, judge, label, pool, serving
from support.sandboxes.sandboxed import Platform, pulumi

pytestmark = pytest.mark.sandbox

FIRST, SECOND = "m7i.xlarge", "m6i.xlarge"
"""Instance types of one shape: the pool without GPUs has the first, and gets the second."""
EDITS = (
    Edit("a larger pool", pool(max=6), frozenset({"NodeGroup"})),
    *SHARED,
    Edit("a label of the pool", label, frozenset({"NodeGroup"}), creates=True),
    Edit("one more zone", lambda config: config["cloud"]["zones"].append("us-east-1c"), creates=True),
)


@pytest.fixture(scope="module", autouse=True)
def full(platform: Platform) -> None:
    busy(platform, 4, FIRST)


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.what)
def test_on_eks_it_costs_no_node_and_no_pod(platform: Platform, edit: Edit) -> None:
    judge(platform, edit)


def goes(platform: Platform) -> dict[str, set[str]]:
    """Name of each node group that a user's own preview replaces or deletes → the properties for which it does."""
    found = pulumi(platform, "preview", "--json")
    assert found.returncode == 0, found.stdout + found.stderr
    reasons: defaultdict[str, set[str]] = defaultdict(set)
    for step in json.loads(found.stdout)["steps"]:
        kind, name = step["urn"].split("::")[-2:]
        if kind.endswith(GROUPS) and step["op"] in ("replace", "create-replacement", "delete-replaced", "delete"):
            reasons[name].update(step.get("replaceReasons") or [])
    return dict(reasons)


def test_other_instance_types_replace_groups_on_eks_and_the_plan_names_each_that_goes(platform: Platform) -> None:
    """ForceNew: terraform-provider-aws, internal/service/eks/node_group.go, instance_types."""
    before = serving(platform, POOL)
    platform.edit(lambda config: config["pools"]["system"]["instance_types"].append(SECOND))
    platform.edit(pool(instance_types=["g5.4xlarge"]))
    going = goes(platform)
    assert sorted(going) == ["gpu-on-demand", "gpu-spot", "system-a", "system-b", "system-c"]
    assert all(reasons == {"instanceTypes"} for reasons in going.values()), going
    assert serving(platform, POOL) == before, "a plan costs nothing"
    platform.edit(lambda config: config["pools"]["system"]["instance_types"].remove(SECOND))
    platform.edit(pool(instance_types=["g5.2xlarge"]))
