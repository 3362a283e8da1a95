"""Remedies for a model that does not fit its pool's GPUs."""

from collections.abc import Iterator
from functools import partial
from math import inf

from llmplatform.catalog import ModelShape, instance_types
from llmplatform.checks.problems import listed
from llmplatform.checks.rules.placement import GpuNode, gpu_node, has_kernels
from llmplatform.planning.fit import legal_tensor_parallel, model_fit
from llmplatform.planning.ranks import ranks_of
from llmplatform.specs.models import MOST_STAGES, Model
from llmplatform.specs.stack import Stack

UNQUANTIZED = 2.0
"""Bytes of a weight that is not quantized."""

CONTEXT_STEP = 256
"""Tokens between two contexts that are suggested."""

SHORTEST_CONTEXT = 2048
"""Shortest context to suggest, in tokens."""


def is_legal(model: Model, shape: ModelShape, size: int) -> bool:
    """Whether a model's ranks can be spread over that many GPUs each."""
    return legal_tensor_parallel(shape, size, whole_experts=model.has_whole_experts, over=ranks_of(model).over)


def room_of(model: Model, node: GpuNode) -> int:
    """The longest context that fits and is worth suggesting, in tokens; 0 if there is none."""
    context = model_fit(model, node.gpu).longest_context // CONTEXT_STEP * CONTEXT_STEP
    return context if context >= SHORTEST_CONTEXT else 0


def way_out(stack: Stack, model: Model, shape: ModelShape, node: GpuNode) -> str:
    """Remedies for a model that does not fit, the smallest change first."""
    ways: list[str] = []
    context = room_of(model, node)
    if context:
        ways.append(f"set context_length to {context}")
    ways += _larger_share(model, node)
    most = node.shape.gpus // model.data_parallel
    sizes = (size for size in range(model.tensor_parallel + 1, most + 1) if _may_be_spread(model, shape, size))
    size = next((size for size in sizes if model_fit(model, node.gpu, tensor_parallel=size).fits), None)
    if size:
        ways.append(f"set tensor_parallel to {size}")
    elif model.data_parallel > 1:
        ways += _fewer_ranks(model, shape, node)
    others = {name: gpu_node(stack, pool) for name, pool in stack.pools.items() if name != model.pool}
    fitting = [
        name
        for name, other in others.items()
        if other and other.shape.gpus >= model.stage_gpus and model_fit(model, other.gpu).fits
    ]
    if fitting:
        ways.append(f"use pool {listed(fitting)}")
    return ", or ".join(ways) or _larger_machine(stack.cloud.provider, model, shape, node)


def _fewer_ranks(model: Model, shape: ModelShape, node: GpuNode) -> Iterator[str]:
    """The most ranks on the same node, each with more GPUs."""
    gpus = node.shape.gpus
    fewer = [number for number in range(model.data_parallel - 1, 0, -1) if gpus % number == 0]
    tried = [model.model_copy(update={"tensor_parallel": gpus // each, "data_parallel": each}) for each in fewer]
    legal = (each for each in tried if _may_be_spread(each, shape, each.tensor_parallel))
    found = next((each for each in legal if model_fit(each, node.gpu).fits), None)
    if found:
        yield f"set tensor_parallel to {found.tensor_parallel} and data_parallel to {found.data_parallel}"


def _larger_share(model: Model, node: GpuNode) -> Iterator[str]:
    """The default share of the GPU's memory, where the settings give the engine less and that would do."""
    key = model.engine.SHARE
    if key is None:
        return
    default = type(model.engine).model_fields[key].default
    engine = model.engine.model_copy(update={key: default})
    use, most = model.engine.gpu_use, engine.gpu_use
    if (use.share, use.cache_share) < (most.share, most.cache_share) and (
        model_fit(model.model_copy(update={"engine": engine}), node.gpu).fits
    ):
        yield f"set engine.{key} to {default}"


def _may_be_spread(model: Model, shape: ModelShape, size: int) -> bool:
    """Whether to suggest more GPUs: quantized weights with unknown groups may not divide."""
    known = shape.bytes_per_parameter >= UNQUANTIZED or (shape.quantization_group and shape.intermediate_size)
    return bool(known) and is_legal(model, shape, size)


def _over_nodes(model: Model, shape: ModelShape, node: GpuNode) -> str | None:
    """The fewest nodes of the pool that hold a replica together."""
    release, gpus = model.engine_release, node.shape.gpus
    ranks = model.data_parallel > 1
    if release is None or release.stages is None or ranks or not _may_be_spread(model, shape, gpus):
        return None
    sizes = range(2, MOST_STAGES + 1)
    ways = (model.model_copy(update={"tensor_parallel": gpus, "pipeline_parallel": size}) for size in sizes)
    found = next((each for each in ways if model_fit(each, node.gpu).fits), None)
    return f"set tensor_parallel to {gpus} and pipeline_parallel to {found.pipeline_parallel}" if found else None


def _larger_machine(provider: str, model: Model, shape: ModelShape, node: GpuNode) -> str:
    """The cheapest machine that holds a replica."""
    found = [
        (machine.price_hour or inf, machine.name, size)
        for machine in map(partial(instance_types.get, provider), instance_types.names(provider))
        for size in range(1, machine.gpus // model.data_parallel + 1)
        if machine.gpu
        and not machine.unusable
        and has_kernels(model, machine.gpu)
        and (size == model.tensor_parallel or _may_be_spread(model, shape, size))
        if model_fit(model, machine.gpu, tensor_parallel=size).fits
    ]
    if not found:
        nothing = "no machine of the catalog holds it: use quantized weights or a smaller context_length"
        return _over_nodes(model, shape, node) or nothing
    _, name, size = min(found)
    return f"use a pool of '{name}' with tensor_parallel {size}, or quantized weights"
