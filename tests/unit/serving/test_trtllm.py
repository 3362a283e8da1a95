"""TensorRT-LLM's server: its command line, its file of options, its share of the GPU, and that it asks for no key."""

import json
from typing import Any

import pytest
import yaml
from support.model_servers import container, pod, served
from support.plans import SMALL, SPOT_FIRST, SPOT_OF_FOUR, T4, model_plan, stack

from llmplatform.catalog import engine_flags, engines
from llmplatform.checks import InvalidStack
from llmplatform.checks.rules import warnings
from llmplatform.planning.fit import Fit, model_fit
from llmplatform.planning.models import ModelPlan
from llmplatform.serving.engines import server

WEIGHTS = "/models/huggingface/Qwen/Qwen3-8B/main"
TRTLLM: dict[str, Any] = {"kind": "trtllm"}
L4 = {"instance_types": ["g6.2xlarge"], "max": 1}


def plan(pool: dict[str, Any] = SPOT_FIRST, engine: dict[str, Any] | None = None, **settings: Any) -> ModelPlan:
    return model_plan(pool, engine={**TRTLLM, **(engine or {})}, **settings)


def words(found: ModelPlan) -> tuple[str, ...]:
    return server(found, weights=WEIGHTS).arguments


def options(found: ModelPlan) -> dict[str, Any]:
    """The file of options, as the engine reads it."""
    return yaml.safe_load(server(found, weights=WEIGHTS).files["options.yaml"])


def fit(found: ModelPlan) -> Fit:
    assert found.pool.gpu
    return model_fit(found.spec, found.pool.gpu)


def test_it_is_run_by_the_images_entry_point_on_pytorch() -> None:
    found = container(served(engine=TRTLLM))
    assert "command" not in found
    assert found["args"][:3] == ["trtllm-serve", "serve", WEIGHTS]
    assert found["args"][found["args"].index("--backend") + 1] == "pytorch"
    assert found["image"] == "nvcr.io/nvidia/tensorrt-llm/release:1.2.1"


def test_it_listens_to_all_and_exposes_metrics_which_it_would_not_by_itself() -> None:
    assert words(plan())[words(plan()).index("--host") + 1] == "0.0.0.0"  # noqa: S104
    assert options(plan())["return_perf_metrics"] is True
    metrics = server(plan(), weights=WEIGHTS).metrics
    assert metrics
    assert metrics.path == "/prometheus/metrics", "/metrics is JSON"


def test_the_settings_reach_the_file_of_options() -> None:
    engine = {
        "free_gpu_memory_fraction": 0.8,
        "max_batch_size": 32,
        "kv_cache_dtype": "fp8",
        "options": {
            "stream_interval": 4,
            "cuda_graph_config": None,
            "kv_cache_config": {"enable_block_reuse": False},
            "moe_config": {"load_balancer": {"num_slots": 8, "layer_updates_per_iter": 2}},
        },
    }
    found = plan(L4, engine, context_length=4096, trust_remote_code=True)
    assert options(found) == {
        "enable_chunked_prefill": True,
        "stream_interval": 4,
        "cuda_graph_config": None,
        "moe_config": {"load_balancer": {"num_slots": 8, "layer_updates_per_iter": 2}},
        "tensor_parallel_size": 1,
        "max_seq_len": 4096,
        "max_batch_size": 32,
        "trust_remote_code": True,
        "return_perf_metrics": True,
        "kv_cache_config": {"enable_block_reuse": False, "free_gpu_memory_fraction": 0.8, "dtype": "fp8"},
    }


