"""How a replica is spread over nodes, and what a stage of it holds.

Stages hand on what a few layers have computed, once for each token, so they may be on different nodes. The GPUs of a
stage exchange much more, and are on one.
"""

from dataclasses import dataclass, replace
from math import ceil

from llmplatform.catalog.models import ModelShape
from llmplatform.specs.models import Model


@dataclass(frozen=True, kw_only=True)
class Spread:
    """The pods of a replica, alike in their GPUs."""

    nodes: int
    """Pods of a replica, each with as many GPUs of a node as whole stages can use."""
    gpus: int
    """GPUs of one pod."""


def spread(model: Model, gpus: int) -> Spread:
    """The pods of a replica on nodes of so many GPUs. A stage that is larger than a node is a fault of its own."""
    room = gpus // model.stage_gpus
    stages = next((each for each in range(room, 1, -1) if model.pipeline_parallel % each == 0), 1)
    return Spread(nodes=model.pipeline_parallel // stages, gpus=stages * model.stage_gpus)


def stage(shape: ModelShape, stages: int) -> ModelShape:
    """The largest stage of a model, as a model.

    Layers are shared out evenly, and the first and the last stage have the embeddings and the output layer. Where
    layers differ, a stage may have one of the rarer kind more than its share.
    Source: get_pp_indices of vLLM 0.33.0 (wheel: distributed/utils.py) and of SGLang 0.5.23 (wheel: the same name).
    """
    if stages == 1:
        return shape
    layers = ceil(shape.layers / stages)
    matrix = shape.vocabulary * shape.hidden_size / 1e9
    inner = shape.parameters_billion - matrix * (1 if shape.tied_embeddings else 2)
    others = shape.window_layers or 0
    full = (shape.kv_layers or shape.layers) - others
    states = (shape.state_layers or max(1, shape.layers - full)) if shape.state_mib else 0
    # A model of one kind has no more of it than the stage has layers.
    kept = min(layers, ceil(full / stages) + (1 if full < shape.layers else 0))
    windows, stated = (_beside(kept, full, each, stages) for each in (others, states))
    return replace(
        shape,
        layers=max(layers, kept + windows, kept + stated),
        parameters_billion=inner * layers / shape.layers + matrix,
        tied_embeddings=True,
        kv_layers=kept + windows if shape.kv_layers or others else None,
        window_layers=windows or None,
        state_layers=stated or None,
        state_mib=shape.state_mib * stated / states if states else 0.0,
    )


def _beside(kept: int, full: int, others: int, stages: int) -> int:
    """Layers of another kind in a stage, filled up to whole groups of those that keep everything."""
    if not others:
        return 0
    groups = ceil(others / full) if full else 0
    return min(others, max(ceil(others / stages) + 1, kept * groups))
