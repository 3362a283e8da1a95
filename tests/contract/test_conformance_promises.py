"""What every cloud's components promise, in its own words: `conformance_readings` reads them for these tests."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pulumi
import pytest
from support.conformance.clouds import CLOUDS, Cloud, whole
from support.conformance.readings import CLASS
from support.program import STACKS, committed, stack_config

from llmplatform.specs.network import NewNetwork
from llmplatform.testing import RecordingEngine, Registered

each_cloud = pytest.mark.parametrize("cloud", CLOUDS, ids=str)


class User(pulumi.CustomResource):
    """Something that uses an output."""

    def __init__(self, name: str, value: pulumi.Input[Any]) -> None:
        super().__init__("test:index:User", name, {"value": value})


def _identity(cloud: Cloud) -> RecordingEngine:
    def program() -> Mapping[str, Any]:
        made = cloud.identity("reader", "models", "reader")
        User("user", {"account": made.service_account, "annotations": dict(made.annotations)})
        return {
            "namespace": made.namespace,
            "account": made.service_account,
            "annotations": made.annotations,
            "namespace_labels": made.namespace_labels,
        }

    return RecordingEngine().run(program)


@each_cloud
def test_an_identity_is_one_service_accounts_and_may_do_nothing_ungranted(cloud: Cloud) -> None:
    engine = _identity(cloud)
    assert (engine.result["namespace"], engine.result["account"]) == ("models", "reader")
    (role,) = cloud.all(engine, "role")
    assert cloud.reads.trusted(role) == {(cloud.reads.this_cluster, "models", "reader")}, (
        "another service account could assume it"
    )
    assert cloud.all(engine, "grant") == []


@each_cloud
def test_a_trust_without_conditions_is_read_as_everybodys(cloud: Cloud) -> None:
    (role,) = cloud.all(_identity(cloud), "role")
    (document,) = [name for name in role.inputs if name.startswith("assumeRolePolicy")]
    every_principal = '{"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole"}]}'
    assert cloud.reads.trusted(replace(role, inputs={**role.inputs, document: every_principal})) == {("*", "*", "*")}


@each_cloud
def test_pods_of_the_service_account_get_the_identitys_role(cloud: Cloud) -> None:
    engine = _identity(cloud)
    (role,) = cloud.all(engine, "role")
    who = (cloud.reads.this_cluster, "models", "reader")
    assert cloud.reads.role_of_pods(engine, who, engine.result) == role, "they would run without it, and say nothing"
    assert engine.waits_for(engine.named("user"), role)


@each_cloud
def test_a_cluster_leaves_nothing_behind(cloud: Cloud) -> None:
    engine = whole(cloud)
    (cluster,) = cloud.all(engine, "cluster")
    assert cloud.reads.left_behind(engine, cluster) == set(), "it would go on costing money"


@each_cloud
@pytest.mark.parametrize("nat", ["single", "per_zone"])
def test_nothing_puts_pods_into_a_subnet_without_its_way_out(cloud: Cloud, nat: str) -> None:
    engine = cloud.bench.built(cloud.bench.stack(network=NewNetwork.model_validate({"kind": "new", "nat": nat})))
    places = cloud.reads.pod_places(engine)
    assert places
    for place in places:
        assert place.ways_out, f"pods of {place.user.name} would reach nothing"
        assert all(engine.waits_for(place.user, way) for way in place.ways_out), "the first pods would hang"


@each_cloud
def test_a_mount_target_is_there_after_the_rule_that_lets_nodes_in(cloud: Cloud) -> None:
    engine = whole(cloud)
    targets = cloud.reads.lets_in(engine)
    assert targets
    for target, rules in targets:
        assert rules, "no pod could mount it"
        assert all(engine.waits_for(target, rule) for rule in rules), "pods that mount before it hang"


@each_cloud
def test_a_user_of_a_class_can_mount_its_volumes(cloud: Cloud) -> None:
    def program() -> None:
        for number, name in enumerate(cloud.bench.platform(cloud.bench.stack())["classes"]):
            User(f"user-{number}", name)

    engine = RecordingEngine().run(program)
    classes = {found.inputs["metadata"]["name"]: found for found in engine.all(CLASS)}
    users = {found.inputs["value"]: found for found in engine.all("test:index:User")}
    assert users.keys() == classes.keys(), "a class without users has no order"
    needed = {name: cloud.reads.mount_needs(engine, found) for name, found in classes.items()}
    assert any(needed.values()), "the shared class has a file system behind it"
    for name, user in users.items():
        assert all(engine.waits_for(user, each) for each in (classes[name], *needed[name])), name


def _keeps_its_size(cloud: Cloud, engine: RecordingEngine, found: Registered) -> bool:
    group = cloud.group(engine, found)
    return group.minimum == group.maximum


@each_cloud
def test_every_group_grows_from_zero(cloud: Cloud) -> None:
    engine = whole(cloud)
    groups = [found for found in cloud.all(engine, "group") if not _keeps_its_size(cloud, engine, found)]
    assert groups
    assert all(cloud.reads.grows_from_zero(engine, group) for group in groups), "its pods would be Pending for ever"


@each_cloud
def test_spot_groups_are_filled_before_the_on_demand_groups_of_their_pools(cloud: Cloud) -> None:
    """Only a committed stack has the autoscaler of every cloud."""
    pairs = 0
    for stack in (each for each in STACKS if stack_config(each)["llmplatform:cloud"]["provider"] == cloud.name):
        engine = committed(stack)
        order = cloud.reads.order(engine)
        pools: dict[str, dict[str, int]] = {}
        for found in cloud.all(engine, "group"):
            if _keeps_its_size(cloud, engine, found):
                assert found.name not in order, "no autoscaler touches it"
                continue
            assert found.name in order, f"{stack}: the autoscaler would never fill {found.name}"
            pools.setdefault(found.parent, {})[cloud.group(engine, found).capacity] = order[found.name]
        both = [places for places in pools.values() if len(places) == 2]
        assert all(places["spot"] > places["on_demand"] for places in both), "spot first is what the pool asked for"
        pairs += len(both)
    assert pairs, "no committed stack has a pool that is spot first"
