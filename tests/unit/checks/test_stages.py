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


@pytest.mark.parametrize(("device", "fault"), [("efa", "is no device"), ("nvidia.com/gpu", "is no device")])
def test_a_device_of_a_network_has_the_name_of_an_extended_resource(device: str, fault: str) -> None:
    (problem,) = stages.devices_are_there(with_pool(existing=True, devices={device: 4}))
    assert problem.path == f"pools.gpu.devices.{device}"
    assert fault in problem.fault
    assert not list(stages.devices_are_there(with_pool(existing=True, devices={"vpc.amazonaws.com/efa": 4})))


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
