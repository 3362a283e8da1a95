"""vLLM's server for a plan.

The image's ENTRYPOINT is `vllm serve`, so the arguments begin with the model. Facts and their sources are in
`catalog/data/engines/vllm.toml`, every flag in the list beside it, which a test compares with what is emitted here.
Older releases are served for the models that need them: they end without waiting for their answers, log every probe,
and log text, not JSON.
"""

import json
from collections.abc import Mapping

from llmplatform.catalog import engine_flags, engines
from llmplatform.catalog.models import EXTRAS, extra_files
from llmplatform.planning import lora
from llmplatform.planning.hydration import ROOT, beside
from llmplatform.planning.models import ModelPlan
from llmplatform.serving.engines import groups
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
from llmplatform.specs.engines import Vllm

FACTS = engines.facts("vllm").server
API = "http"
CACHE = f"{FACTS.home}/.cache"
_COMPILED = f"{CACHE}/vllm"
TEMPLATE = "chat-template.jinja"


def server(plan: ModelPlan, *, weights: str) -> Server:
    """The server of a plan's model."""
    found = Server(
        command=release(plan).command,
        arguments=arguments(plan, weights=weights),
        environment=environment(plan, weights=weights),
        api_key_variable=FACTS.api_key_variable,
        ports=(Port(name=API, number=FACTS.ports[API]),),
        probes=http_probes(plan, port=API, alive=FACTS.paths["health"]),
        metrics=Metrics(port=API, path=FACTS.paths["metrics"], names=plan.spec.engine_metrics),
        user=FACTS.user,
        group=FACTS.group,
        # Its image has Python: it is a program of it.
        python="python3",
        files={TEMPLATE: template} if (template := settings(plan.spec.engine, Vllm).chat_template) else {},
        folders=(_cache(plan),),
        drain=drain(plan, waits="--shutdown-timeout" in _flags(plan)),
    )
    return groups.led(found, plan, "--headless")


def _flags(plan: ModelPlan) -> frozenset[str]:
    return engine_flags.flags("vllm", release(plan).version)


def _cache(plan: ModelPlan) -> Folder:
    """Compiled kernels, and whatever else it leaves behind; in an image without a home, the home."""
    path = CACHE if release(plan).has_home else FACTS.home
    return Folder(path=path, size_gib=CACHE_GIB, compiled=(_COMPILED,))


def arguments(plan: ModelPlan, *, weights: str) -> tuple[str, ...]:
    """Arguments of the container: the folder of the weights, then flags with their values, the settings' own last."""
    flags: dict[str, str | None] = {
        "--port": str(FACTS.ports[API]),
        "--trust-remote-code": "" if plan.spec.trust_remote_code else None,
        **_memory_flags(plan),
        **_rank_flags(plan),
        **_stage_flags(plan),
        "--chat-template": f"{FILES}/{TEMPLATE}" if settings(plan.spec.engine, Vllm).chat_template else None,
        "--speculative-config": _speculation(plan),
        **_parser_flags(plan),
        **_operational_flags(plan),
    }
    names = ("--served-model-name", plan.name, *plan.spec.served_names)
    return weights, *names, *_adapters(plan), *flagged(flags), *settings(plan.spec.engine, Vllm).extra_args


def environment(plan: ModelPlan, *, weights: str) -> Mapping[str, str]:
    """Plain environment variables, those of the settings last."""
    return {
        "HOME": FACTS.home,
        "HF_HOME": f"{CACHE}/huggingface",
        "VLLM_CACHE_ROOT": _COMPILED,
        **OFFLINE,
        "VLLM_ENGINE_READY_TIMEOUT_S": str(plan.startup_seconds),
        "VLLM_NO_USAGE_STATS": "1",
        # vllm/envs.py; the engine itself warns of it.
        **({"VLLM_ALLOW_RUNTIME_LORA_UPDATING": "1"} if plan.spec.lora and plan.spec.lora.runtime else {}),
        **{extra.folder_variable: f"{weights}/{EXTRAS}" for extra in extra_files(plan.spec.source)},
        **release(plan).environment,
        **plan.spec.engine.env,
    }


