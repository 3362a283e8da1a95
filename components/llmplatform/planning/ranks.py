"""How data-parallel ranks share a model's weights, and what the tokens of all take where experts are shared.

Each rank has a copy of all but the routed experts on its own GPUs. Where ranks share those, each GPU computes its
experts for the tokens of every rank, and an engine that measures its largest batch sets that memory aside.
"""

from dataclasses import dataclass

from llmplatform.catalog.gpus import GIB
from llmplatform.catalog.models import ModelShape
from llmplatform.specs.models import Model

_CHOSEN = 8
"""Experts of a token where a shape does not say: of most published models."""
_COPIES = 3
"""Copies of a batch beside the experts' own: gathered, quantized, and computed."""
_BYTES = 2
"""Bytes of a value on its way through the model."""


@dataclass(frozen=True, kw_only=True)
class Ranks:
    """The ranks of a replica."""

    number: int = 1
    share_experts: bool = False
    """Whether the routed experts are there once, over the GPUs of all ranks."""
    copy_shared_experts: bool = False
    """Whether each GPU has a copy of the experts that every token uses."""

    @property
    def over(self) -> int:
        """Ranks that have the routed experts together."""
        return self.number if self.share_experts else 1


def ranks_of(model: Model) -> Ranks:
    """The ranks of a model's replicas."""
    release, number = model.engine_release, model.data_parallel
    facts = release.ranks if release else None
    if number == 1 or facts is None:
        return Ranks(number=number)
    return Ranks(
        number=number,
        share_experts=facts.share_experts or model.expert_parallel,
        copy_shared_experts=facts.copy_shared_experts and model.expert_parallel,
    )


def spared_gib(shape: ModelShape, tensor_parallel: int, ranks: Ranks) -> float:
    """Memory of the weights that each GPU is spared, beside a rank with a copy of all."""
    routed, shared = shape.routed_experts_gib or 0.0, shape.shared_experts_gib or 0.0
    spared = routed * (1 - 1 / ranks.over) / tensor_parallel
    return spared - (shared * (1 - 1 / tensor_parallel) if ranks.copy_shared_experts else 0)


def batches_gib(shape: ModelShape, tokens: int | None, usual: int | None, ranks: Ranks) -> float:
    """Memory of the experts' work on each GPU, beside that of a usual batch of one rank.

    vLLM 0.33, wheel: every rank gets the tokens of all that share experts (model_executor/layers/fused_moe/
    prepare_finalize/naive_dp_ep.py), and two buffers have a row for each token and expert of it (experts/triton_moe.py,
    `workspace_shapes`; other kernels need less). It does not depend on whether GPUs have whole experts.

    Args:
        shape: The model.
        tokens: Of a rank's batch. None: the engine divides a batch among its ranks, or its size is not known.
        usual: Of the batch that the engine's own memory has room for.
        ranks: The ranks of a replica.
    """
    if not tokens or not shape.experts:
        return 0.0
    hidden, chosen = shape.hidden_size, shape.experts_per_token or _CHOSEN
    width = max(2 * (shape.intermediate_size or hidden), hidden)
    more = max(0, ranks.over * tokens - (usual or 0))
    return more * (2 * chosen * width + _COPIES * hidden) * _BYTES / GIB
