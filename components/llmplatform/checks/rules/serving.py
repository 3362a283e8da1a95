"""Rules about models: whether their pool exists and they fit its GPUs."""

from collections.abc import Iterator

from llmplatform.catalog import ModelShape, models
from llmplatform.checks.problems import Problem, listed, nearest, suggestion
from llmplatform.checks.rules.placement import gpu_node, has_kernels, is_cpu, placed
from llmplatform.checks.rules.rule import each_model, whole
from llmplatform.checks.rules.ways_out import is_legal, room_of, way_out
from llmplatform.planning.fit import SMALLEST_MARGIN, legal_tensor_parallel, model_fit
from llmplatform.planning.ranks import ranks_of
from llmplatform.specs.models import Model
from llmplatform.specs.stack import Stack


def shape_is_known(stack: Stack) -> Iterator[Problem]:
    """A model's shape is in the catalog or in the file."""
    for name, model in stack.models.items():
        if model.known_shape is None and model.weights.cache != "image":
            near = nearest(model.source, models.names())
            hint = f"did you mean '{near}'? Else " if near else ""
            yield Problem(
                f"models.{name}.source",
                f"the catalog does not know '{model.source}'",
                f"{hint}add 'shape:' with the values of its config.json",
            )


def shape_makes_sense(stack: Stack) -> Iterator[Problem]:
    """The values of a shape are consistent with one another."""
    for name, model in stack.models.items():
        shape, path = model.shape, f"models.{name}.shape"
        if shape is None:
            continue
        if shape.attention_heads % shape.kv_heads and not shape.latent_kv:
            yield Problem(
                f"{path}.kv_heads",
                f"{shape.attention_heads} attention heads cannot share {shape.kv_heads} key-value heads",
                "write num_key_value_heads of its config.json, which divides num_attention_heads",
            )
        if shape.kv_layers and shape.kv_layers > shape.layers:
            yield Problem(
                f"{path}.kv_layers",
                f"{shape.kv_layers} layers with a cache are more than the {shape.layers} of the model",
                "write how many of them are layers of attention, or remove it",
            )
        if shape.window_layers and (shape.window is None or shape.window_layers > (shape.kv_layers or shape.layers)):
            fault = "have no window" if shape.window is None else "are more than those with a cache"
            yield Problem(
                f"{path}.window_layers",
                f"{shape.window_layers} layers {fault}",
                "write sliding_window of its config.json as window, and how many layers have it, or remove both",
            )
        embeddings = shape.vocabulary * shape.hidden_size * (1 if shape.tied_embeddings else 2) / 1e9
        if embeddings >= shape.parameters_billion:
            yield Problem(
                f"{path}.parameters_billion",
                f"{shape.parameters_billion} billion parameters are fewer than those of the embeddings alone "
                f"({embeddings:.3g}: vocabulary x hidden_size{'' if shape.tied_embeddings else ', twice'})",
                "write the parameters of the whole model, or set tied_embeddings to true",
            )


def pool_exists(stack: Stack) -> Iterator[Problem]:
    """A model names an existing pool, and the pool has GPUs."""
    with_gpus = [name for name, pool in stack.pools.items() if gpu_node(stack, pool)]
    otherwise = f"use {listed(with_gpus)}" if with_gpus else "add a pool with GPUs"
    for name, model in stack.models.items():
        path, pool = f"models.{name}.pool", stack.pools.get(model.pool)
        if pool is None:
            yield Problem(path, f"there is no pool '{model.pool}'", suggestion(model.pool, with_gpus, otherwise))
        elif is_cpu(stack, pool) and not model.engine_facts.without_gpus:
            yield Problem(path, f"pool '{model.pool}' has no GPUs", otherwise)


def heads_can_be_spread(stack: Stack) -> Iterator[Problem]:
    """The attention heads divide by the number of GPUs."""
    nodes = {name: node for name, _, node in placed(stack)}
    for name, model in stack.models.items():
        shape, spread = model.known_shape, model.engine_facts.spreads_heads
        if shape and spread and not is_legal(model, shape, model.tensor_parallel):
            most = nodes[name].shape.gpus // model.data_parallel if name in nodes else 16
            legal = [size for size in range(1, most + 1) if is_legal(model, shape, size)]
            groups = f", in groups of {shape.quantization_group} weights," if shape.quantization_group else ""
            whole = legal_tensor_parallel(shape, model.tensor_parallel, whole_experts=True)
            ways = [*([f"use {listed(legal)}"] if legal else []), *(_whole_experts(model) if whole else [])]
            yield Problem(
                f"models.{name}.tensor_parallel",
                f"{shape.attention_heads} attention heads and {shape.kv_heads} key-value heads{groups} cannot be "
                f"spread over {model.tensor_parallel * (ranks_of(model).over if whole else 1)} GPUs",
                ", or ".join(ways) or "use 1",
            )