def _operational_flags(plan: ModelPlan) -> dict[str, str | None]:
    known = _flags(plan)
    wanted = {
        "--shutdown-timeout": str(plan.drain.shutdown),
        "--disable-access-log-for-endpoints": ",".join(FACTS.quiet),
        # A line is an object with levelname, name and message, of the web server too. A configuration file of our own
        # would take the place of the filter above.
        "--logging-config": '{"formatter":"json"}',
    }
    return {flag: value for flag, value in wanted.items() if flag in known}


def _memory_flags(plan: ModelPlan) -> dict[str, str | None]:
    engine = settings(plan.spec.engine, Vllm)
    return {
        # Without it a GPU without bfloat16 arithmetic refuses weights published in it.
        "--dtype": "half" if plan.pool.gpu and not plan.pool.gpu.bf16 else None,
        "--tensor-parallel-size": str(plan.spec.tensor_parallel),
        "--max-model-len": str(plan.spec.context_length) if plan.spec.context_length else None,
        "--gpu-memory-utilization": str(engine.gpu_memory_utilization),
        "--max-num-seqs": str(engine.max_num_seqs) if engine.max_num_seqs else None,
        # Each rank has as much.
        "--kv-offloading-size": f"{engine.kv_offloading_gib / plan.spec.data_parallel:g}"
        if engine.kv_offloading_gib
        else None,
        "--kv-cache-dtype": engine.kv_cache_dtype if engine.kv_cache_dtype != "auto" else None,
    }


def _rank_flags(plan: ModelPlan) -> dict[str, str | None]:
    """Ranks behind one port: the engine itself chooses one for each request ("internal" load balancing)."""
    model = plan.spec
    return {
        "--data-parallel-size": str(model.data_parallel) if model.data_parallel > 1 else None,
        "--enable-expert-parallel": "" if model.expert_parallel else None,
    }


def _stage_flags(plan: ModelPlan) -> dict[str, str | None]:
    """Processes of all nodes meet at the leader, and wait for one another as long as the probe of its start does."""
    if plan.spec.pipeline_parallel == 1:
        return {}
    meeting = {
        "--nnodes": groups.SIZE,
        "--node-rank": groups.INDEX,
        "--master-addr": groups.ADDRESS,
        "--master-port": str(groups.stages(plan).port),
        "--distributed-timeout-seconds": str(plan.startup_seconds),
    }
    return {
        "--pipeline-parallel-size": str(plan.spec.pipeline_parallel),
        **(meeting if plan.nodes > 1 else {}),
    }


def _adapters(plan: ModelPlan) -> tuple[str, ...]:
    """Flags of LoRA adapters. Those beyond one batch stay in memory, else a request would read them from the volume."""
    wanted, limits = plan.spec.lora, release(plan).lora
    if wanted is None or limits is None:
        return ()
    found = ["--enable-lora", "--max-loras", str(wanted.slots), "--max-lora-rank", str(lora.rank(wanted, limits.ranks))]
    if len(wanted.adapters) > wanted.slots:
        found += ["--max-cpu-loras", str(len(wanted.adapters))]
    if wanted.adapters:
        found += ["--lora-modules", *(f"{name}={ROOT}/{beside(each)}" for name, each in wanted.adapters.items())]
    return tuple(found)


def _speculation(plan: ModelPlan) -> str | None:
    draft = plan.spec.engine.draft
    if draft is None:
        return None
    own = {"model": f"{ROOT}/{beside(draft)}", "method": draft.method, "num_speculative_tokens": draft.tokens}
    return json.dumps({**draft.options, **own})


def _parser_flags(plan: ModelPlan) -> dict[str, str | None]:
    engine = settings(plan.spec.engine, Vllm)
    return {
        "--enable-auto-tool-choice": "" if engine.tool_call_parser else None,
        "--tool-call-parser": engine.tool_call_parser,
        "--reasoning-parser": engine.reasoning_parser,
    }
