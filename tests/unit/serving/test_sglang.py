"""SGLang: its command line, its probes, its share of the GPU, and that it asks for no key."""

from typing import Any

import pytest
from support.model_servers import container, pod, served
from support.plans import SMALL, SPOT_FIRST, SPOT_OF_FOUR, T4, model_plan, stack

from llmplatform.catalog import engine_flags, engines
from llmplatform.checks import InvalidStack
from llmplatform.checks.rules import warnings
from llmplatform.planning.fit import model_fit
from llmplatform.planning.models import ModelPlan
from llmplatform.serving.engines import server

WEIGHTS = "/models/huggingface/Qwen/Qwen3-8B/main"
SGLANG: dict[str, Any] = {"kind": "sglang"}


def plan(pool: dict[str, Any] = SPOT_FIRST, engine: dict[str, Any] | None = None, **settings: Any) -> ModelPlan:
    return model_plan(pool, engine={**SGLANG, **(engine or {})}, **settings)


def words(found: ModelPlan) -> tuple[str, ...]:
    return server(found, weights=WEIGHTS).arguments


def value_of(flag: str, found: ModelPlan) -> str:
    return words(found)[words(found).index(flag) + 1]


def test_it_is_a_module_of_the_images_python() -> None:
    found = container(served(engine=SGLANG))
    assert found["command"] == ["python3", "-m", "sglang.launch_server"]
    assert found["image"] == "docker.io/lmsysorg/sglang:v0.5.23"


def test_it_listens_to_all_and_exposes_metrics_which_it_would_not_by_itself() -> None:
    assert value_of("--host", plan()) == "0.0.0.0"  # noqa: S104
    assert "--enable-metrics" in words(plan())


def test_the_settings_reach_the_command_line() -> None:
    engine = {
        "mem_fraction_static": 0.8,
        "max_running_requests": 32,
        "kv_cache_dtype": "fp8",
        "tool_call_parser": "qwen25",
        "reasoning_parser": "qwen3",
        "extra_args": ["--schedule-policy=lpm"],
    }
    found = plan({"instance_types": ["g6.2xlarge"], "max": 1}, engine, context_length=4096)
    wanted = {
        "--model-path": WEIGHTS,
        "--served-model-name": "chat",
        "--mem-fraction-static": "0.8",
        "--max-running-requests": "32",
        "--kv-cache-dtype": "fp8_e4m3",
        "--tool-call-parser": "qwen25",
        "--reasoning-parser": "qwen3",
        "--context-length": "4096",
        "--tp-size": "1",
    }
    assert {flag: value_of(flag, found) for flag in wanted} == wanted
    assert words(found)[-1] == "--schedule-policy=lpm"


def test_a_replica_of_several_gpus_is_spread_over_them() -> None:
    assert value_of("--tp-size", plan(SPOT_OF_FOUR, tensor_parallel=4)) == "4"


EXPERTS = {"source": "Qwen/Qwen3-30B-A3B-FP8", "data_parallel": 2, "tensor_parallel": 2}
FOUR_L40S = {"instance_types": ["g6e.12xlarge"], "max": 1}


def test_ranks_are_copies_of_the_whole_model_unless_they_share_experts() -> None:
    """0.5.23, wheel: srt/arg_groups/fields/parallel.py: `tp_size` has the GPUs of all `attn_dp_size` ranks."""
    copies, sharing = (plan(FOUR_L40S, **EXPERTS, expert_parallel=each) for each in (False, True))
    assert {flag: value_of(flag, copies) for flag in ("--tp-size", "--dp-size")} == {"--tp-size": "2", "--dp-size": "2"}
    assert not {"--attn-dp-size", "--ep-size"} & set(words(copies))
    wanted = {"--tp-size": "4", "--attn-dp-size": "2", "--ep-size": "4"}
    assert {flag: value_of(flag, sharing) for flag in wanted} == wanted
    assert "--dp-size" not in words(sharing), "it does not start with both"
    known = engine_flags.flags("sglang", engines.facts("sglang").release().version)
    assert {word for each in (copies, sharing) for word in words(each) if word.startswith("--")} <= known


def test_whole_experts_without_ranks_are_spread_over_a_replicas_gpus() -> None:
    found = plan(FOUR_L40S, source="Qwen/Qwen3-30B-A3B-FP8", tensor_parallel=4, expert_parallel=True)
    assert (value_of("--tp-size", found), value_of("--ep-size", found)) == ("4", "4")
    assert "--attn-dp-size" not in words(found)


def test_every_flag_is_one_that_it_knows() -> None:
    engine = {"max_running_requests": 8, "tool_call_parser": "qwen25", "reasoning_parser": "qwen3"}
    emitted = {word for word in words(plan(engine=engine, trust_remote_code=True)) if word.startswith("--")}
    assert emitted <= engine_flags.flags("sglang", engines.facts("sglang").release().version)


def test_the_list_of_paths_that_are_not_logged_ends_at_the_next_flag() -> None:
    found = words(plan())
    at = found.index("--uvicorn-access-log-exclude-prefixes")
    assert found[at + 1 : at + 4] == ("/health", "/ready", "/metrics")
    assert found[at + 4].startswith("--")


ADAPTERS = {"adapters": {"sql": {"source": "acme/sql", "rank": 12}, "tone": {"source": "acme/tone", "rank": 8}}}


