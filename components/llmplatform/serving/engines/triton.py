"""Triton's server for a plan, with TensorRT-LLM's model for the PyTorch backend.

The model is a program in the image. Its container copies it to a folder in memory, as a repository with one model that
has the name of the plan's, and reads its options from a file. Facts and their sources are in
`catalog/data/engines/triton.toml`, every flag and option in the list beside it, which a test compares with those
emitted here.
"""

from collections.abc import Mapping

from llmplatform.catalog import engines
from llmplatform.catalog.models import EXTRAS, extra_files
from llmplatform.planning.models import ModelPlan
from llmplatform.serving.engines import llm_api
from llmplatform.serving.engines.contract import (
    CACHE_GIB,
    FILES,
    OFFLINE,
    Folder,
    Metrics,
    Port,
    Server,
    drain,
    http_probes,
    release,
    settings,
)
from llmplatform.specs.engines import Triton

FACTS = engines.facts("triton").server
API, GRPC, METRICS = "http", "grpc", "metrics"
OPTIONS = "model.yaml"
REPOSITORY = "/repository"
_PROGRAM = "/app/all_models/llmapi/tensorrt_llm"
_ENTRYPOINT = "/opt/nvidia/nvidia_entrypoint.sh"
_CACHE = f"{FACTS.home}/.cache"
_RESTRICTED = "inference,metadata,model-config,model-repository,statistics,shared-memory,trace,logging"
"""All that the server has but health, which the kubelet asks."""


def server(plan: ModelPlan, *, weights: str) -> Server:
    """The server of a plan's model."""
    engine = settings(plan.spec.engine, Triton)
    # Its requests are batched by the model, and not by Triton.
    model = {
        "model": weights,
        "backend": "pytorch",
        "triton_config": {"max_batch_size": 0, "decoupled": engine.streaming},
    }
    return Server(
        command=("/bin/sh", "-c", _start(plan.name), "tritonserver"),
        arguments=arguments(plan),
        environment=environment(plan, weights=weights),
        api_key_variable=FACTS.api_key_variable,
        ports=(
            Port(name=API, number=FACTS.ports[API]),
            Port(name=GRPC, number=FACTS.ports[GRPC], protocol="grpc"),
            Port(name=METRICS, number=FACTS.ports[METRICS], clients=False),
        ),
        probes=http_probes(plan, port=API, alive=FACTS.paths["health"], ready=FACTS.paths["ready"]),
        metrics=Metrics(port=METRICS, path=FACTS.paths["metrics"], names=plan.spec.engine_metrics),
        user=FACTS.user,
        group=FACTS.group,
        python="python3",
        files={OPTIONS: llm_api.text(llm_api.options(plan, **model))},
        folders=(
            Folder(path=FACTS.home, size_gib=CACHE_GIB, compiled=(_CACHE, f"{FACTS.home}/.triton")),
            Folder(path=REPOSITORY, size_gib=1, name="repository", memory=True),
        ),
        drain=drain(plan, waits=True),
    )


def _start(name: str) -> str:
    """The program, under the model's name in the repository; then the image's own entry point."""
    model = f"{REPOSITORY}/{name}"
    return (
        f"set -e; mkdir -p {model}; cp -r {_PROGRAM}/. {model}/; "
        f"sed -i 's/^name: .*/name: \"{name}\"/' {model}/config.pbtxt; "
        f'exec {_ENTRYPOINT} "$0" "$@"'
    )


def arguments(plan: ModelPlan) -> tuple[str, ...]:
    """Arguments of the container, the settings' own last."""
    key = f"{_RESTRICTED}:authorization=Bearer $({FACTS.api_key_variable})"
    flags = {
        "--model-repository": REPOSITORY,
        # Nothing but this model is loaded, whatever is in the repository.
        "--model-control-mode": "explicit",
        "--load-model": plan.name,
        "--http-port": str(FACTS.ports[API]),
        "--grpc-port": str(FACTS.ports[GRPC]),
        "--metrics-port": str(FACTS.ports[METRICS]),
        "--http-restricted-api": key,
        "--grpc-restricted-protocol": key,
        "--exit-timeout-secs": str(plan.drain.shutdown),
    }
    return *(f"{flag}={value}" for flag, value in flags.items()), *settings(plan.spec.engine, Triton).extra_args


def environment(plan: ModelPlan, *, weights: str) -> Mapping[str, str]:
    """Plain environment variables, those of the settings last."""
    return {
        "HOME": FACTS.home,
        "HF_HOME": f"{_CACHE}/huggingface",
        "LLM_CONFIG_PATH": f"{FILES}/{OPTIONS}",
        **OFFLINE,
        **{extra.folder_variable: f"{weights}/{EXTRAS}" for extra in extra_files(plan.spec.source)},
        **release(plan).environment,
        **plan.spec.engine.env,
    }