def _whole_experts(model: Model) -> Iterator[str]:
    """How each GPU gets whole experts."""
    release, flags = model.engine_release, model.engine.WHOLE_EXPERTS
    if release and release.expert_parallel:
        yield "set expert_parallel to true"
    elif flags:
        yield f"add {flags[0]} to engine.extra_args"


def replica_is_within_a_node(stack: Stack) -> Iterator[Problem]:
    """A replica's GPUs are in one node."""
    for name, model, node in placed(stack):
        shape = model.known_shape
        if model.tensor_parallel > node.shape.gpus and (not shape or is_legal(model, shape, model.tensor_parallel)):
            yield Problem(
                f"models.{name}.tensor_parallel",
                f"a replica of {model.tensor_parallel} GPUs is larger than a node of pool '{model.pool}', "
                f"whose {node.shape.name} has {node.shape.gpus}",
                f"write {node.shape.gpus}{' or less' if node.shape.gpus > 1 else ''}, or use a pool of larger nodes",
            )


def context_is_the_models(stack: Stack) -> Iterator[Problem]:
    """The context is no longer than the model supports."""
    nodes = {name: node for name, _, node in placed(stack)}
    for name, model in stack.models.items():
        shape = model.known_shape
        if shape and _is_too_long(model, shape):
            room = room_of(model, nodes[name]) if name in nodes and is_legal(model, shape, model.tensor_parallel) else 0
            longest = min(shape.context_length, room or shape.context_length)
            yield Problem(
                f"models.{name}.context_length",
                f"{model.context_length} tokens are more than the model's own {shape.context_length}",
                f"write {longest} or less",
            )


def _is_too_long(model: Model, shape: ModelShape) -> bool:
    return bool(model.context_length and model.context_length > shape.context_length)


def model_fits(stack: Stack) -> Iterator[Problem]:
    """Weights and the cache of one request fit the GPUs."""
    for name, model, node in placed(stack):
        shape = model.known_shape
        if shape is None or not is_legal(model, shape, model.tensor_parallel) or not has_kernels(model, node.gpu):
            continue
        if _is_too_long(model, shape) and room_of(model, node):
            continue  # The rule above reports it.
        fit = model_fit(model, node.gpu)
        if fit.margin >= SMALLEST_MARGIN and 0 < fit.most_states < fit.states and model.engine.SEQUENCES:
            yield Problem(
                f"models.{name}.engine.{model.engine.SEQUENCES}",
                f"the engine starts only if each of {fit.states} sequences can have a state, and the cache has room "
                f"for {fit.most_states}",
                f"write {fit.most_states} or less",
            )
        elif not fit.fits:
            yield Problem(
                f"models.{name}",
                f"'{model.source}' with a context of {fit.context_length} tokens needs "
                f"{fit.needed_gib:.2f} GiB on each "
                f"{node.gpu.name} of pool '{model.pool}', which has {fit.usable_gib:.2f} GiB for it "
                f"(weights {fit.weights_gib:.2f}, engine {fit.overhead_gib:.2f}, and a cache of "
                f"{fit.least_cache_gib:.2f} with its margin of {SMALLEST_MARGIN:.0%})",
                way_out(stack, model, shape, node),
            )


FEW_REQUESTS = 4
"""Requests of full length at once. Below it, the engine soon preempts requests and computes them again."""


def cache_holds_some_requests(stack: Stack) -> Iterator[Problem]:
    """A warning: the cache of a replica holds few requests of full length."""
    for name, model, node in placed(stack):
        shape = model.known_shape
        if shape is None or not is_legal(model, shape, model.tensor_parallel):
            continue
        fit = model_fit(model, node.gpu)
        if fit.fits and fit.concurrency < FEW_REQUESTS * fit.ranks:
            whole = "a replica" if fit.ranks == 1 else "a rank"
            yield Problem(
                f"models.{name}.context_length",
                f"the cache of {whole} holds about {fit.kv_tokens // fit.ranks:,} tokens, "
                f"{fit.concurrency / fit.ranks:.1f} requests of full length ({fit.context_length:,}) at once",
                "fine for few clients; else a shorter context_length, quantized weights, "
                + (f"{model.engine.CACHE_FORMAT} 'fp8' " if model.engine.CACHE_FORMAT else "")
                + "or more GPUs",
            )


def gated_models_have_a_token(stack: Stack) -> Iterator[Problem]:
    """Gated weights need a token, if the hub uses one."""
    if stack.mirrors.models != "huggingface":
        return
    for name, model in stack.models.items():
        if model.gated and model.weights.source is None and stack.secrets.huggingface_token is None:
            yield Problem(
                f"models.{name}.gated",
                "gated weights need a token, and secrets.huggingface_token is not set",
                "run pulumi config set --secret --path 'llmplatform:secrets.huggingface_token'",
            )


PROBLEMS = each_model(
    shape_is_known,
    shape_makes_sense,
    pool_exists,
    heads_can_be_spread,
    replica_is_within_a_node,
    context_is_the_models,
    model_fits,
    gated_models_have_a_token,
)
ADVICE = whole(cache_holds_some_requests)
