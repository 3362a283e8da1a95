"""Inference engines: a module for each, and a line here. Pure functions."""

from collections.abc import Mapping

from llmplatform.planning.models import ModelPlan
from llmplatform.serving.engines import custom, ray_serve, sglang, tei, tgi, triton, trtllm, vllm
from llmplatform.serving.engines.contract import Server, ServingEngine

ENGINES: Mapping[str, ServingEngine] = {
    "vllm": vllm.server,
    "sglang": sglang.server,
    "tei": tei.server,
    "tgi": tgi.server,
    "trtllm": trtllm.server,
    "triton": triton.server,
    "ray_serve": ray_serve.server,
    "custom": custom.server,
}
"""By `engine.kind` of the settings."""


def server(plan: ModelPlan, *, weights: str) -> Server:
    """What a plan's engine wants to be run. `weights`: folder of the model's weights within the pod."""
    return ENGINES[plan.spec.engine.kind](plan, weights=weights)