def test_the_server_reads_the_file_that_its_pod_has() -> None:
    engine = served(engine={**TRTLLM, "tool_parser": "qwen3", "reasoning_parser": "qwen3"})
    args = container(engine)["args"]
    assert args[args.index("--extra_llm_api_options") + 1] == "/etc/engine/options.yaml"
    assert args[args.index("--tool_parser") + 1] == args[args.index("--reasoning_parser") + 1] == "qwen3"
    (files,) = [each for each in engine.all("kubernetes:core/v1:ConfigMap") if each.name == "chat-files"]
    assert json.loads(files.inputs["data"]["options.yaml"])["tensor_parallel_size"] == 1
    assert {"name": "files", "mountPath": "/etc/engine", "readOnly": True} in container(engine)["volumeMounts"]


def test_long_prompts_are_read_in_parts_unless_the_settings_say_otherwise() -> None:
    assert options(plan())["enable_chunked_prefill"] is True
    assert options(plan(engine={"options": {"enable_chunked_prefill": False}}))["enable_chunked_prefill"] is False


def test_a_hybrid_model_keeps_no_blocks_for_later_requests() -> None:
    settings = {"source": "Qwen/Qwen3-Next-80B-A3B-Instruct", "tensor_parallel": 4, "context_length": 8192}
    pool = {"instance_types": ["p5.48xlarge"], "max": 1}
    found = options(plan(pool, {"max_batch_size": 16}, **settings))
    assert found["kv_cache_config"]["enable_block_reuse"] is False, "the engine asserts it at its start"
    assert "enable_block_reuse" not in options(plan())["kv_cache_config"]


def test_a_replica_of_several_gpus_is_spread_over_them() -> None:
    assert options(plan(SPOT_OF_FOUR, tensor_parallel=4))["tensor_parallel_size"] == 4


def test_every_flag_and_option_is_one_that_it_knows() -> None:
    engine = {"max_batch_size": 8, "tool_parser": "qwen3", "reasoning_parser": "qwen3", "extra_args": ["--ep_size=1"]}
    found, version = plan(engine=engine, trust_remote_code=True), engines.facts("trtllm").release().version
    assert {word.partition("=")[0] for word in words(found) if word.startswith("--")} <= engine_flags.flags(
        "trtllm", version
    )
    assert set(options(found)) <= engine_flags.names("trtllm", version, "option")


def test_no_flag_and_no_option_that_we_emit_can_be_set_by_a_user_too() -> None:
    facts, found = (
        engines.facts("trtllm"),
        plan(L4, {"max_batch_size": 8, "kv_cache_dtype": "fp8"}, trust_remote_code=True),
    )
    assert {word for word in words(found) if word.startswith("--")} <= set(facts.owned_flags)
    ours = {*options(found), *(f"kv_cache_config.{key}" for key in options(found)["kv_cache_config"])}
    assert ours - {"kv_cache_config", "enable_chunked_prefill"} <= set(facts.owned_options)


def test_it_writes_below_a_home_that_its_user_owns() -> None:
    found = pod(served(engine=TRTLLM))
    assert found["securityContext"]["runAsUser"] == 1000
    mounts = {each["mountPath"]: each["name"] for each in found["containers"][0]["volumeMounts"]}
    assert mounts["/home/trtllm"] == "cache"
    variables = {each["name"]: each.get("value") for each in found["containers"][0]["env"]}
    assert variables["HOME"] == "/home/trtllm"
    assert variables["HF_HUB_OFFLINE"] == "1"
    assert variables["USER"], "PyTorch asks for a name"


def test_it_gets_its_time_for_answers_and_no_key() -> None:
    engine = served(engine=TRTLLM)
    assert engine.result["secret"] is None
    assert pod(engine)["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"] == plan().drain.pre_stop


def test_the_cache_gets_its_share_of_what_weights_and_a_batch_leave() -> None:
    found = fit(plan(engine={"free_gpu_memory_fraction": 0.5}, context_length=2048))
    assert found.usable_gib == plan().pool.gpu.memory_gib  # type: ignore[union-attr]
    left = found.usable_gib - found.weights_gib - found.overhead_gib
    assert found.kv_gib == pytest.approx(left / 2)


