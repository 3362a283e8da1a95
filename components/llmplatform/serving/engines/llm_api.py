"""What engines on TensorRT-LLM's LLM API have in common: the options of its `LLM`, as a file."""

import json
from collections.abc import Mapping
from typing import Any

from llmplatform.planning.models import ModelPlan
from llmplatform.serving.engines.contract import settings
from llmplatform.specs.engines.llm_api import LlmApi


def options(plan: ModelPlan, **own: object) -> Mapping[str, Any]:
    """Options by their names in the LLM API: those of the settings, those that follow from the plan, and `own`."""
    model, engine = plan.spec, settings(plan.spec.engine, LlmApi)
    cache = {
        "free_gpu_memory_fraction": engine.free_gpu_memory_fraction,
        "dtype": engine.kv_cache_dtype if engine.kv_cache_dtype != "auto" else None,
    }
    wanted = {
        "tensor_parallel_size": plan.gpus,
        "max_seq_len": model.context_length,
        "max_batch_size": engine.max_batch_size,
        "trust_remote_code": model.trust_remote_code or None,
        **own,
    }
    given = engine.model_dump(mode="json")["options"]
    hybrid = model.known_shape is not None and model.known_shape.state_mib > 0
    # Hybrid models do not start with it (1.3.0rc3, _torch/pyexecutor/mamba_cache_manager.py).
    without = {"enable_block_reuse": False} if hybrid else {}
    return {
        # Else a prompt of more tokens than a batch is refused.
        "enable_chunked_prefill": True,
        **given,
        **_set(wanted),
        "kv_cache_config": {**without, **(given.get("kv_cache_config") or {}), **_set(cache)},
    }


def text(found: Mapping[str, Any]) -> str:
    """Options as the file that the engine reads: JSON is YAML, too."""
    return json.dumps(found, indent=2) + "\n"


def _set(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}
