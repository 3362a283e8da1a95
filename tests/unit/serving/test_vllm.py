import json
from typing import Any

import pytest
from support.model_servers import container, served
from support.plans import ON_DEMAND, SPOT_FIRST, SPOT_OF_FOUR, T4, model_plan

from llmplatform.catalog import engine_flags, engines
from llmplatform.checks import InvalidStack
from llmplatform.planning.models import ModelPlan
from llmplatform.serving.engines import vllm
from llmplatform.serving.engines.contract import Folder

WEIGHTS = "/models/huggingface/Qwen/Qwen3-8B/main"

OLDER: dict[str, Any] = {
    "source": "zai-org/chatglm3-6b",
    "trust_remote_code": True,
    "engine": {"version": "0.6.6.post1"},
}


def arguments(plan: ModelPlan) -> tuple[str, ...]:
    return vllm.arguments(plan, weights=WEIGHTS)


def folder(plan: ModelPlan) -> Folder:
    (only,) = vllm.server(plan, weights=WEIGHTS).folders
    return only


def value_of(flag: str, words: tuple[str, ...]) -> str:
    return words[words.index(flag) + 1]


def test_the_arguments_begin_with_the_folder_of_the_weights() -> None:
    words = arguments(model_plan())
    assert words[0] == WEIGHTS, "the image's ENTRYPOINT is `vllm serve`"
    assert not {"serve", "--model"} & set(words)


def test_clients_ask_for_the_names_in_the_settings() -> None:
    assert value_of("--served-model-name", arguments(model_plan())) == "chat"
    words = arguments(model_plan(served_names=["Qwen/Qwen3-8B", "gpt-4o"]))
    at = words.index("--served-model-name")
    assert words[at + 1 : at + 4] == ("chat", "Qwen/Qwen3-8B", "gpt-4o")
    assert words[at + 4].startswith("--"), "the flag takes all words up to the next one"


def test_what_is_not_set_is_left_to_the_engine() -> None:
    words = arguments(model_plan())
    unset = {"--dtype", "--max-num-seqs", "--kv-cache-dtype", "--trust-remote-code"}
    assert not unset & set(words)
    assert not {"--tool-call-parser", "--enable-auto-tool-choice", "--reasoning-parser"} & set(words)


def test_a_gpu_without_bfloat16_runs_in_half_precision() -> None:
    words = arguments(model_plan(T4, source="Qwen/Qwen2.5-1.5B-Instruct"))
    assert value_of("--dtype", words) == "half", "weights are published in bfloat16, which a T4 does not compute"


def test_every_setting_of_the_engine_reaches_the_command_line() -> None:
    engine = {
        "gpu_memory_utilization": 0.85,
        "max_num_seqs": 64,
        "kv_cache_dtype": "fp8",
        "tool_call_parser": "hermes",
        "reasoning_parser": "qwen3",
    }
    plan = model_plan(SPOT_OF_FOUR, tensor_parallel=4, revision="a" * 40, trust_remote_code=True, engine=engine)
    words = arguments(plan)
    expected = {
        "--gpu-memory-utilization": "0.85",
        "--max-num-seqs": "64",
        "--kv-cache-dtype": "fp8",
        "--tool-call-parser": "hermes",
        "--reasoning-parser": "qwen3",
        "--tensor-parallel-size": "4",
        "--max-model-len": "8192",
    }
    assert {flag: value_of(flag, words) for flag in expected} == expected
    assert "--enable-auto-tool-choice" in words, "without it the parser is never asked"
    assert "--trust-remote-code" in words


def test_ranks_are_behind_one_port_and_share_what_they_keep_in_the_nodes_memory() -> None:
    engine = {"kv_offloading_gib": 8}
    plan = model_plan(SPOT_OF_FOUR, tensor_parallel=2, data_parallel=2, engine=engine)
    words = arguments(plan)
    assert value_of("--data-parallel-size", words) == "2"
    assert value_of("--tensor-parallel-size", words) == "2"
    assert value_of("--kv-offloading-size", words) == "4", "each rank takes so much"
    assert not [word for word in words if word.startswith("--data-parallel-") and word != "--data-parallel-size"]
    assert "--enable-expert-parallel" not in words
    assert "--data-parallel-size" not in arguments(model_plan(SPOT_OF_FOUR, tensor_parallel=2))
    assert container(served(SPOT_OF_FOUR, data_parallel=4))["resources"]["limits"]["nvidia.com/gpu"] == "4"


def test_whole_experts_are_a_flag() -> None:
    four = {"instance_types": ["g6e.12xlarge"], "max": 1}
    words = arguments(model_plan(four, source="Qwen/Qwen3-30B-A3B-FP8", data_parallel=4, expert_parallel=True))
    assert "--enable-expert-parallel" in words
    known = engine_flags.flags("vllm", engines.facts("vllm").release().version)
    assert {word for word in words if word.startswith("--")} <= known