def test_a_start_that_was_published_follows_the_same_rule() -> None:
    """119.70 GiB, at the peak 113.65 in use with 0.56 of a first cache: "available KV cache memory … 5.95 GiB".

    A log of December 2025, TensorRT-LLM's PyTorch backend at its default fraction of 0.9.
    """
    whole = fit(plan())
    started = Fit(
        weights_gib=63.52,
        overhead_gib=113.65 - 63.52 - 0.56,
        usable_gib=119.70,
        cache=whole.cache,
        context_length=8192,
        cache_share=0.9,
    )
    assert started.kv_gib == pytest.approx(5.95, abs=0.005)


def test_what_is_needed_counts_the_part_that_the_cache_does_not_get() -> None:
    small, large = (fit(plan(engine={"free_gpu_memory_fraction": share})) for share in (0.9, 0.45))
    beside = small.weights_gib + small.overhead_gib
    assert (large.needed_gib - beside) == pytest.approx(2 * (small.needed_gib - beside))


@pytest.mark.parametrize(
    ("pool", "settings", "says"),
    [
        (T4, {"source": "Qwen/Qwen3-0.6B"}, "trtllm 1.2.1 has no kernels for the T4"),
        (SPOT_FIRST, {"engine": {"tool_parser": "qwen2"}}, "trtllm has no parser 'qwen2'; did you mean 'qwen3'?"),
        (SPOT_FIRST, {"engine": {"kv_cache_dtype": "fp8"}}, "the A10G of pool 'gpu' has no kernels for caches in fp8"),
        (SPOT_FIRST, {"engine": {"gpu_memory_utilization": 0.9}}, "unknown key 'gpu_memory_utilization'"),
        (SPOT_FIRST, {"engine": {"env": {"PROMETHEUS_MULTIPROC_DIR": "/x"}}}, "the platform sets this variable"),
        (SPOT_FIRST, {"engine": {"extra_args": ["--tokenizer=Qwen/Qwen3-8B"]}}, "nothing downloads what it names"),
        (
            SPOT_OF_FOUR,
            {"tensor_parallel": 4, "pipeline_parallel": 2},
            "spreads no replica over nodes; remove it, or use",
        ),
        (SPOT_FIRST, {"engine": {"free_gpu_memory_fraction": 0.1}}, "set engine.free_gpu_memory_fraction to 0.9"),
    ],
)
def test_what_it_cannot_do_is_refused(pool: dict[str, Any], settings: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidStack) as found:
        plan(pool, **settings)
    assert says in str(found.value)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"backend": "tensorrt"}, "options.backend: it is not for here; an engine fits only the kind of GPU"),
        ({"stream_intervall": 4}, "options.stream_intervall: trtllm has no option 'stream_intervall'; did you mean"),
        ({"max_seq_len": 4}, "options.max_seq_len: it is not for here; set context_length; remove it"),
        (
            {"kv_cache_config": {"free_gpu_memory_fraction": 0.5}},
            "options.kv_cache_config.free_gpu_memory_fraction: it is not for here; set engine.free_gpu_memory_fraction",
        ),
        ({"kv_cache_config": "all"}, "options.kv_cache_config: it is not a group of keys"),
        (
            {"speculative_config": {"decoding_type": "Eagle", "speculative_model": "acme/eagle"}},
            "options.speculative_config.speculative_model: nothing downloads what it names",
        ),
    ],
)
def test_an_option_that_cannot_be_is_refused_with_what_can(given: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidStack) as found:
        plan(engine={"options": given})
    assert says in str(found.value)


def test_a_server_without_a_key_is_warned_of() -> None:
    said = warnings(stack({"gpu": SPOT_FIRST}, {"chat": {**SMALL, "engine": TRTLLM}}))
    (line,) = [str(each) for each in said if each.path == "models.chat.engine.kind"]
    assert line == (
        "models.chat.engine.kind: TensorRT-LLM: it asks for no key, and every client can free its memory and replace "
        "its weights; give the clients' label to a gateway alone that passes on nothing but /v1"
    )
