"""Every flag that can be emitted is one that the pinned engine's parser knows."""

from itertools import product
from typing import Any

import pytest
from support.plans import ON_DEMAND, SPOT_FIRST, T4, model_plan

from llmplatform.catalog import engine_flags, engines
from llmplatform.serving.engines import vllm
from llmplatform.specs.engines import Vllm
from llmplatform.specs.models import Model

VERSION = engines.facts("vllm").release().version
ENGINE_CHOICES: dict[str, tuple[Any, ...]] = {
    "version": (VERSION,),
    "image": (None,),
    "gpu_memory_utilization": (0.8,),
    "max_num_seqs": (None, 64),
    "kv_cache_dtype": ("auto", "fp8"),
    "kv_offloading_gib": (1,),
    "speculative": ({"source": "acme/eagle", "method": "eagle3", "size_gib": 0.1, "tokens": 3},),
    "chat_template": ("{{ messages }}",),
    "chat_template_file": (None,),  # Its text is in `chat_template` by then.
    "tool_call_parser": (None, "hermes"),
    "reasoning_parser": (None, "qwen3"),
    "extra_args": ((),),
    "env": ({},),
}
ADAPTER = {"source": "acme/adapter", "rank": 12}
MODEL_CHOICES: dict[str, tuple[Any, ...]] = {
    "lora": ({"adapters": {"one": ADAPTER, "two": ADAPTER}, "at_once": 1},),
    "served_names": ((), ("Qwen/Qwen3-8B",)),
    "context_length": (2048, 8192),
    "trust_remote_code": (False, True),
}
WITHOUT_FLAG = {
    "objectives",
    "source",
    "revision",
    "resources",
    "egress",
    "surge",
    "evictable",
    "pool",
    "replicas",
    "tensor_parallel",
    "data_parallel",
    "expert_parallel",
    "pipeline_parallel",
    "exclusive_topology",
    "workload",
    "tolerations",
    "gated",
    "engine",
    "weights",
    "shape",
    "startup_minutes",
    "pod_annotations",
    "scaling",
    "priority_class",
}
"""Settings of a model that are tested elsewhere or reach the command line by no choice of their own."""


def combinations(choices: dict[str, tuple[Any, ...]]) -> list[dict[str, Any]]:
    return [dict(zip(choices, values, strict=True)) for values in product(*choices.values())]


def emitted(pool: dict[str, Any]) -> set[str]:
    model = "Qwen/Qwen2.5-1.5B-Instruct"
    plans = (
        model_plan(pool, source=model, engine=engine, **settings)
        for engine, settings in product(combinations(ENGINE_CHOICES), combinations(MODEL_CHOICES))
        if pool is not T4 or engine["kv_cache_dtype"] == "auto"
    )
    return {word for plan in plans for word in vllm.arguments(plan, weights="/models/x") if word.startswith("--")}


@pytest.mark.parametrize("pool", [SPOT_FIRST, ON_DEMAND, T4])
def test_every_flag_of_every_combination_of_settings_is_known_to_the_parser(pool: dict[str, Any]) -> None:
    unknown = emitted(pool) - engine_flags.flags("vllm", VERSION)
    assert not unknown, "the engine would refuse to start"


def test_the_combinations_cover_every_setting() -> None:
    assert set(Vllm.model_fields) - {"kind"} == set(ENGINE_CHOICES), "a new setting can emit an untested flag"
    assert set(Model.model_fields) - WITHOUT_FLAG == set(MODEL_CHOICES)


def test_flags_that_the_engine_has_dropped_are_unknown() -> None:
    dropped = {"--swap-space", "--num-scheduler-steps", "--disable-log-requests", "--max-model-length"}
    assert not dropped & engine_flags.flags("vllm", VERSION), "the list would let a stale flag pass"


def test_the_list_names_its_source_and_the_parsers() -> None:
    assert "hermes" in engine_flags.names("vllm", VERSION, "tool-parser")
    assert "qwen3" in engine_flags.names("vllm", VERSION, "reasoning-parser")


def test_a_version_without_a_list_says_how_to_get_one() -> None:
    with pytest.raises(KeyError, match=r"run the script that its other lists name first"):
        engine_flags.flags("vllm", "0.0.1")