@pytest.mark.parametrize("pool", [SPOT_FIRST, ON_DEMAND])
def test_the_engine_drains_for_as_long_as_the_plan_says(pool: dict[str, object]) -> None:
    plan = model_plan(pool)
    assert value_of("--shutdown-timeout", arguments(plan)) == str(plan.drain.shutdown), "its default aborts answers"


def test_the_engine_logs_objects_that_a_collector_can_take_apart() -> None:
    assert json.loads(value_of("--logging-config", arguments(model_plan()))) == {"formatter": "json"}


def test_the_engine_waits_for_its_workers_as_long_as_the_probe_does() -> None:
    plan = model_plan(startup_minutes=45)
    assert vllm.environment(plan, weights=WEIGHTS)["VLLM_ENGINE_READY_TIMEOUT_S"] == "2700", (
        "else it gives up before the probe does"
    )


def test_what_an_engine_writes_lies_where_the_nodes_disk_is_mounted() -> None:
    for plan in (model_plan(), model_plan(**OLDER)):
        environment = vllm.environment(plan, weights=WEIGHTS)
        for name in ("HF_HOME", "VLLM_CACHE_ROOT"):
            assert environment[name].startswith(f"{folder(plan).path}/")
        assert folder(plan).compiled == (environment["VLLM_CACHE_ROOT"],)


def test_what_the_settings_add_comes_last_and_so_has_the_last_word() -> None:
    engine = {"extra_args": ["--enforce-eager", "--dtype=float32"], "env": {"NCCL_DEBUG": "INFO"}}
    plan = model_plan(T4, source="Qwen/Qwen2.5-1.5B-Instruct", engine=engine)
    assert arguments(plan)[-2:] == ("--enforce-eager", "--dtype=float32")
    assert vllm.environment(plan, weights=WEIGHTS)["NCCL_DEBUG"] == "INFO"


def test_no_environment_variable_holds_a_secret() -> None:
    assert not {"HF_TOKEN", "VLLM_API_KEY"} & vllm.environment(model_plan(gated=True), weights=WEIGHTS).keys()


def test_the_image_is_pinned_by_the_engines_version() -> None:
    release = engines.facts("vllm").release()
    assert model_plan().image == release.image
    assert release.image.endswith(f":v{release.version}"), "the flags were read from this version"


def test_an_older_release_is_started_by_its_command_and_without_the_flags_of_newer_ones() -> None:
    plan = model_plan(**OLDER)
    release = vllm.release(plan)
    assert release.command == ("vllm", "serve"), "its image starts another program"
    assert plan.image.endswith(":v0.6.6.post1")
    flags = {word for word in arguments(plan) if word.startswith("--")}
    assert not flags - engine_flags.flags("vllm", release.version), "the engine would refuse to start"
    assert "--trust-remote-code" in flags


def test_an_older_image_is_told_who_its_user_is_and_gets_a_home() -> None:
    """Its clients write to ~/.modelscope and ~/.triton, whatever they are told; root owns what is above mounts."""
    plan = model_plan(**OLDER)
    environment = vllm.environment(plan, weights=WEIGHTS)
    assert environment["USER"], "the image has no user of that number, and PyTorch asks for one"
    assert folder(plan).path == environment["HOME"]


def test_the_newest_release_needs_neither() -> None:
    assert not vllm.release(model_plan()).command
    assert "USER" not in vllm.environment(model_plan(), weights=WEIGHTS)


def test_a_release_that_does_not_wait_for_its_answers_goes_on_until_there_are_none() -> None:
    newest, older = (vllm.server(plan, weights=WEIGHTS).drain for plan in (model_plan(), model_plan(**OLDER)))
    assert older.pre_stop == newest.pre_stop + model_plan().drain.shutdown, "SIGTERM would cut them off"
    assert older.pre_stop < older.grace == newest.grace


def test_an_image_of_ones_own_stands_in_for_the_public_one() -> None:
    own = "registry.example.org/vllm-openai:v0.33.0-fix1"
    assert model_plan(engine={"image": own}).image == own
    assert model_plan().image.startswith("docker.io/vllm/")


@pytest.mark.parametrize("image", ["vllm-openai:v1", "registry.example.org/vllm", "registry.example.org/vllm:latest"])
def test_an_image_that_moves_or_names_no_registry_is_refused(image: str) -> None:
    with pytest.raises(InvalidStack, match="write registry, name and tag or digest"):
        model_plan(engine={"image": image})


def test_what_an_engine_would_fetch_for_a_model_is_where_its_weights_are() -> None:
    """openai-harmony's vocabulary, without which gpt-oss does not start where nothing outside is reached."""
    large = {"instance_types": ["p4d.24xlarge"], "max": 1}
    environment = vllm.environment(model_plan(large, source="openai/gpt-oss-120b", tensor_parallel=8), weights="/w")
    assert environment["TIKTOKEN_ENCODINGS_BASE"] == "/w/.extras"
    assert "TIKTOKEN_ENCODINGS_BASE" not in vllm.environment(model_plan(), weights="/w")
