from typing import Any

import pytest
from support.plans import ON_DEMAND, SPOT_FIRST, T4, model_plan

from llmplatform.catalog import engine_flags, engines
from llmplatform.checks import InvalidStack
from llmplatform.serving.engines import vllm

FACTS = engines.facts("vllm")
FLAGS, VARIABLES = FACTS.owned_flags, FACTS.owned_variables
VERSION = FACTS.release().version
KNOWN = sorted(engine_flags.flags("vllm", VERSION))


def refused(pool: dict[str, Any] = SPOT_FIRST, **settings: Any) -> str:
    with pytest.raises(InvalidStack) as invalid:
        model_plan(pool, **settings)
    return "\n".join(map(str, invalid.value.problems))


def test_every_flag_that_is_refused_is_one_of_the_engine() -> None:
    assert not set(FLAGS) - set(KNOWN) - {"--model"}, (
        "the table has a flag that no user can write (--model is positional)"
    )


def test_no_flag_that_we_emit_can_be_set_twice() -> None:
    engine = {"tool_call_parser": "hermes", "reasoning_parser": "qwen3", "max_num_seqs": 8, "kv_cache_dtype": "fp8"}
    plan = model_plan(trust_remote_code=True, engine=engine)
    emitted = {word for word in vllm.arguments(plan, weights="/models/x") if word.startswith("--")}
    assert emitted - set(FLAGS) == set(), "the last one would win without a word"
    half = vllm.arguments(model_plan(T4, source="Qwen/Qwen2.5-1.5B-Instruct"), weights="/models/x")
    assert {word for word in half if word.startswith("--")} - set(FLAGS) == {"--dtype"}
    assert "--dtype" in FACTS.overridable
    assert set(vllm.environment(plan, weights="/models/x")) <= set(VARIABLES)


@pytest.mark.parametrize(
    ("argument", "says"),
    [
        ("--enforce-eagr", "did you mean '--enforce-eager'?"),
        ("--api-key=x", "keys are in Secrets"),
        ("--max-model-len=100", "set context_length"),
        ("--device-memory-utilization=0.5", "set engine.gpu_memory_utilization"),
        ("--no-enable-auto-tool-choice", "set engine.tool_call_parser"),
        ("--runner=poling", "'poling' is not a choice of '--runner'; did you mean 'pooling'?"),
        ("--runner", "'--runner' has no value; use 'auto', 'generate', 'pooling' or 'draft'"),
        ("--max-num-batched-tokens=0", "'0' is not at least 1; write such a number, or remove it"),
        ("--max-num-batched-tokens=-8", "'-8' is not at least 1"),
        ("--watermark=1", "'1' is not less than 1"),
        ("--kv-cache-metrics-sample=1.5", "'1.5' is not at most 1"),
        ("--kv-cache-metrics-sample=-1e-3", "'-1e-3' is not more than 0"),
        ("--quantization=fp9", "has no quantization 'fp9'; did you mean 'fp8'?"),
        ("enforce-eager", "write a long flag"),
        ("--max-num-batched-tokens 8192", "write a long flag"),
    ],
)
def test_an_argument_that_cannot_be_is_refused_with_what_can(argument: str, says: str) -> None:
    assert says in refused(engine={"extra_args": [argument]})


@pytest.mark.parametrize(
    "argument",
    [
        "--no-enable-prefix-caching",
        "--max-num-batched-tokens=8k",
        "--kv-cache-memory-bytes=1.5G",
        "--cpu-offload-gb=0.5",
        "--max-logprobs=-1",
        "--kv-cache-metrics-sample=1",
        "--quantization=fp8",
        '--limit-mm-per-prompt={"image": 2}',
        "--hf-overrides.rope_theta=1",
        "--dtype=half",
    ],
)
def test_the_forms_that_the_engine_takes_are_taken(argument: str) -> None:
    assert model_plan(engine={"extra_args": [argument]}).spec.engine.extra_args == (argument,)


@pytest.mark.parametrize(
    ("variable", "says"),
    [
        ("HF_HUB_OFFLINE", "the platform sets this variable"),
        ("VLLM_SERVER_DEV_MODE", "it adds paths that change the server and ask for no key; remove it"),
        ("AWS_SECRET_ACCESS_KEY", "looks like a secret"),
        ("2X", "write letters, digits"),
    ],
)
def test_a_variable_that_cannot_be_is_refused(variable: str, says: str) -> None:
    assert says in refused(engine={"env": {variable: "x"}})


