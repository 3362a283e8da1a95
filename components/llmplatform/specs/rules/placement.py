"""What the rules about models and pools share: which shape a pool has, and which models have a place on GPUs."""

from collections.abc import Iterator
from dataclasses import dataclass

from llmplatform.catalog import Gpu, InstanceType, instance_types, versions
from llmplatform.specs.models import Model
from llmplatform.specs.pools import Pool
from llmplatform.specs.stack import Stack


@dataclass(frozen=True)
class GpuNode:
    """The shape of a pool's nodes, seen by a model."""

    machine: str
    gpu: Gpu
    gpus: int


def known_types(stack: Stack, pool: Pool) -> list[InstanceType]:
    """The pool's instance types, as far as the catalog knows them."""
    names = instance_types.names(stack.cloud.provider)
    return [instance_types.get(stack.cloud.provider, name) for name in pool.instance_types if name in names]


def gpu_node(stack: Stack, pool: Pool) -> GpuNode | None:
    """The nodes of a pool whose GPUs can be used; None for any other."""
    first = next(iter(known_types(stack, pool)), None)
    if first is None or first.gpu is None or first.unusable:
        return None
    return GpuNode(first.name, first.gpu, first.gpus)


def is_cpu(stack: Stack, pool: Pool) -> bool:
    """Whether a pool is known to have no GPUs."""
    first = next(iter(known_types(stack, pool)), None)
    return first is not None and first.gpu is None


def has_kernels(model: Model, gpu: Gpu) -> bool:
    """Whether the model's engine runs on that GPU at all."""
    return gpu.compute_capability >= versions.engine(model.engine.kind, model.engine.version).compute_capability


def placed(stack: Stack) -> Iterator[tuple[str, Model, GpuNode]]:
    """Models whose pool has usable GPUs, and its nodes; the others are told by rules about pools."""
    nodes = {name: gpu_node(stack, pool) for name, pool in stack.pools.items()}
    for name, model in stack.models.items():
        node = nodes.get(model.pool)
        if node is not None:
            yield name, model, node
