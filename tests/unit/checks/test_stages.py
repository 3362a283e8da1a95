"""Rules about replicas of several stages that no wrong file of the committed stacks shows."""

from typing import Any

import pytest
from support.plans import stack

from llmplatform.checks.rules import stages
from llmplatform.specs.platform import ExistingPlatform
from llmplatform.specs.pools import Pool
from llmplatform.specs.stack import Stack

FOUR = {"instance_types": ["g6.12xlarge"], "max": 4, "zones": ["us-east-1a"]}
CHAT = {"source": "Qwen/Qwen3-8B", "pool": "gpu", "context_length": 8192, "tensor_parallel": 4, "pipeline_parallel": 2}


def wanted(**model: Any) -> Stack:
    return stack({"gpu": FOUR}, {"chat": {**CHAT, **model}})


def with_pool(**settings: Any) -> Stack:
    found = wanted()
    pool: Pool = found.pools["gpu"].model_copy(update=settings)
    return found.model_copy(update={"pools": {**found.pools, "gpu": pool}})


def test_a_group_in_one_zone_with_its_controller_is_in_order() -> None:
    assert not [problem for rule in stages.PROBLEMS for problem in rule.judge(wanted())]


@pytest.mark.parametrize(
    ("device", "fault"), [("hugepages-2Mi", "has no domain"), ("nvidia.com/gpu", "are no devices")]
)
def test_a_device_of_a_network_has_the_name_of_an_extended_resource(device: str, fault: str) -> None:
    (problem,) = stages.devices_are_there(with_pool(existing=True, devices={device: 4}))
    assert problem.path == f"pools.gpu.devices.{device}"
    assert fault in problem.fault
    assert not list(stages.devices_are_there(with_pool(existing=True, devices={"vpc.amazonaws.com/efa": 4})))


@pytest.mark.parametrize("key", ["example.org/rack", "topology.kubernetes.io/zone", "llmplatform.dev/pool"])
@pytest.mark.parametrize("model", [{"replicas": 2}, {"surge": True}, {"scaling": {"requests": 9, "max_replicas": 2}}])
def test_a_pool_has_a_place_for_each_replica(key: str, model: dict[str, Any]) -> None:
    alone = wanted(exclusive_topology=key)
    assert not list(stages.places_hold_their_groups(alone))
    found = stack({"gpu": {**FOUR, "labels": {"example.org/rack": "r7"}}}, {"chat": {**CHAT, **model}})
    chat = found.models["chat"].model_copy(update={"exclusive_topology": key})
    (problem,) = stages.places_hold_their_groups(found.model_copy(update={"models": {"chat": chat}}))
    assert problem.path == "models.chat.exclusive_topology"
    assert problem.fault.startswith("2 replicas")


def test_places_that_differ_within_a_pool_are_in_order() -> None:
    assert not list(stages.places_hold_their_groups(wanted(replicas=2, exclusive_topology="example.org/rack")))


@pytest.mark.parametrize(("replicas", "least", "warned"), [(1, 0, False), (2, 0, True), (2, 3, True), (2, 4, False)])
def test_groups_that_may_each_hold_a_part_of_a_pool_are_warned_of(replicas: int, least: int, warned: bool) -> None:
    found = stack({"gpu": {**FOUR, "min": least}}, {"chat": {**CHAT, "replicas": replicas}})
    said = list(stages.groups_get_all_their_nodes(found))
    assert [each.path for each in said] == ["pools.gpu.min"] * warned
    assert all("keep 4 nodes" in each.remedy for each in said)


def test_kserve_makes_no_groups() -> None:
    found = wanted()
    chat = found.models["chat"].model_copy(update={"workload": "kserve"})
    (problem,) = stages.groups_are_ours(found.model_copy(update={"models": {"chat": chat}}))
    assert problem.path == "models.chat.workload"
    assert problem.remedy == "write 'deployment'"


def test_a_group_of_another_stacks_platform_needs_its_controller() -> None:
    found = wanted()
    for there in (False, True):
        platform = ExistingPlatform(kind="existing", lws=there)
        said = list(stages.groups_have_a_controller(found.model_copy(update={"platform": platform})))
        assert bool(said) != there
