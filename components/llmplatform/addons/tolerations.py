"""Tolerations of the platform's own software on GPU nodes."""

from llmplatform.planning.pools import PoolPlan, further_taints
from llmplatform.specs.taints import GPU_TAINT


def on_gpu_nodes(pools: tuple[PoolPlan, ...]) -> tuple[dict[str, str], ...]:
    """For the taint of all such nodes, and those of the pools."""
    return (
        {"key": GPU_TAINT, "operator": "Exists", "effect": "NoSchedule"},
        *({"key": taint.key, "operator": "Exists", "effect": taint.effect} for taint in further_taints(pools)),
    )
