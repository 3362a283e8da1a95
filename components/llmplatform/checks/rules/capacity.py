"""Rules about room for models: volumes and disks for weights, pools for replicas."""

from collections import defaultdict
from collections.abc import Iterator
from math import ceil, floor

from llmplatform.checks.problems import Problem
from llmplatform.checks.rules.placement import beyond_a_node, disk_gib, groups, most_nodes, placed, size_setting
from llmplatform.checks.rules.rule import each_model, whole
from llmplatform.planning.ceilings import ceiling, has_no_autoscaler, usable_nodes
from llmplatform.planning.models import replica_memory_mib, stored_gib
from llmplatform.planning.node_groups import is_fixed
from llmplatform.planning.stages import spread
from llmplatform.specs.models import Model
from llmplatform.specs.pools import ENGINE_IMAGE_GIB
from llmplatform.specs.stack import Stack


def volume_holds_the_weights(stack: Stack) -> Iterator[Problem]:
    """A volume with a given size has room for the weights."""
    for name, model in stack.models.items():
        size, shape = model.weights.size_gib, model.known_shape
        if size and shape and size < stored_gib(model):
            yield Problem(
                f"models.{name}.weights.size_gib",
                f"{size} GiB are too few for the weights of '{model.source}'"
                f"{' and its adapters' if model.lora else ''}, which take {stored_gib(model):.1f}",
                "write more, best twice that to have room for a second revision, or remove it",
            )


def node_holds_the_weights(stack: Stack) -> Iterator[Problem]:
    """A node's disk has room for the weights on it, beside an engine's image."""
    for name, model, _ in placed(stack):
        shape, pool = model.known_shape, stack.pools[model.pool]
        if model.weights.cache != "node" or shape is None:
            continue
        disk = disk_gib(stack, pool)
        size, room = model.weights.size_gib or ceil(stored_gib(model)), disk - ENGINE_IMAGE_GIB
        if size > room:
            yield Problem(
                f"models.{name}.weights" + (".size_gib" if model.weights.size_gib else ".cache"),
                f"{size} GiB of weights are too many for the disk of pool '{model.pool}', whose {disk} GiB "
                f"hold an engine's image of {ENGINE_IMAGE_GIB} GiB as well",
                f"set pools.{model.pool}.disk_gib to {size + ENGINE_IMAGE_GIB} or more, or weights.cache to 'shared'"
                if disk == pool.disk_gib
                else "set weights.cache to 'shared', or use machines with larger local disks, which take the place of "
                "the root volume",
            )


def pool_holds_its_models(stack: Stack) -> Iterator[Problem]:
    """A pool at its maximum has GPUs for all replicas."""
    tenants: defaultdict[str, list[Model]] = defaultdict(list)
    per_node: dict[str, int] = {}
    for _, model, node in placed(stack):
        if model.stage_gpus <= node.shape.gpus:
            tenants[model.pool].append(model)
            per_node[model.pool] = node.shape.gpus
    for name, models_of_pool in tenants.items():
        pool, gpus = stack.pools[name], per_node[name]
        most, alike = most_nodes(stack, pool), 1 if is_fixed(pool) else len(groups(stack, pool))
        wanted = sum(model.least_replicas * model.gpus for model in models_of_pool)
        pods = [(model.least_replicas, spread(model, gpus)) for model in models_of_pool]
        alone = max(ceil(replicas * each.nodes / (gpus // each.gpus)) for replicas, each in pods)
        nodes = max(ceil(wanted / gpus), alone)
        if has_no_autoscaler(stack) and not pool.existing and 0 < pool.min < nodes <= most:
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


def resources_fit_the_node(stack: Stack) -> Iterator[Problem]:
    """A node of the pool has the resources that a replica requests."""
    for name, model, node in placed(stack):
        machine = node.shape
        asked, path = model.resources, f"models.{name}.resources"
        yield from beyond_a_node(name, model, machine)
        node_gib = machine.allocatable_memory_mib / 1024
        if asked.shm_gib and asked.memory_gib is None and asked.shm_gib > node_gib / 2:
            yield Problem(
                f"{path}.shm_gib",
                f"{asked.shm_gib:g} GiB of shared memory are more than half of the {node_gib:.1f} that a node of pool "
                f"'{model.pool}' offers",
                f"write {node_gib / 2:.0f} or less",
            )
        if asked.shm_gib and asked.memory_gib and asked.shm_gib > asked.memory_gib / 2:
            yield Problem(
                f"{path}.shm_gib",
                f"{asked.shm_gib:g} GiB of shared memory leave too little of {asked.memory_gib:g} of memory",
                f"write {asked.memory_gib / 2:g} or less",
            )


def offloaded_cache_has_room(stack: Stack) -> Iterator[Problem]:
    """What an engine keeps in /dev/shm leaves half of a replica's memory for the rest."""
    for name, model, node in placed(stack):
        kept = model.engine.shared_memory_gib
        memory, shared = (mib / 1024 for mib in replica_memory_mib(node.shape, model))
        if kept and shared > memory / 2 and model.stage_gpus <= node.shape.gpus:
            most = floor(memory / 2 - (shared - kept))
            yield Problem(
                f"models.{name}.engine",
                f"{kept:g} GiB of offloaded cache leave too little of {memory:.0f} GiB of memory",
                (f"write {most} or less, or " if most > 0 else "remove it, or ") + "a larger resources.memory_gib",
            )


def surges_have_room(stack: Stack) -> Iterator[Problem]:
    """A pool has GPUs for the extra pods of models with `surge`."""
    wanted: dict[str, int] = {}
    largest: dict[str, int] = {}
    gpus: dict[str, int] = {}
    for name, model, node in placed(stack):
        wanted[model.pool] = wanted.get(model.pool, 0) + model.least_replicas * model.gpus
        gpus[model.pool] = usable_nodes(stack, stack.pools[model.pool], node.shape) * node.shape.gpus
        most = ceiling(stack, name)
        if model.surge and most:
            more = (1 + most - model.least_replicas) * model.gpus
            largest[model.pool] = max(largest.get(model.pool, 0), more)
    for name, more in largest.items():
        most = gpus[name]
        if wanted[name] <= most < wanted[name] + more:
            yield Problem(
                size_setting(stack, name),
                f"its models take {wanted[name]} GPUs of {most}, and a rollout with 'surge' needs {more} more",
                "write more, or remove surge",
            )


PROBLEMS = (
    *each_model(resources_fit_the_node, offloaded_cache_has_room),
    *whole(surges_have_room),
    *each_model(volume_holds_the_weights, node_holds_the_weights),
    *whole(pool_holds_its_models),
)
