"""Text Generation Inference: its command line, its memory, and what it is refused and warned for."""

from typing import Any

import pytest
from support.model_servers import container, pod, served
from support.plans import ON_DEMAND, SPOT_FIRST, SPOT_OF_FOUR, STACK, SYSTEM, T4, model_plan

from llmplatform.catalog import engine_flags, engines
from llmplatform.checks import InvalidStack, parse
from llmplatform.checks.rules.engines import engine_is_kept_up
from llmplatform.planning.fit import model_fit
from llmplatform.planning.models import ModelPlan
from llmplatform.serving.engines import server

WEIGHTS = "/models/huggingface/Qwen/Qwen3-8B/main"
TGI: dict[str, Any] = {"kind": "tgi", "image": "registry.example.org/team/text-generation-inference:3.3.7"}
SMALL = {"source": "Qwen/Qwen2.5-3B-Instruct"}


def plan(pool: dict[str, Any] = SPOT_FIRST, engine: dict[str, Any] | None = None, **settings: Any) -> ModelPlan:
    return model_plan(pool, engine={**TGI, **(engine or {})}, **{**SMALL, **settings})


def value_of(flag: str, found: ModelPlan) -> str:
    words = server(found, weights=WEIGHTS).arguments
    return words[words.index(flag) + 1]


def test_the_settings_reach_the_command_line() -> None:
    engine = {"cuda_memory_fraction": 0.9, "max_concurrent_requests": 64, "kv_cache_dtype": "fp8"}
    found = plan({"instance_types": ["g6.12xlarge"], "max": 1}, engine, context_length=4096, tensor_parallel=2)
    wanted = {
        "--model-id": WEIGHTS,
        "--num-shard": "2",
        "--max-total-tokens": "4096",
        "--cuda-memory-fraction": "0.9",
        "--max-concurrent-requests": "64",
        "--kv-cache-dtype": "fp8_e4m3fn",
        "--usage-stats": "off",
        "--hostname": "0.0.0.0",  # noqa: S104
        "--port": "8080",
    }
    assert {flag: value_of(flag, found) for flag in wanted} == wanted


def test_every_flag_is_one_that_it_knows() -> None:
    found = plan(engine={"max_concurrent_requests": 8}, trust_remote_code=True)
    emitted = {word for word in server(found, weights=WEIGHTS).arguments if word.startswith("--")}
    assert emitted <= engine_flags.flags("tgi", engines.facts("tgi").release().version)


@pytest.mark.parametrize("pool", [SPOT_FIRST, ON_DEMAND])
def test_it_finishes_its_answers_within_the_plans_time(pool: dict[str, Any]) -> None:
    assert value_of("--graceful-termination-timeout", plan(pool)) == str(plan(pool).drain.shutdown)
    found = pod(served(pool, engine=TGI, **SMALL))
    assert found["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"] == plan(pool).drain.pre_stop


def test_its_key_is_a_variable_and_no_argument() -> None:
    found = container(served(engine=TGI, **SMALL))
    (key,) = [each for each in found["env"] if each["name"] == "API_KEY"]
    assert key["valueFrom"]["secretKeyRef"]["name"] == "chat-api-key"
    assert "--api-key" not in found["args"]


def test_it_fills_nine_tenths_of_its_share() -> None:
    found = plan(engine={"cuda_memory_fraction": 0.8})
    assert found.pool.gpu
    fit = model_fit(found.spec, found.pool.gpu)
    assert fit.usable_gib == pytest.approx(found.pool.gpu.memory_gib * 0.8 * 0.9)


@pytest.mark.parametrize(
    ("pool", "settings", "says"),
    [
        (SPOT_FIRST, {"engine": {"image": None}}, "engine.image: its publisher's image runs as root alone"),
        (T4, {}, "tgi 3.3.7 has no kernels for the T4"),
        ({"instance_types": ["g7e.2xlarge"], "max": 1}, {}, "use a pool of older GPUs"),
        (SPOT_FIRST, {"engine": {"extra_args": ["--gpu-memory-utilization=0.9"]}}, "tgi has no flag"),
        (SPOT_FIRST, {"engine": {"extra_args": ["--num-shard=2"]}}, "set tensor_parallel"),
        (
            SPOT_FIRST,
            {"engine": {"image": "registry.example.org/x/text-generation-inference:3.0.1"}},
            "is of tgi 3.0.1",
        ),
        (SPOT_OF_FOUR, {"tensor_parallel": 3}, "cannot be spread over 3 GPUs"),
    ],
)
def test_what_it_cannot_do_is_refused(pool: dict[str, Any], settings: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidStack) as found:
        plan(pool, **settings)
    assert says in str(found.value)


def test_a_user_is_warned_that_it_is_in_maintenance_mode() -> None:
    model = {"pool": "gpu", "engine": TGI, "context_length": 8192, **SMALL}
    stack = parse({**STACK, "pools": {"system": SYSTEM, "gpu": SPOT_FIRST}, "models": {"chat": model}})
    (warning,) = engine_is_kept_up(stack)
    assert warning.path == "models.chat.engine.kind"
    assert "maintenance mode" in warning.fault
