"""vLLM's command line and environment for a plan.

Facts from the wheel of 0.33.0: the image's ENTRYPOINT is `vllm serve`, so the arguments begin with the model; every
flag is in `catalog/data/engines`, which a test compares with what is emitted here. Older releases are served for the
models that need them: they end without waiting for their answers, log every probe, and log text, not JSON.
"""

from collections.abc import Mapping

from llmplatform.catalog import engine_flags
from llmplatform.catalog.engines import EngineRelease
from llmplatform.catalog.models import EXTRAS, extra_files
from llmplatform.planning.models import ModelPlan

PORT = 8000
HEALTH_PATH = "/health"
"""Answers only when the model is loaded, and 503 once the engine is dead. It asks nothing of the GPU."""
METRICS_PATH = "/metrics"
USER = 2000
"""User `vllm` of the image; its group is 0 and its home is writable for that group."""
HOME = "/home/vllm"
CACHE = f"{HOME}/.cache"
API_KEY_VARIABLE = "VLLM_API_KEY"

_QUIET_ENDPOINTS = f"{HEALTH_PATH},{METRICS_PATH},/ping"


def release(plan: ModelPlan) -> EngineRelease:
    """The engine's release: the one that the model asks for, else the catalog's."""
    return plan.spec.engine_release


def cache_mount(plan: ModelPlan) -> str:
    """Where the node's disk is mounted: compiled kernels, and whatever else an engine leaves behind."""
    return CACHE if release(plan).has_home else HOME


def arguments(plan: ModelPlan, *, weights: str) -> tuple[str, ...]:
    """Arguments of the container: the folder of the weights, then flags with their values, the settings' own last."""
    flags: dict[str, str | None] = {
        "--port": str(PORT),
        "--trust-remote-code": "" if plan.spec.trust_remote_code else None,
        **_memory_flags(plan),
        **_parser_flags(plan),
        **_operational_flags(plan),
    }
    emitted = (
        word for flag, value in flags.items() if value is not None for word in ((flag, value) if value else (flag,))
    )
    names = ("--served-model-name", plan.name, *plan.spec.served_names)
    return weights, *names, *emitted, *plan.spec.engine.extra_args


def environment(plan: ModelPlan, *, weights: str) -> Mapping[str, str]:
    """Plain environment variables, those of the settings last."""
    return {
        "HOME": HOME,
        "HF_HOME": f"{CACHE}/huggingface",
        "VLLM_CACHE_ROOT": f"{CACHE}/vllm",
        # With the weights in a folder there is nothing to ask a hub; else a start would wait for its answers, and fail
        # while the hub does.
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "VLLM_ENGINE_READY_TIMEOUT_S": str(plan.startup_seconds),
        "VLLM_NO_USAGE_STATS": "1",
        **{extra.folder_variable: f"{weights}/{EXTRAS}" for extra in extra_files(plan.spec.source)},
        **release(plan).environment,
        **plan.spec.engine.env,
    }


def _operational_flags(plan: ModelPlan) -> dict[str, str | None]:
    known = engine_flags.flags("vllm", release(plan).version)
    wanted = {
        "--shutdown-timeout": str(plan.drain.shutdown),
        "--disable-access-log-for-endpoints": _QUIET_ENDPOINTS,
        # A line is an object with levelname, name and message, of the web server too. A configuration file of our own
        # would take the place of the filter above.
        "--logging-config": '{"formatter":"json"}',
    }
    return {flag: value for flag, value in wanted.items() if flag in known}


def _memory_flags(plan: ModelPlan) -> dict[str, str | None]:
    engine = plan.spec.engine
    return {
        # Without it weights published in bfloat16 are refused by a GPU that has no such arithmetic.
        "--dtype": "half" if plan.pool.gpu and not plan.pool.gpu.bf16 else None,
        "--tensor-parallel-size": str(plan.gpus),
        "--max-model-len": str(plan.spec.context_length) if plan.spec.context_length else None,
        "--gpu-memory-utilization": str(engine.gpu_memory_utilization),
        "--max-num-seqs": str(engine.max_num_seqs) if engine.max_num_seqs else None,
        "--kv-cache-dtype": engine.kv_cache_dtype if engine.kv_cache_dtype != "auto" else None,
    }


def _parser_flags(plan: ModelPlan) -> dict[str, str | None]:
    engine = plan.spec.engine
    return {
        "--enable-auto-tool-choice": "" if engine.tool_call_parser else None,
        "--tool-call-parser": engine.tool_call_parser,
        "--reasoning-parser": engine.reasoning_parser,
    }
