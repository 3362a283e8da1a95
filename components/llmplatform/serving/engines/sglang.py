"""SGLang's server for a plan.

Facts and their sources are in `catalog/data/engines/sglang.toml`, every flag in the list beside it, which a test
compares with those emitted here. It asks for no key: the reason is there, too.
"""

from collections.abc import Mapping

from llmplatform.catalog import engines
from llmplatform.planning import lora
from llmplatform.planning.hydration import ROOT, beside
from llmplatform.planning.models import ModelPlan
from llmplatform.serving.engines import groups
from llmplatform.serving.engines.contract import (
    CACHE_GIB,
    OFFLINE,
    Folder,
    HttpGet,
    Metrics,
    Port,
    Probe,
    Probes,
    Server,
    drain,
    flagged,
    release,
    settings,
)
from llmplatform.specs.engines import Sglang

FACTS = engines.facts("sglang").server
API = "http"
_CACHE = f"{FACTS.home}/.cache"
_FORMATS = {"fp8": "fp8_e4m3"}


def server(plan: ModelPlan, *, weights: str) -> Server:
    """The server of a plan's model."""
    found = Server(
        command=release(plan).command,
        arguments=arguments(plan, weights=weights),
        environment=environment(plan),
        ports=(Port(name=API, number=FACTS.ports[API]),),
        probes=_probes(plan),
        metrics=Metrics(port=API, path=FACTS.paths["metrics"], names=plan.spec.engine_metrics),
        user=FACTS.user,
        group=FACTS.group,
        python="python3",
        folders=(Folder(path=FACTS.home, size_gib=CACHE_GIB, compiled=(_CACHE, f"{FACTS.home}/.triton")),),
        drain=drain(plan, waits=True),
    )
    return groups.led(found, plan)


def _probes(plan: ModelPlan) -> Probes:
    ready = HttpGet(path=FACTS.paths["ready"], port=API)
    # It computes a token, and says after 20 seconds that it cannot.
    alive = HttpGet(path=FACTS.paths["health"], port=API)
    return Probes(
        startup=Probe(ask=ready, period=10, budget=plan.startup_seconds),
        readiness=Probe(ask=ready, period=5, budget=15),
        liveness=Probe(ask=alive, period=30, budget=90, timeout=25),
    )


def arguments(plan: ModelPlan, *, weights: str) -> tuple[str, ...]:
    """Arguments of the container, the settings' own last."""
    model, engine = plan.spec, settings(plan.spec.engine, Sglang)
    flags: dict[str, str | None] = {
        "--model-path": weights,
        "--served-model-name": plan.name,
        "--host": "0.0.0.0",  # noqa: S104 its network policy says who reaches it
        "--port": str(FACTS.ports[API]),
        "--enable-metrics": "",
        "--trust-remote-code": "" if model.trust_remote_code else None,
        # Without it a GPU without bfloat16 arithmetic refuses weights published in it.
        "--dtype": "half" if plan.pool.gpu and not plan.pool.gpu.bf16 else None,
        **_rank_flags(plan),
        **_stage_flags(plan),
        "--context-length": str(model.context_length) if model.context_length else None,
        "--mem-fraction-static": str(engine.mem_fraction_static),
        "--max-running-requests": str(engine.max_running_requests) if engine.max_running_requests else None,
        "--kv-cache-dtype": _FORMATS.get(engine.kv_cache_dtype),
        "--tool-call-parser": engine.tool_call_parser,
        "--reasoning-parser": engine.reasoning_parser,
    }
    quiet = ("--uvicorn-access-log-exclude-prefixes", *FACTS.quiet)
    return *quiet, *_adapters(plan), *flagged(flags), *engine.extra_args


def _adapters(plan: ModelPlan) -> tuple[str, ...]:
    """Flags of LoRA adapters, which clients name behind the model: `NAME:ADAPTER`."""
    wanted, limits = plan.spec.lora, release(plan).lora
    if wanted is None or limits is None:
        return ()
    # From adapters it infers the modules that they change; those that clients load may change any.
    any_module = ("--lora-target-modules", "all") if wanted.runtime else ()
    named = [f"{name}={ROOT}/{beside(each)}" for name, each in wanted.adapters.items()]
    return (
        "--enable-lora",
        *("--max-loras-per-batch", str(lora.places(wanted, limits))),
        *("--max-lora-rank", str(lora.rank(wanted, limits.ranks))),
        *any_module,
        *(("--lora-paths", *named) if named else ()),
    )


def _rank_flags(plan: ModelPlan) -> dict[str, str | None]:
    """Ranks that share experts are within one group of GPUs; others are copies of the whole model."""
    model = plan.spec
    ranks = str(model.data_parallel) if model.data_parallel > 1 else None
    if not model.expert_parallel:
        return {"--tp-size": str(model.tensor_parallel), "--dp-size": ranks}
    return {"--tp-size": str(model.stage_gpus), "--attn-dp-size": ranks, "--ep-size": str(model.stage_gpus)}


def _stage_flags(plan: ModelPlan) -> dict[str, str | None]:
    """Processes of all nodes meet at the leader, and wait for one another as long as the probe of its start does."""
    if plan.spec.pipeline_parallel == 1:
        return {}
    meeting = {
        "--nnodes": groups.SIZE,
        "--node-rank": groups.INDEX,
        "--dist-init-addr": f"{groups.ADDRESS}:{groups.stages(plan).port}",
        "--dist-timeout": str(plan.startup_seconds),
    }
    return {"--pp-size": str(plan.spec.pipeline_parallel), **(meeting if plan.nodes > 1 else {})}


def environment(plan: ModelPlan) -> Mapping[str, str]:
    """Plain environment variables, those of the settings last."""
    return {
        "HOME": FACTS.home,
        "HF_HOME": f"{_CACHE}/huggingface",
        "SGLANG_CACHE_DIR": f"{_CACHE}/sglang",
        **OFFLINE,
        **release(plan).environment,
        **plan.spec.engine.env,
    }
