"""Rules about models: where they run, and whether they fit there."""

from collections import defaultdict
from collections.abc import Iterator
from functools import partial
from math import ceil, inf

from llmplatform.catalog import ModelShape, instance_types, models
from llmplatform.catalog.fit import legal_tensor_parallel, weights_gib
from llmplatform.specs.models import Model
from llmplatform.specs.problems import Problem, listed, nearest, suggestion
from llmplatform.specs.rules.placement import GpuNode, gpu_node, has_kernels, is_cpu, placed
from llmplatform.specs.stack import Stack

SHORTEST_CONTEXT = 2048
"""A shorter one is not worth proposing, in tokens."""

IMAGE_GIB = 30
"""What an engine's image unpacks to."""


def shape_is_known(stack: Stack) -> Iterator[Problem]:
    """A model's numbers are in the catalog, or written down."""
    for name, model in stack.models.items():
        if model.known_shape is None:
            near = nearest(model.source, models.names())
            hint = f"did you mean '{near}'? Else " if near else ""
            yield Problem(
                f"models.{name}.source",
                f"the catalog does not know '{model.source}'",
                f"{hint}add 'shape:' with the values of its config.json",
            )


def pool_exists(stack: Stack) -> Iterator[Problem]:
    """A model names a pool, and the pool has GPUs."""
    with_gpus = [name for name, pool in stack.pools.items() if gpu_node(stack, pool)]
    otherwise = f"use {listed(with_gpus)}" if with_gpus else "add a pool with GPUs"
    for name, model in stack.models.items():
        path, pool = f"models.{name}.pool", stack.pools.get(model.pool)
        if pool is None:
            yield Problem(path, f"there is no pool '{model.pool}'", suggestion(model.pool, with_gpus, otherwise))
        elif is_cpu(stack, pool):
            yield Problem(path, f"pool '{model.pool}' has no GPUs", otherwise)


def heads_can_be_spread(stack: Stack) -> Iterator[Problem]:
    """The attention heads divide by the number of GPUs."""
    for name, model in stack.models.items():
        shape = model.known_shape
        if shape and not legal_tensor_parallel(shape, model.tensor_parallel):
            legal = [size for size in range(1, 17) if legal_tensor_parallel(shape, size)]
            yield Problem(
                f"models.{name}.tensor_parallel",
                f"{shape.attention_heads} attention heads and {shape.kv_heads} key-value heads cannot be spread over "
                f"{model.tensor_parallel} GPUs",
                f"use {listed(legal)}",
            )


def replica_is_within_a_node(stack: Stack) -> Iterator[Problem]:
    """A replica's GPUs are in one node."""
    for name, model, node in placed(stack):
        shape = model.known_shape
        if model.tensor_parallel > node.gpus and (not shape or legal_tensor_parallel(shape, model.tensor_parallel)):
            yield Problem(
                f"models.{name}.tensor_parallel",
                f"a replica of {model.tensor_parallel} GPUs is larger than a node of pool '{model.pool}', "
                f"whose {node.machine} has {node.gpus}",
                f"write {node.gpus}{' or less' if node.gpus > 1 else ''}, or use a pool of larger nodes",
            )


def context_is_the_models(stack: Stack) -> Iterator[Problem]:
    """No request is longer than the model can read."""
    nodes = {name: node for name, _, node in placed(stack)}
    for name, model in stack.models.items():
        shape = model.known_shape
        if shape and _is_too_long(model, shape):
            room = (
                _room(model, nodes[name])
                if name in nodes and legal_tensor_parallel(shape, model.tensor_parallel)
                else 0
            )
            longest = min(shape.context_length, room or shape.context_length)
            yield Problem(
                f"models.{name}.context_length",
                f"{model.context_length} tokens are more than the model's own {shape.context_length}",
                f"write {longest} or less",
            )


def _is_too_long(model: Model, shape: ModelShape) -> bool:
    return bool(model.context_length and model.context_length > shape.context_length)


def _room(model: Model, node: GpuNode) -> int:
    """The longest context that is worth proposing and fits, in tokens; 0 where none is."""
    context = model.fit(node.gpu).kv_tokens // 1024 * 1024
    return context if context >= SHORTEST_CONTEXT else 0


def model_fits(stack: Stack) -> Iterator[Problem]:
    """Weights and the cache of one request fit the GPUs."""
    for name, model, node in placed(stack):
        shape = model.known_shape
        if shape is None or not legal_tensor_parallel(shape, model.tensor_parallel) or not has_kernels(model, node.gpu):
            continue
        if _is_too_long(model, shape) and _room(model, node):
            continue  # The rule above says what fits.
        fit = model.fit(node.gpu)
        if not fit.fits:
            yield Problem(
                f"models.{name}",
                f"'{model.source}' with a context of {fit.context_length} tokens needs "
                f"{fit.needed_gib:.1f} GiB on each "
                f"{node.gpu.name} of pool '{model.pool}', which has {fit.usable_gib:.1f} GiB for it "
                f"(weights {fit.weights_gib:.1f}, engine {fit.overhead_gib:.1f})",
                _way_out(stack, model, shape, node),
            )


