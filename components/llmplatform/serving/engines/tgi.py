"""Text Generation Inference's server for a plan.

Facts and their sources are in `catalog/data/engines/tgi.toml`, every flag in the list beside it, which a test compares
with those emitted here. The publisher's image runs as root alone, so the settings name another.
"""

from collections.abc import Mapping

from llmplatform.catalog import engines
from llmplatform.planning.models import ModelPlan
from llmplatform.serving.engines.contract import (
    CACHE_GIB,
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
from llmplatform.specs.engines import Tgi

FACTS = engines.facts("tgi").server
API = "http"
_FORMATS = {"fp8": "fp8_e4m3fn"}


def server(plan: ModelPlan, *, weights: str) -> Server:
    """The server of a plan's model."""
    return Server(
        arguments=arguments(plan, weights=weights),
        environment=environment(plan),
        api_key_variable=FACTS.api_key_variable,
        ports=(Port(name=API, number=FACTS.ports[API]),),
        probes=http_probes(plan, port=API, alive=FACTS.paths["health"]),
        metrics=Metrics(port=API, path=FACTS.paths["metrics"], names=plan.spec.engine_metrics),
        user=FACTS.user,
        group=FACTS.group,
        # Its Python is that of its virtual environment, which only its entry point puts first.
        python=None,
        folders=(Folder(path=FACTS.home, size_gib=CACHE_GIB, compiled=(f"{FACTS.home}/.triton",)),),
        drain=drain(plan, waits=True),
    )


def arguments(plan: ModelPlan, *, weights: str) -> tuple[str, ...]:
    """Arguments of the container, the settings' own last."""
    model, engine = plan.spec, settings(plan.spec.engine, Tgi)
    flags = {
        "--model-id": weights,
        # Else it would take the pod's name, which is in HOSTNAME.
        "--hostname": "0.0.0.0",  # noqa: S104 its network policy says who reaches it
        "--port": str(FACTS.ports[API]),
        "--num-shard": str(plan.gpus),
        "--max-total-tokens": str(model.context_length) if model.context_length else None,
        "--trust-remote-code": "" if model.trust_remote_code else None,
        "--cuda-memory-fraction": str(engine.cuda_memory_fraction),
        "--max-concurrent-requests": str(engine.max_concurrent_requests) if engine.max_concurrent_requests else None,
        "--kv-cache-dtype": _FORMATS.get(engine.kv_cache_dtype),
        "--graceful-termination-timeout": str(plan.drain.shutdown),
        "--usage-stats": "off",
        "--json-output": "",
    }
    return *flagged(flags), *engine.extra_args


def environment(plan: ModelPlan) -> Mapping[str, str]:
    """Plain environment variables, those of the settings last."""
    return {
        "HOME": FACTS.home,
        "HF_HOME": f"{FACTS.home}/huggingface",
        **OFFLINE,
        **release(plan).environment,
        **plan.spec.engine.env,
    }
