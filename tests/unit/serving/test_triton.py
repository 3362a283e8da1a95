"""Triton: its repository with one model, its key, its ports, and the options of the model."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.model_servers import container, pod, served
from support.plans import SPOT_FIRST, SPOT_OF_FOUR, T4, model_plan

from llmplatform.catalog import engine_flags, engines
from llmplatform.checks import InvalidStack
from llmplatform.planning.models import ModelPlan
from llmplatform.serving.engines import server

WEIGHTS = "/models/huggingface/Qwen/Qwen3-8B/main"
TRITON: dict[str, Any] = {"kind": "triton"}
VERSION = engines.facts("triton").release().version


def plan(pool: dict[str, Any] = SPOT_FIRST, engine: dict[str, Any] | None = None, **settings: Any) -> ModelPlan:
    return model_plan(pool, engine={**TRITON, **(engine or {})}, **settings)


def options(found: ModelPlan) -> dict[str, Any]:
    """The file of options, as the model reads it."""
    return yaml.safe_load(server(found, weights=WEIGHTS).files["model.yaml"])


def flags(found: ModelPlan) -> dict[str, str]:
    pairs = (word.partition("=") for word in server(found, weights=WEIGHTS).arguments)
    return {flag: value for flag, _, value in pairs}


def test_it_loads_its_own_model_and_no_other() -> None:
    found = flags(plan())
    assert found["--model-control-mode"] == "explicit"
    assert found["--load-model"] == "chat"
    assert found["--model-repository"] == "/repository"


def test_the_model_is_copied_from_the_image_to_memory_under_its_own_name(tmp_path: Path) -> None:
    """The script runs as it is, but for the folders: the image's program, and an entry point that prints its words."""
    program, repository, entry = tmp_path / "program", tmp_path / "repository", tmp_path / "entry"
    (program / "1").mkdir(parents=True)
    (program / "config.pbtxt").write_text('name: "tensorrt_llm"\nbackend: "python"\n  name: "text_input"\n')
    (program / "1/model.py").write_text("")
    entry.write_text('#!/bin/sh\nprintf "%s|" "$@"\n')
    entry.chmod(0o755)
    shell, option, script, name = server(plan(), weights=WEIGHTS).command
    for real, here in (
        ("/app/all_models/llmapi/tensorrt_llm", program),
        ("/repository", repository),
        ("/opt/nvidia/nvidia_entrypoint.sh", entry),
    ):
        assert real in script
        script = script.replace(real, str(here))
    for _ in range(2):  # A container that starts again finds what the first one left.
        words = [shell, option, script, name, "--a=b", "--key=Bearer x"]
        said = subprocess.run(
            words, check=True, capture_output=True, text=True, env={"PATH": os.environ["PATH"]}
        ).stdout
        assert said == "tritonserver|--a=b|--key=Bearer x|"
        config = (repository / "chat/config.pbtxt").read_text()
        assert config == 'name: "chat"\nbackend: "python"\n  name: "text_input"\n'
        assert (repository / "chat/1/model.py").exists()


def test_the_repository_is_in_memory_and_the_rest_on_the_nodes_disk() -> None:
    found = pod(served(engine=TRITON))
    volumes = {each["name"]: each.get("emptyDir") for each in found["volumes"]}
    assert volumes["cache-repository"] == {"medium": "Memory", "sizeLimit": "1Gi"}
    assert volumes["cache"] == {"sizeLimit": "20Gi"}
    mounts = {each["mountPath"]: each["name"] for each in found["containers"][0]["volumeMounts"]}
    assert mounts["/repository"] == "cache-repository"
    assert mounts["/home/triton-server"] == "cache"


def test_the_model_reads_its_options_from_the_pods_file() -> None:
    engine = {"max_batch_size": 8, "streaming": True, "options": {"stream_interval": 4}}
    assert options(plan(engine=engine, context_length=4096)) == {
        "model": WEIGHTS,
        "backend": "pytorch",
        "tensor_parallel_size": 1,
        "max_seq_len": 4096,
        "max_batch_size": 8,
        "enable_chunked_prefill": True,
        "stream_interval": 4,
        "kv_cache_config": {"free_gpu_memory_fraction": 0.9},
        "triton_config": {"max_batch_size": 0, "decoupled": True},
    }
    variables = {each["name"]: each.get("value") for each in container(served(engine=TRITON))["env"]}
    assert variables["LLM_CONFIG_PATH"] == "/etc/engine/model.yaml"
    assert options(plan())["triton_config"]["decoupled"] is False
    assert options(plan(SPOT_OF_FOUR, tensor_parallel=4))["tensor_parallel_size"] == 4


def test_all_but_health_needs_the_models_key_which_is_in_no_manifest() -> None:
    found = flags(plan())
    for flag in ("--http-restricted-api", "--grpc-restricted-protocol"):
        kinds, _, header = found[flag].partition(":")
        assert header == "authorization=Bearer $(TRITON_API_KEY)"
        # src/restricted_features.h, RESTRICTED_CATEGORY_NAMES.
        assert set(kinds.split(",")) == {
            "metadata",
            "inference",
            "shared-memory",
            "model-config",
            "model-repository",
            "statistics",
            "trace",
            "logging",
        }
    (key,) = [each for each in container(served(engine=TRITON))["env"] if each["name"] == "TRITON_API_KEY"]
    assert key["valueFrom"]["secretKeyRef"]["key"] == "api-key"


def test_its_ports_probes_and_times_are_tritons() -> None:
    engine = served(engine=TRITON)
    found, ports = container(engine), engine.one("kubernetes:core/v1:Service").inputs["spec"]["ports"]
    assert [(port["name"], port["port"]) for port in ports] == [("http", 8000), ("grpc", 8001), ("metrics", 8002)]
    assert found["livenessProbe"]["httpGet"] == {"path": "/v2/health/live", "port": "http"}
    assert found["readinessProbe"]["httpGet"] == {"path": "/v2/health/ready", "port": "http"}
    assert flags(plan())["--exit-timeout-secs"] == str(plan().drain.shutdown)
    clients, scraper = engine.named("chat-network").inputs["spec"]["ingress"]
    assert [port["port"] for port in clients["ports"]] == [8000, 8001]
    assert [port["port"] for port in scraper["ports"]] == [8002]


def test_every_flag_and_option_is_one_that_it_knows_and_that_a_user_cannot_set_too() -> None:
    facts, found = engines.facts("triton"), plan(engine={"max_batch_size": 8, "extra_args": ["--http-thread-count=16"]})
    assert set(flags(found)) <= engine_flags.flags("triton", VERSION)
    assert set(flags(found)) - set(facts.owned_flags) == {"--http-thread-count"}
    given = set(options(found)) - {"triton_config"}
    assert given <= engine_flags.names("triton", VERSION, "option")
    assert given - {"kv_cache_config", "enable_chunked_prefill"} <= set(facts.owned_options)


@pytest.mark.parametrize(
    ("pool", "settings", "says"),
    [
        (T4, {"source": "Qwen/Qwen3-0.6B"}, "triton 26.07 has no kernels for the T4"),
        (SPOT_FIRST, {"served_names": ["other"]}, "Triton has no such setting; its model has one name"),
        (
            SPOT_FIRST,
            {"scaling": {"kind": "keda", "max_replicas": 3}},
            "no metric tells the number of its requests; write kind 'hpa'",
        ),
    ],
)
def test_what_it_cannot_do_is_refused(pool: dict[str, Any], settings: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidStack) as found:
        plan(pool, **settings)
    assert says in str(found.value)
