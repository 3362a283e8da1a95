"""A cache that leaves the GPUs lies in /dev/shm, and so in the memory of the pod."""

from typing import Any

import pytest
from support.plans import SPOT_FIRST, model_plan

from llmplatform.checks import InvalidStack

OLDER: dict[str, Any] = {"source": "zai-org/chatglm3-6b", "trust_remote_code": True}


def refused(**settings: Any) -> list[str]:
    with pytest.raises(InvalidStack) as invalid:
        model_plan(SPOT_FIRST, **settings)
    return [str(problem) for problem in invalid.value.problems]


def test_the_offloaded_cache_comes_on_top_of_the_processes_own() -> None:
    plain, offloading = model_plan(SPOT_FIRST), model_plan(SPOT_FIRST, engine={"kv_offloading_gib": 8})
    assert offloading.shm_mib == plain.shm_mib + 8 * 1024
    assert offloading.memory_mib == plain.memory_mib, "memory includes /dev/shm"
    given = model_plan(SPOT_FIRST, engine={"kv_offloading_gib": 8}, resources={"shm_gib": 1})
    assert given.shm_mib == 9 * 1024


def test_a_cache_that_leaves_no_memory_for_the_engine_is_refused() -> None:
    (line,) = refused(engine={"kv_offloading_gib": 16})
    assert line.startswith("models.chat.engine: 16 GiB of offloaded cache leave too little of 23 GiB of memory; ")
    assert line.endswith("write 9 or less, or a larger resources.memory_gib")
    assert model_plan(SPOT_FIRST, engine={"kv_offloading_gib": 9})


def test_a_release_without_it_says_so() -> None:
    lines = refused(**OLDER, engine={"version": "0.6.6.post1", "kv_offloading_gib": 2})
    assert "models.chat.engine.kv_offloading_gib: vllm 0.6.6.post1 does not have it; remove it" in lines
