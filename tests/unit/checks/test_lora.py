"""LoRA adapters that a server cannot serve are refused before anything exists."""

from typing import Any

import pytest
from support.plans import STACK, SYSTEM

from llmplatform.checks import InvalidStack, parse
from llmplatform.checks.rules import warnings

ONE = {"source": "acme/sql", "rank": 16}
LARGE = {"instance_types": ["p4d.24xlarge"], "max": 1}


def stack(lora: dict[str, Any], pools: dict[str, Any] = LARGE, **model: Any) -> dict[str, Any]:
    served = {"source": "Qwen/Qwen3-8B", "pool": "gpu", "context_length": 8192, "lora": lora, **model}
    return {**STACK, "pools": {"system": SYSTEM, "gpu": pools}, "models": {"chat": served}}


def said(lora: dict[str, Any], **model: Any) -> list[str]:
    try:
        parse(stack(lora, **model))
    except InvalidStack as invalid:
        return [str(problem) for problem in invalid.problems]
    return []


@pytest.mark.parametrize(
    ("lora", "line"),
    [
        ({}, "models.chat.lora: it has no adapter; write adapters, or runtime with a claim of them, or remove it"),
        (
            {"adapters": {"sql": {**ONE, "rank": 64}}, "max_rank": 32},
            (
                "models.chat.lora.adapters.sql.rank: rank 64 is above max_rank, which is 32; write 64 as max_rank, or "
                "leave max_rank out"
            ),
        ),
        (
            {"adapters": {"sql": {**ONE, "rank": 1024}}},
            (
                "models.chat.lora.adapters.sql.rank: vllm 0.33.0 serves ranks up to 512; use an adapter of a lower "
                "rank, or merge it into the weights and name them in source"
            ),
        ),
        (
            {"adapters": {"sql": {**ONE, "base": "Qwen/Qwen3-32B"}}},
            (
                "models.chat.lora.adapters.sql.base: an adapter of 'Qwen/Qwen3-32B' does not fit 'Qwen/Qwen3-8B', "
                "which differs in layers, hidden_size, attention_heads; use an adapter of 'Qwen/Qwen3-8B', or "
                "serve 'Qwen/Qwen3-32B'"
            ),
        ),
        (
            {"adapters": {"chat": ONE}},
            "models.chat.lora.adapters.chat: 'chat' is a name of the model; give the adapter another name",
        ),
        (
            {"adapters": {"sql": {**ONE, "revision": "0123abc"}}},
            (
                "models.chat.lora.adapters.sql.revision: '0123abc' looks like a commit, and has 7 digits of 40: the "
                "hub takes whole ones alone; write all 40, as the hub's page of the commit shows them"
            ),
        ),
    ],
)
def test_adapters_that_cannot_be_served_are_refused_in_one_line(lora: dict[str, Any], line: str) -> None:
    assert said(lora) == [line]


def test_a_model_whose_vocabulary_the_engine_refuses_has_no_adapters() -> None:
    """vLLM 0.33.0, wheel: vllm/lora/layers/logits_processor.py, `create_lora_weights`."""
    line = said({"adapters": {"sql": ONE}}, source="google/gemma-3-12b-it")[0]
    assert "a vocabulary above 258048, and 'google/gemma-3-12b-it' has 262144" in line


QUANTIZED = {
    "parameters_billion": 8.19,
    "layers": 36,
    "hidden_size": 4096,
    "attention_heads": 32,
    "kv_heads": 8,
    "head_dim": 128,
    "vocabulary": 151936,
    "context_length": 40960,
    "bytes_per_parameter": 0.52,
}


def test_an_adapter_of_the_model_before_its_quantization_is_served() -> None:
    adapters = {"adapters": {"sql": {**ONE, "base": "Qwen/Qwen3-8B"}}}
    assert said(adapters, source="Qwen/Qwen3-8B-AWQ", shape=QUANTIZED) == []


def test_an_adapter_of_a_mixture_of_experts_fits_its_weights_in_8_bit() -> None:
    adapters = {"adapters": {"sql": {**ONE, "base": "Qwen/Qwen3-30B-A3B"}}}
    found = said(adapters, source="Qwen/Qwen3-30B-A3B-FP8", pools={"instance_types": ["p5.4xlarge"], "max": 1})
    assert not [line for line in found if ".base" in line]


def test_adapters_without_room_are_refused_like_a_model_without() -> None:
    found = said({"adapters": {"sql": {**ONE, "rank": 512}}, "at_once": 64})
    assert len(found) == 1
    assert "'Qwen/Qwen3-8B' with a context of 8192 tokens needs" in found[0]


SMALL = {"instance_types": ["g6.xlarge"], "max": 1}
FOUR = {"instance_types": ["g6.12xlarge"], "max": 1}


def adapters(count: int, rank: int) -> dict[str, Any]:
    return {"adapters": {f"a{number}": {**ONE, "rank": rank} for number in range(count)}, "at_once": 1}


def test_adapters_that_the_memory_of_the_node_cannot_hold_are_refused() -> None:
    """Qwen3-8B: 4096 wide, 36 layers, 32 and 8 heads of 128, 12288 in the feed-forward layer, 151936 tokens."""
    values = 36 * (4 * 4096 + 2 * 40 * 128 + 3 * (4096 + 12288)) + 2 * (151936 + 4096)
    (line,) = said(adapters(60, 64), pools=SMALL, source="Qwen/Qwen3-8B-AWQ", shape=QUANTIZED)
    assert line.startswith("models.chat.lora: the adapters take ")
    assert f" {60 * 64 * values * 2 / 2**30:.0f} GiB in the processes of 1 GPUs, which leave too little of " in line
    assert line.endswith("; use fewer adapters or lower ranks, or a larger resources.memory_gib")
    assert said(adapters(10, 64), pools=SMALL, source="Qwen/Qwen3-8B-AWQ", shape=QUANTIZED) == []


def test_each_process_of_a_replica_holds_every_adapter() -> None:
    four = {"pools": FOUR, "tensor_parallel": 4}
    assert said(adapters(16, 64), **four) == []
    assert "in the processes of 4 GPUs" in said(adapters(80, 64), **four)[0]


@pytest.mark.parametrize(
    "flag", ["--enable-lora", "--lora-modules=x=/y", "--max-loras=2", "--max-lora-rank=16", "--max-cpu-loras=2"]
)
def test_the_flags_of_adapters_follow_from_the_settings(flag: str) -> None:
    (line,) = said({"adapters": {"sql": ONE}}, engine={"extra_args": [flag]})
    assert "set lora; remove it" in line


def test_clients_that_may_load_adapters_are_warned_of() -> None:
    found = [str(each) for each in warnings(parse(stack({"runtime": {"claim": "adapters"}})))]
    assert found == [
        (
            "models.chat.lora.runtime: every client with the key can load and unload adapters, of one replica and "
            "until it restarts; fine where clients are trusted; else write adapters alone"
        )
    ]
