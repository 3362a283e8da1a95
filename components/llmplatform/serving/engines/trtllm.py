"""TensorRT-LLM's own server for a plan, `trtllm-serve`, on the PyTorch backend.

Facts and their sources are in `catalog/data/engines/trtllm.toml`, every flag and option in the list beside it, which a
test compares with those emitted here. Without `return_perf_metrics` it has no metrics, and no flag sets that: so what
follows from the plan is in its file of options. It asks for no key.
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
    flagged,
    http_probes,
    release,
    settings,
)
from llmplatform.specs.engines import Trtllm

FACTS = engines.facts("trtllm").server
API = "http"
OPTIONS = "options.yaml"
_CACHE = f"{FACTS.home}/.cache"


def server(plan: ModelPlan, *, weights: str) -> Server:
    """The server of a plan's model."""
    return Server(
        arguments=arguments(plan, weights=weights),
        environment=environment(plan, weights=weights),
        ports=(Port(name=API, number=FACTS.ports[API]),),
        probes=http_probes(plan, port=API, alive=FACTS.paths["health"]),
        metrics=Metrics(port=API, path=FACTS.paths["metrics"], names=plan.spec.engine_metrics),
        user=FACTS.user,
        group=FACTS.group,
        python="python3",
        files={OPTIONS: llm_api.text(llm_api.options(plan, return_perf_metrics=True))},
        folders=(Folder(path=FACTS.home, size_gib=CACHE_GIB, compiled=(_CACHE, f"{FACTS.home}/.triton")),),
        drain=drain(plan, waits=True),
    )


def arguments(plan: ModelPlan, *, weights: str) -> tuple[str, ...]:
    """Arguments of the container, the settings' own last. The image's ENTRYPOINT runs any command."""
    engine = settings(plan.spec.engine, Trtllm)
    flags = {
        "--backend": "pytorch",
        "--host": "0.0.0.0",  # noqa: S104 its network policy says who reaches it
        "--port": str(FACTS.ports[API]),
        "--tool_parser": engine.tool_parser,
        "--reasoning_parser": engine.reasoning_parser,
        "--extra_llm_api_options": f"{FILES}/{OPTIONS}",
    }
    return "trtllm-serve", "serve", weights, *flagged(flags), *engine.extra_args


def environment(plan: ModelPlan, *, weights: str) -> Mapping[str, str]:
    """Plain environment variables, those of the settings last."""
    return {
        "HOME": FACTS.home,
        "HF_HOME": f"{_CACHE}/huggingface",
        **OFFLINE,
        **{extra.folder_variable: f"{weights}/{EXTRAS}" for extra in extra_files(plan.spec.source)},
        **release(plan).environment,
        **plan.spec.engine.env,
    }
