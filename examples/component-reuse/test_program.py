"""The program on the recording engine: with no account, no cluster and no network, in a second."""

from pathlib import Path

from llmplatform.testing import run_program

HERE = Path(__file__).parent
NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"
SUBNETS = {"us-east-1a": "subnet-1", "us-east-1b": "subnet-2"}


def test_spot_and_on_demand_nodes_look_alike_to_a_pod() -> None:
    groups = run_program(HERE).all(NODE_GROUP)
    assert {each.name: each.inputs["capacityType"] for each in groups} == {
        "gpu-spot": "SPOT",
        "gpu-on-demand": "ON_DEMAND",
    }
    spot, on_demand = ({**each.inputs["labels"]} for each in groups)
    assert spot == on_demand


def test_the_nodes_join_the_cluster_of_the_stack_file() -> None:
    groups = run_program(HERE, config={"cluster": "other", "subnets": SUBNETS}).all(NODE_GROUP)
    assert {each.inputs["clusterName"] for each in groups} == {"other"}
    assert {subnet for each in groups for subnet in each.inputs["subnetIds"]} == {*SUBNETS.values()}


def test_the_groups_are_exported_in_the_order_of_capacity() -> None:
    assert list(run_program(HERE).result["groups"]) == ["gpu-spot", "gpu-on-demand"]
