"""Memory of LoRA adapters against what the engine allocates."""

from dataclasses import replace
from typing import Any

import pytest
from support.plans import SPOT_FIRST, model_plan

from llmplatform.catalog import models
from llmplatform.planning import lora
from llmplatform.planning.fit import model_fit
from llmplatform.specs.lora import Lora

GIB = 2**30
LARGE = {"instance_types": ["p4d.24xlarge"], "max": 1}


def allocated(config: dict[str, int], tensor_parallel: int) -> int:
    """Values of a slot of rank 1, from the model's config.json.

    vLLM 0.33.0, wheel: vllm/lora/layers: `create_lora_weights` of QKVParallelLinear, RowParallelLinear, merged columns,
    FusedMoE, LogitsProcessor and VocabParallelEmbedding, without fully sharded adapters.
    """
    hidden, width, head = config["hidden_size"], config["intermediate_size"], config["head_dim"]
    q, kv, tp = config["heads"] * head, config["kv_heads"] * head, tensor_parallel
    attention = 3 * hidden + (q + 2 * kv) // tp + q // tp + hidden
    experts = config.get("experts", 1)
    forward = experts * (2 * hidden + 2 * width // tp + width // tp + hidden)
    return config["layers"] * (attention + forward) + 2 * (config["vocabulary"] + hidden)


QWEN3_8B = {
    "hidden_size": 4096,
    "intermediate_size": 12288,
    "heads": 32,
    "kv_heads": 8,
    "head_dim": 128,
    "layers": 36,
    "vocabulary": 151936,
}
LLAMA_70B = {**QWEN3_8B, "hidden_size": 8192, "intermediate_size": 28672, "heads": 64, "layers": 80}
LLAMA_70B["vocabulary"] = 128256
QWEN3_30B_A3B = {**QWEN3_8B, "hidden_size": 2048, "intermediate_size": 768, "kv_heads": 4, "layers": 48, "experts": 128}


@pytest.mark.parametrize("tensor_parallel", [1, 2, 4])
@pytest.mark.parametrize(
    ("name", "config", "most"),
    [
        ("Qwen/Qwen3-8B", QWEN3_8B, 1.02),
        ("meta-llama/Llama-3.3-70B-Instruct", LLAMA_70B, 1.02),
        ("Qwen/Qwen3-30B-A3B", QWEN3_30B_A3B, 1.02),
    ],
)
def test_the_memory_of_a_slot_is_what_the_engine_allocates_or_somewhat_more(
    name: str, config: dict[str, int], most: float, tensor_parallel: int
) -> None:
    shape = models.get(name)
    assert shape is not None
    wanted = Lora.model_validate({"at_once": 3})
    found = lora.gpu_gib(shape, wanted.slots, 64, tensor_parallel)
    expected = 3 * 64 * allocated(config, tensor_parallel) * 2 / GIB
    assert expected * 0.995 <= found <= expected * most, "less would be optimistic"


def test_experts_of_an_unknown_number_are_taken_for_the_narrowest() -> None:
    shape = models.get("Qwen/Qwen3-30B-A3B")
    assert shape is not None
    known, unknown = (lora.gpu_gib(each, 1, 16, 1) for each in (shape, replace(shape, experts=None)))
    assert known < unknown < known * 1.6


def adapters(*ranks: int, **more: Any) -> dict[str, Any]:
    return {"adapters": {f"a{i}": {"source": "acme/a", "rank": rank} for i, rank in enumerate(ranks)}, **more}


@pytest.mark.parametrize(
    ("settings", "rank", "slots"),
    [
        (adapters(16), 16, 1),
        (adapters(12, 40), 64, 2),
        (adapters(*[8] * 9), 8, 4),
        (adapters(8, max_rank=100, at_once=7), 128, 7),
        (adapters(600), None, 1),
        ({"runtime": {"claim": "shared"}}, 16, 1),
    ],
)
def test_the_engine_gets_the_smallest_rank_of_its_own_that_holds_all(
    settings: dict[str, Any], rank: int | None, slots: int
) -> None:
    wanted = Lora.model_validate(settings)
    assert lora.rank(wanted, (1, 8, 16, 32, 64, 128, 256, 320, 512)) == rank
    assert wanted.slots == slots


def test_adapters_take_their_memory_from_the_cache() -> None:
    plain, with_them = (model_plan(SPOT_FIRST, lora=settings) for settings in (None, adapters(64, 64)))
    assert plain.pool.gpu
    without, fit = (model_fit(plan.spec, plain.pool.gpu) for plan in (plain, with_them))
    shape, wanted = plain.spec.known_shape, with_them.spec.lora
    assert shape is not None
    assert wanted is not None
    assert without.kv_gib - fit.kv_gib == pytest.approx(lora.gpu_gib(shape, wanted.slots, 64, 1))
    assert fit.kv_tokens < without.kv_tokens


def test_adapters_have_room_on_the_volume_and_time_to_come() -> None:
    many = adapters(*[256] * 30, at_once=1)
    plain, with_them = (model_plan(LARGE, lora=settings) for settings in (None, many))
    assert with_them.volume_gib > plain.volume_gib
    assert with_them.hydration_seconds > plain.hydration_seconds
    assert with_them.weights_gib == plain.weights_gib
