"""The largest number of a model's servers, for the plan and for the rules."""

from typing import TypeGuard

from llmplatform.catalog import InstanceType, instance_types
from llmplatform.planning.capacity import most_replicas
from llmplatform.planning.node_groups import node_groups
from llmplatform.planning.pools import pool_zones
from llmplatform.planning.stages import spread
from llmplatform.specs.pools import Pool
from llmplatform.specs.stack import AwsStack, Stack


def ceiling(stack: Stack, name: str) -> int:
    """Largest number of a model's servers: as its settings say, else as its pool has room for."""
    model = stack.models[name]
    if model.scaling is None:
        return model.replicas
    return model.scaling.max_replicas or max(model.least_replicas, room(stack, name) or 0)


def room(stack: Stack, name: str) -> int | None:
    """Servers of a model that its pool holds beside the smallest numbers of its other models.

    With `surge` another one fits beside them, for a rollout. None: not known, or a pool without GPUs.
    """
    model = stack.models[name]
    pool = stack.pools.get(model.pool)
    machine = instance_types.find(stack.cloud.provider, pool.instance_types[0]) if pool else None
    if pool is None or machine is None or not machine.gpu:
        return None
    beside, pods = gpus_beside(stack, name) + (model.gpus if model.surge else 0), spread(model, machine.gpus)
    return most_replicas(usable_nodes(stack, pool, machine), machine.gpus, pods.gpus, beside=beside) // pods.nodes


def holds_a_second_set(stack: Stack, name: str) -> bool:
    """Whether a model's pool has room for its smallest number of servers beside its largest.

    Then those of a new version start before the old ones end.
    """
    most = room(stack, name)
    return most is not None and most >= ceiling(stack, name) + stack.models[name].least_replicas


def gpus_beside(stack: Stack, name: str) -> int:
    """GPUs that the other models of a model's pool always have."""
    pool = stack.models[name].pool
    others = [model for other, model in stack.models.items() if other != name and model.pool == pool]
    return sum(model.least_replicas * model.gpus for model in others)


def usable_nodes(stack: Stack, pool: Pool, machine: InstanceType) -> int:
    """Nodes that a pool can come to have: all of its groups', or those of its start where nothing adds more."""
    groups = node_groups(pool, pool_zones(pool, stack.cloud, machine), gpus=machine.gpu is not None)
    most = sum(group.maximum for group in groups)
    return min(pool.min, most) if keeps_its_start(stack, pool) else most


def keeps_its_start(stack: Stack, pool: Pool) -> bool:
    """Whether nothing adds nodes to those that a pool starts with. One that starts with none is a fault of its own."""
    return has_no_autoscaler(stack) and not pool.existing and pool.min > 0


def has_no_autoscaler(stack: Stack) -> bool:
    """Whether pools never change their size: an existing cluster may have its own autoscaler."""
    return makes_platform_and_cluster(stack) and not stack.addons.cluster_autoscaler.enabled


def makes_platform_and_cluster(stack: Stack) -> TypeGuard[AwsStack]:
    """Whether this stack creates both, on AWS."""
    return isinstance(stack, AwsStack) and stack.platform.kind == stack.cluster.kind == "new"
