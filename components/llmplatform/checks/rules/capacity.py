"""Rules about what models take up: volumes and disks hold their weights, and pools their replicas."""

from collections import defaultdict
from collections.abc import Iterator
from math import ceil

from llmplatform.checks.problems import Problem
from llmplatform.checks.rules.placement import disk_gib, groups, most_nodes, placed
from llmplatform.planning.fit import weights_gib
from llmplatform.planning.node_groups import is_fixed
from llmplatform.specs.models import Model
from llmplatform.specs.stack import AwsStack, Stack

IMAGE_GIB = 30
"""What an engine's image unpacks to."""


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
        disk = disk_gib(stack, pool)
        size, room = model.weights.size_gib or ceil(weights_gib(shape)), disk - IMAGE_GIB
        if size > room:
            yield Problem(
                f"models.{name}.weights" + (".size_gib" if model.weights.size_gib else ".cache"),
                f"{size} GiB of weights are too many for the disk of pool '{model.pool}', whose {disk} GiB "
                f"hold an engine's image of {IMAGE_GIB} GiB as well",
                f"set pools.{model.pool}.disk_gib to {size + IMAGE_GIB} or more, or weights.cache to 'shared'"
                if disk == pool.disk_gib
                else "set weights.cache to 'shared', or use machines with larger local disks, which take the place of "
                "the root volume",
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
        most, alike = most_nodes(stack, pool), 1 if is_fixed(pool) else len(groups(stack, pool))
        wanted = sum(model.replicas * model.tensor_parallel for model in models_of_pool)
        alone = max(ceil(model.replicas / (gpus // model.tensor_parallel)) for model in models_of_pool)
        nodes = max(ceil(wanted / gpus), alone)
        if nobody_adds_nodes(stack) and not pool.existing and 0 < pool.min < nodes <= most:
            yield Problem(
                f"pools.{name}.min",
                f"the replicas of its models need {nodes} nodes, and without cluster_autoscaler it stays at {pool.min}",
                f"write {nodes}, or set addons.cluster_autoscaler.enabled to true"
                if nodes <= pool.max
                else "set addons.cluster_autoscaler.enabled to true, or lower the replicas",
            )
        if nodes > most:
            yield Problem(
                f"pools.{name}.max",
                f"the replicas of its models need {wanted} GPUs on {nodes} nodes, and it has at most {most}",
                f"write {ceil(nodes / max(alike, 1))} or more, or lower the replicas",
            )


def nobody_adds_nodes(stack: Stack) -> bool:
    """Whether pools stay as they are made: a cluster that exists may have an autoscaler of its own."""
    return (
        isinstance(stack, AwsStack)
        and stack.platform.kind == stack.cluster.kind == "new"
        and not stack.addons.cluster_autoscaler.enabled
    )