@pytest.mark.parametrize("engine", [{}, {"kind": "sglang"}])
def test_a_quantization_that_only_an_image_of_ones_own_can_have_is_taken_with_one(engine: dict[str, Any]) -> None:
    own = {**engine, "extra_args": ["--quantization=of-a-plugin"]}
    assert "has no quantization 'of-a-plugin'; use one of 3" in refused(engine=own)
    assert model_plan(engine={**own, "image": "registry.example.org/team/engine:1"})


TGI = {"kind": "tgi", "image": "registry.example.org/team/tgi:3.3.7"}
OLDER = {"version": "0.6.6.post1"}


@pytest.mark.parametrize(
    ("engine", "argument"),
    [
        ({}, "--tokenizer=Qwen/Qwen3-8B"),
        ({}, "--hf-config-path=Qwen/Qwen3-8B"),
        ({}, '--default-mm-loras={"audio": "acme/voice"}'),
        ({}, "--default-mm-loras.audio=acme/voice"),
        (OLDER, "--speculative-model=Qwen/Qwen2.5-0.5B"),
        ({"kind": "sglang"}, "--speculative-draft-model-path=acme/eagle"),
        ({"kind": "sglang"}, "--tokenizer-path=Qwen/Qwen3-8B"),
        (TGI, "--lora-adapters=acme/sql"),
    ],
)
def test_a_flag_that_names_what_nothing_downloads_is_refused(engine: dict[str, Any], argument: str) -> None:
    flag = argument.partition("=")[0].partition(".")[0]
    assert (
        "models.chat.engine.extra_args[0]: nothing downloads what it names; "
        f"write a path in your own image: '{flag}=/path', or remove it"
    ) in refused(engine={**engine, "extra_args": [argument]})


@pytest.mark.parametrize(
    ("engine", "argument"), [({}, "--tokenizer=/opt/tokenizer"), (OLDER, "--speculative-model=[ngram]")]
)
def test_a_flag_that_names_what_is_in_the_image_is_taken(engine: dict[str, Any], argument: str) -> None:
    source: dict[str, Any] = {"source": "zai-org/chatglm3-6b", "trust_remote_code": True} if engine else {}
    assert argument in vllm.arguments(model_plan(**source, engine={**engine, "extra_args": [argument]}), weights="/x")


def test_a_value_that_another_release_has_is_refused() -> None:
    """Its list has no such choice: vllm-0.6.6.post1.txt."""
    line = "models.chat.engine.kv_cache_dtype: vllm 0.6.6.post1 has no 'bfloat16'; use 'auto', 'fp8', 'fp8_e5m2' or"
    assert line in refused(engine={**OLDER, "kv_cache_dtype": "bfloat16"})
    assert model_plan(engine={"kv_cache_dtype": "bfloat16"})


@pytest.mark.parametrize(
    ("resources", "says"),
    [
        ({"cpu": 8}, "8 CPUs are more than the 7.91 that a node of pool 'gpu' offers; write 7 or less"),
        ({"memory_gib": 64}, "64 GiB are more than the"),
        ({"memory_gib": 20, "shm_gib": 16}, "write 10 or less"),
    ],
)
def test_what_no_node_of_the_pool_has_is_refused(resources: dict[str, Any], says: str) -> None:
    assert says in refused(resources=resources)


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("cluster-autoscaler.kubernetes.io/safe-to-evict", "the platform sets this annotation; set evictable"),
        ("llmplatform.dev/secrets", "the platform sets this annotation; use a domain of your own"),
        ("-x", "use at most 63 letters"),
    ],
)
def test_an_annotation_of_the_platforms_is_refused(key: str, says: str) -> None:
    assert says in refused(pod_annotations={key: "true"})


def test_a_surge_without_room_is_refused() -> None:
    assert "needs 1 more" in refused(ON_DEMAND, replicas=2, surge=True)
    assert model_plan(ON_DEMAND, replicas=1, surge=True).spec.surge
