"""Shared by the rules about models and pools: the plan of a pool, as far as its settings can be read."""

from collections.abc import Iterator
from dataclasses import dataclass

from llmplatform.catalog import Gpu, InstanceType, instance_types
from llmplatform.catalog.engines import EngineRelease
from llmplatform.checks.problems import Problem
from llmplatform.planning.ceilings import keeps_its_start
from llmplatform.planning.node_groups import NodeGroup, node_groups
from llmplatform.planning.pools import pod_disk_gib, pool_zones
from llmplatform.specs.engines import PublishedEngine
from llmplatform.specs.models import Model
from llmplatform.specs.pools import Pool
from llmplatform.specs.stack import Stack


@dataclass(frozen=True)
class GpuNode:
    """A node with usable GPUs."""

    shape: InstanceType
    gpu: Gpu


def known_types(stack: Stack, pool: Pool) -> list[InstanceType]:
    """The pool's instance types that the catalog knows."""
    found = (instance_types.find(stack.cloud.provider, name) for name in pool.instance_types)
    return [machine for machine in found if machine]


def shape(stack: Stack, pool: Pool) -> InstanceType | None:
    """The shape of the pool's plan; None if the catalog knows none of its instance types."""
    return next(iter(known_types(stack, pool)), None)


def gpu_node(stack: Stack, pool: Pool) -> GpuNode | None:
    """The nodes of a pool with usable GPUs; None for any other pool."""
    machine = shape(stack, pool)
    if machine is None or machine.gpu is None or machine.unusable:
        return None
    return GpuNode(machine, machine.gpu)


def groups(stack: Stack, pool: Pool) -> tuple[NodeGroup, ...]:
    """The groups in a pool's plan."""
    machine = shape(stack, pool)
    return node_groups(pool, zones(stack, pool), gpus=machine is not None and machine.gpu is not None)


def zones(stack: Stack, pool: Pool) -> tuple[str, ...]:
    """The zones of a pool."""
    machine = shape(stack, pool)
    return pool_zones(pool, stack.cloud, machine) if machine else pool.zones or stack.cloud.zones


def most_nodes(stack: Stack, pool: Pool) -> int:
    """Number of nodes of a pool whose groups are all full."""
    return sum(group.maximum for group in groups(stack, pool))


def size_setting(stack: Stack, name: str) -> str:
    """Path of the setting that gives a pool more nodes."""
    return f"pools.{name}.{'min' if keeps_its_start(stack, stack.pools[name]) else 'max'}"


def is_cpu(stack: Stack, pool: Pool) -> bool:
    """Whether a pool certainly has no GPUs."""
    machine = shape(stack, pool)
    return machine is not None and machine.gpu is None


def is_system(stack: Stack, pool: Pool) -> bool:
    """Whether pods without a GPU run in a pool: it has no GPUs, and no taint keeps them out."""
    return is_cpu(stack, pool) and not pool.dedicated


def has_kernels(model: Model, gpu: Gpu) -> bool:
    """Whether the model's engine runs on that GPU at all."""
    release = model.engine_release
    return release is None or release.runs_on(gpu.compute_capability)


def published(stack: Stack) -> Iterator[tuple[str, Model, PublishedEngine, EngineRelease]]:
    """Models whose engine has releases on record: name, model, its engine's settings and release."""
    for name, model in stack.models.items():
        engine, release = model.engine, model.engine_release
        if isinstance(engine, PublishedEngine) and release:
            yield name, model, engine, release


def without_gpus(stack: Stack) -> Iterator[tuple[str, Model, InstanceType]]:
    """Models on a pool without GPUs whose engine needs none, with the machine of its nodes."""
    for name, model in stack.models.items():
        machine = shape(stack, stack.pools[model.pool]) if model.pool in stack.pools else None
        if machine and machine.gpu is None and model.engine_facts.without_gpus:
            yield name, model, machine


def beyond_a_node(name: str, model: Model, machine: InstanceType) -> Iterator[Problem]:
    """CPUs and memory of a replica that its pool's nodes do not have."""
    for key, asked, most, unit in (
        ("cpu", model.resources.cpu, machine.allocatable_millicores / 1000, "CPUs"),
        ("memory_gib", model.resources.memory_gib, machine.allocatable_memory_mib / 1024, "GiB"),
    ):
        if asked and asked > most:
            yield Problem(
                f"models.{name}.resources.{key}",
                f"{asked:g} {unit} are more than the {round(most, 2):g} that a node of pool '{model.pool}' offers",
                f"write {int(most * 0.9) or round(most, 1):g} or less, so that DaemonSets have room, too",
            )


def disk_gib(stack: Stack, pool: Pool) -> int:
    """Disk that the pods of a node share, in GiB."""
    machine = shape(stack, pool)
    return pod_disk_gib(pool, machine) if machine else pool.disk_gib


def placed(stack: Stack) -> Iterator[tuple[str, Model, GpuNode]]:
    """Models whose pool has usable GPUs, with its nodes. Rules about pools report the others."""
    nodes: dict[str, GpuNode | None] = {}
    for name, model in stack.models.items():
        if model.pool in stack.pools and model.pool not in nodes:
            nodes[model.pool] = gpu_node(stack, stack.pools[model.pool])
        node = nodes.get(model.pool)
        if node is not None:
            yield name, model, node
