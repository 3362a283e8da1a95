"""How data-parallel ranks share a model's weights, and what the tokens of all take where experts are shared.

Each rank has a copy of all but the routed experts on its own GPUs. Where ranks share those, each GPU computes its
experts for the tokens of every rank, and an engine that measures its largest batch sets that memory aside.
"""

from dataclasses import dataclass

from llmplatform.catalog.engine_memory import EngineMemory
from llmplatform.catalog.gpus import GIB, Gpu
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


def batches_gib(shape: ModelShape, gpu: Gpu, engine: EngineMemory, ranks: Ranks) -> float:
    """Memory of the other ranks' batches on each GPU, where the experts are shared.

    vLLM 0.33, wheel: every rank gets the tokens of all (model_executor/layers/fused_moe/prepare_finalize/
    naive_dp_ep.py), and two buffers have a row for each token and expert of it (experts/triton_moe.py,
    `workspace_shapes`; other kernels need less). Its memory does not depend on whether GPUs have whole experts.
    """
    tokens = engine.batched_tokens_of(gpu) if shape.experts else None
    if not tokens:
        return 0.0
    hidden, chosen = shape.hidden_size, shape.experts_per_token or _CHOSEN
    width = max(2 * (shape.intermediate_size or hidden), hidden)
    return (ranks.over - 1) * tokens * (2 * chosen * width + _COPIES * hidden) * _BYTES / GIB