def _way_out(stack: Stack, model: Model, shape: ModelShape, node: GpuNode) -> str:
    """What makes a model fit, the least change first."""
    ways: list[str] = []
    context = _room(model, node)
    if context:
        ways.append(f"set context_length to {context}")
    sizes = (size for size in range(model.tensor_parallel + 1, node.gpus + 1) if legal_tensor_parallel(shape, size))
    size = next((size for size in sizes if model.fit(node.gpu, tensor_parallel=size).fits), None)
    if size:
        ways.append(f"set tensor_parallel to {size}")
    others = {name: gpu_node(stack, pool) for name, pool in stack.pools.items() if name != model.pool}
    fitting = [
        name
        for name, other in others.items()
        if other and other.gpus >= model.tensor_parallel and model.fit(other.gpu).fits
    ]
    if fitting:
        ways.append(f"use pool {listed(fitting)}")
    return ", or ".join(ways) or _larger_machine(stack.cloud.provider, model, shape)


def _larger_machine(provider: str, model: Model, shape: ModelShape) -> str:
    """The cheapest machine that holds a replica."""
    found = [
        (machine.price_hour or inf, machine.name, size)
        for machine in map(partial(instance_types.get, provider), instance_types.names(provider))
        for size in range(1, machine.gpus + 1)
        if machine.gpu
        and not machine.unusable
        and has_kernels(model, machine.gpu)
        and legal_tensor_parallel(shape, size)
        if model.fit(machine.gpu, tensor_parallel=size).fits
    ]
    if not found:
        return "no machine of the catalog holds it: use quantized weights or a smaller context_length"
    _, name, size = min(found)
    return f"use a pool of '{name}' with tensor_parallel {size}, or quantized weights"


def volume_holds_the_weights(stack: Stack) -> Iterator[Problem]:
    """A volume of a given size has room for the weights."""
    for name, model in stack.models.items():
        size, shape = model.weights.size_gib, model.known_shape
        if size and shape and size < weights_gib(shape):
            yield Problem(
                f"models.{name}.weights.size_gib",
                f"{size} GiB are too few for the weights of '{model.source}', which take {weights_gib(shape):.1f}",
                "write more, best twice that to have room for a second revision, or remove it",
            )


def node_holds_the_weights(stack: Stack) -> Iterator[Problem]:
    """A disk holds the weights that are kept on it, beside an engine's image."""
    for name, model, _ in placed(stack):
        shape, pool = model.known_shape, stack.pools[model.pool]
        if model.weights.cache != "node" or shape is None:
            continue
        size, room = model.weights.size_gib or ceil(weights_gib(shape)), pool.disk_gib - IMAGE_GIB
        if size > room:
            yield Problem(
                f"models.{name}.weights" + (".size_gib" if model.weights.size_gib else ".cache"),
                f"{size} GiB of weights are too many for the disk of pool '{model.pool}', whose {pool.disk_gib} GiB "
                f"hold an engine's image of {IMAGE_GIB} GiB as well",
                f"set pools.{model.pool}.disk_gib to {size + IMAGE_GIB} or more, or weights.cache to 'shared'",
            )


def pool_holds_its_models(stack: Stack) -> Iterator[Problem]:
    """A pool at its maximum has the GPUs of all replicas."""
    tenants: defaultdict[str, list[Model]] = defaultdict(list)
    per_node: dict[str, int] = {}
    for _, model, node in placed(stack):
        if model.tensor_parallel <= node.gpus:
            tenants[model.pool].append(model)
            per_node[model.pool] = node.gpus
    for name, models_of_pool in tenants.items():
        pool, gpus = stack.pools[name], per_node[name]
        groups = 2 if pool.capacity == "spot_first" else 1
        wanted = sum(model.replicas * model.tensor_parallel for model in models_of_pool)
        alone = max(ceil(model.replicas / (gpus // model.tensor_parallel)) for model in models_of_pool)
        nodes = max(ceil(wanted / gpus), alone)
        if nodes > pool.max * groups:
            yield Problem(
                f"pools.{name}.max",
                (
                    f"the replicas of its models need {wanted} GPUs on {nodes} nodes, and it has at most "
                    f"{pool.max * groups}"
                ),
                f"write {ceil(nodes / groups)} or more, or lower the replicas",
            )


def gated_models_have_a_token(stack: Stack) -> Iterator[Problem]:
    """Weights behind a licence come with a token, where the hub is the one that knows it."""
    if stack.mirrors.models != "huggingface":
        return
    for name, model in stack.models.items():
        if model.gated and stack.secrets.huggingface_token is None:
            yield Problem(
                f"models.{name}.gated",
                "gated weights need a token, and secrets.huggingface_token is not set",
                "run pulumi config set --secret --path 'llmplatform:secrets.huggingface_token'",
            )
