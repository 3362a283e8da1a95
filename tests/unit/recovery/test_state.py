"""What an interrupted run leaves in a state, and how a found resource is put into it."""

from typing import Any

from llmplatform.recovery import state

STACK = "urn:pulumi:dev::app::pulumi:pulumi:Stack::app-dev"
PROVIDER = "urn:pulumi:dev::app::pulumi:providers:aws::aws"
VPC = "urn:pulumi:dev::app::aws:ec2/vpc:Vpc::main"
SUBNET = "urn:pulumi:dev::app::aws:ec2/subnet:Subnet::a"
KNOWN = [{"urn": STACK, "type": "pulumi:pulumi:Stack"}, {"urn": PROVIDER, "type": "pulumi:providers:aws", "id": "1"}]


def made(urn: str, **more: Any) -> dict[str, Any]:
    inputs = {"tags": {"a": "b"}, "__defaults": ["name"]}
    found = {"urn": urn, "type": urn.split("::")[2], "custom": True, "parent": STACK, "provider": f"{PROVIDER}::1"}
    return {**found, "inputs": inputs, **more}


def interrupted(*resources: dict[str, Any], operation: str = "creating") -> dict[str, Any]:
    pending = [{"type": operation, "resource": resource} for resource in resources]
    return {"manifest": {}, "resources": KNOWN, "pending_operations": pending}


def test_only_creates_of_what_exists_outside_of_the_engine_are_looked_for() -> None:
    component = made("urn:pulumi:dev::app::llmplatform:aws:Network::core", custom=False)
    provider = made("urn:pulumi:dev::app::pulumi:providers:kubernetes::kubernetes")
    deployment = interrupted(component, provider, made(VPC))
    assert [each["urn"] for each in state.creates(deployment)] == [VPC]
    assert state.creates(interrupted(made(VPC), operation="updating")) == []
    assert len(state.interrupted(deployment)) == 3


def test_an_adopted_resource_keeps_its_inputs_and_waits_to_be_read() -> None:
    deployment = interrupted(made(VPC), made(SUBNET))
    after = state.adopt(deployment, {VPC: "vpc-1"})
    assert [each["urn"] for each in after["resources"]] == [STACK, PROVIDER, VPC]
    adopted = after["resources"][-1]
    assert adopted["id"] == "vpc-1"
    assert adopted["inputs"]["__defaults"] == ["name"], "a generated name stays, or the next run replaces the resource"
    assert "pending_operations" not in after
    assert state.unread(after) == [VPC]
    assert "pending_operations" in deployment, "the deployment that was given is not changed"


def test_a_create_is_adoptable_only_where_the_state_has_room_for_it() -> None:
    deployment = interrupted(made(VPC))
    assert state.adoptable(deployment, made(VPC))
    assert not state.adoptable(deployment, made(PROVIDER)), "its URN is taken: the new half of a replacement"
    assert not state.adoptable(deployment, made(VPC, dependencies=[SUBNET])), "an engine refuses a state with a gap"
    assert not state.adoptable(deployment, made(VPC, propertyDependencies={"vpcId": [SUBNET]}))


def test_a_state_of_a_later_schema_says_so_and_is_not_upgraded() -> None:
    [*_, vpc] = state.adopt(interrupted(made(VPC)), {VPC: "vpc-1"}, {"aws:ec2/vpc:Vpc": 1})["resources"]
    assert vpc["outputs"]["__meta"] == '{"schema_version": "1"}'
    [*_, plain] = state.adopt(interrupted(made(SUBNET)), {SUBNET: "subnet-1"})["resources"]
    assert "__meta" not in plain["outputs"]
