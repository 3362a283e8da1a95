"""Edits that look harmless on ACK."""

import pytest
from support.sandboxes.harmless import POOL, SHARED, Edit, busy, judge, label, pool
from support.sandboxes.sandboxed import Platform

pytestmark = pytest.mark.sandbox

FIRST, SECOND = "ecs.g7.xlarge", "ecs.g8i.xlarge"
"""Instance types of one shape: the pool without GPUs has the first, and gets the second."""
EDITS = (
    Edit("a larger pool", pool(max=12), frozenset({"NodePool"})),
    *SHARED,
    Edit("a label of the pool", label, frozenset({"NodePool"})),
    # In place: terraform-provider-alicloud, resource_alicloud_cs_kubernetes_node_pool.go, instance_types.
    Edit(
        "a second instance type",
        lambda config: config["pools"]["system"]["instance_types"].append(SECOND),
        frozenset({"NodePool"}),
        pools=(POOL, "system"),
    ),
    Edit("one more zone", lambda config: config["cloud"]["zones"].append("cn-hangzhou-i"), creates=True),
)


@pytest.fixture(scope="module", autouse=True)
def full(platform: Platform) -> None:
    busy(platform, 10, FIRST)


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.what)
def test_on_ack_it_costs_no_node_and_no_pod(platform: Platform, edit: Edit) -> None:
    judge(platform, edit)