def test_adapters_are_named_and_a_request_without_one_has_a_place_in_the_batch() -> None:
    """0.5.23, wheel: srt/arg_groups/fields/lora.py, `max_loras_per_batch`: "include base-only request"."""
    found = words(plan(lora=ADAPTERS))
    at = found.index("--lora-paths")
    assert found[at + 1 : at + 3] == ("sql=/models/beside/acme/sql/main", "tone=/models/beside/acme/tone/main")
    assert found[at + 3].startswith("--"), "the flag takes all words up to the next one"
    assert value_of("--max-loras-per-batch", plan(lora=ADAPTERS)) == "3"
    assert value_of("--max-lora-rank", plan(lora=ADAPTERS)) == "16"
    assert "--lora-target-modules" not in found
    assert not [word for word in words(plan()) if "lora" in word]


def test_adapters_that_clients_load_may_change_any_module() -> None:
    """0.5.23, wheel: srt/arg_groups/lora_hook.py: without paths it starts with a rank and modules alone."""
    found = plan(lora={"runtime": {"claim": "team-adapters"}})
    assert value_of("--lora-target-modules", found) == "all"
    assert value_of("--max-lora-rank", found) == "16"
    assert "--lora-paths" not in words(found)
    known = engine_flags.flags("sglang", engines.facts("sglang").release().version)
    assert {word for word in words(found) if word.startswith("--")} <= known


def test_the_memory_of_adapters_has_the_place_of_the_model_alone() -> None:
    def overhead(lora: dict[str, Any] | None, **engine: Any) -> float:
        found = plan(engine=engine, lora=lora)
        assert found.pool.gpu is not None
        return model_fit(found.spec, found.pool.gpu).overhead_gib

    one, two = ({**ADAPTERS, "at_once": count} for count in (1, 2))
    alone = overhead(None)
    assert (overhead(one) - alone) * 3 == pytest.approx((overhead(two) - alone) * 2), "two places, and three"


def test_readiness_is_cheap_and_liveness_waits_for_a_token() -> None:
    found = container(served(engine=SGLANG))
    assert found["readinessProbe"]["httpGet"]["path"] == found["startupProbe"]["httpGet"]["path"] == "/ready"
    assert found["livenessProbe"]["httpGet"]["path"] == "/health"
    assert found["livenessProbe"]["timeoutSeconds"] > 20, "it answers after 20 seconds that it cannot"


def test_it_asks_for_no_key_which_it_would_write_into_its_log() -> None:
    engine = served(engine=SGLANG)
    assert engine.result["secret"] is None
    assert not [word for word in container(engine)["args"] if "key" in word]


def test_it_writes_below_a_home_that_its_user_owns() -> None:
    found = pod(served(engine=SGLANG))
    mounts = {each["mountPath"]: each["name"] for each in found["containers"][0]["volumeMounts"]}
    assert mounts["/home/sglang"] == "cache"
    variables = {each["name"]: each.get("value") for each in found["containers"][0]["env"]}
    assert variables["HOME"] == "/home/sglang"
    assert variables["USER"], "PyTorch asks for a name, and the image's users do not have ours"


def test_weights_and_cache_alone_share_its_fraction() -> None:
    found = plan(engine={"mem_fraction_static": 0.8}, context_length=2048)
    assert found.pool.gpu
    fit = model_fit(found.spec, found.pool.gpu)
    assert fit.usable_gib == pytest.approx(found.pool.gpu.memory_gib * 0.8)
    assert fit.overhead_gib == 1.0, "batches and CUDA graphs are outside of it"


@pytest.mark.parametrize(
    ("pool", "settings", "says"),
    [
        (T4, {"source": "Qwen/Qwen3-0.6B"}, "sglang 0.5.23 has no kernels for the T4"),
        (
            SPOT_FIRST,
            {"engine": {"tool_call_parser": "hermess"}},
            "sglang has no parser 'hermess'; did you mean 'hermes'?",
        ),
        (SPOT_FIRST, {"engine": {"kv_cache_dtype": "fp8"}}, "the A10G of pool 'gpu' has no kernels for caches in fp8"),
        (SPOT_FIRST, {"engine": {"gpu_memory_utilization": 0.9}}, "unknown key 'gpu_memory_utilization'"),
        (SPOT_FIRST, {"engine": {"env": {"SGLANG_CACHE_DIR": "/x"}}}, "the platform sets this variable"),
    ],
)
def test_what_it_cannot_do_is_refused(pool: dict[str, Any], settings: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidStack) as found:
        plan(pool, **settings)
    assert says in str(found.value)


def test_an_older_driver_is_refused() -> None:
    release = engines.facts("sglang").release()
    assert (release.cuda, release.driver) == ("13.0", 580)


def test_a_server_without_a_key_is_warned_of() -> None:
    said = {
        engine: warnings(stack({"gpu": SPOT_FIRST}, {"chat": {**SMALL, "engine": {"kind": engine}}}))
        for engine in ("vllm", "sglang")
    }
    assert not [each for each in said["vllm"] if each.path == "models.chat.engine.kind"]
    (line,) = [str(each) for each in said["sglang"] if each.path == "models.chat.engine.kind"]
    assert line == (
        "models.chat.engine.kind: SGLang: it asks for no key, and every client can replace its weights and change its "
        "settings; give the clients' label to a gateway alone that passes on nothing but /v1"
    )
