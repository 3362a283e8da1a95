"""Rules about a replica: what its engine can use, and its room on nodes without GPUs."""

from collections.abc import Iterator
from math import ceil

from llmplatform.catalog.gpus import GIB
from llmplatform.checks.problems import Problem
from llmplatform.checks.rules.placement import most_nodes, without_gpus
from llmplatform.checks.rules.rule import each_model, whole
from llmplatform.planning.fit import weights_gib
from llmplatform.planning.models import CPU_PART, MEMORY_PART
from llmplatform.specs.stack import Stack


def resources_are_said(stack: Stack) -> Iterator[Problem]:
    """A replica without GPUs has no share of its node, so its settings say what it needs."""
    for name, model, machine in without_gpus(stack):
        wanted = {"cpu": model.resources.cpu, "memory_gib": model.resources.memory_gib}
        missing = [key for key, value in wanted.items() if value is None]
        if missing:
            most = {
                "cpu": machine.allocatable_millicores * CPU_PART // 100 / 10,
                "memory_gib": int(machine.allocatable_memory_mib * MEMORY_PART / 1024),
            }
            yield Problem(
                f"models.{name}.resources",
                f"pool '{model.pool}' has no GPUs, from which CPUs and memory would follow",
                "write " + " and ".join(f"{key} (at most {most[key]:g})" for key in missing),
            )


def gpus_are_there(stack: Stack) -> Iterator[Problem]:
    """`tensor_parallel` counts GPUs."""
    for name, model, _ in without_gpus(stack):
        if model.tensor_parallel > 1:
            yield Problem(
                f"models.{name}.tensor_parallel",
                f"pool '{model.pool}' has no GPUs for a replica to be spread over",
                "remove it, or use a pool with GPUs",
            )


def memory_holds_the_weights(stack: Stack) -> Iterator[Problem]:
    """Without GPUs the weights are in the memory of the pod."""
    for name, model, _ in without_gpus(stack):
        shape, memory, each = model.known_shape, model.resources.memory_gib, model.engine_facts.bytes_without_gpus
        if shape is None or memory is None:
            continue
        needed = shape.parameters_billion * 1e9 * each / GIB if each else weights_gib(shape)
        if needed > memory:
            yield Problem(
                f"models.{name}.resources.memory_gib",
                f"{memory:g} GiB do not hold the weights of '{model.source}', which take {needed:.1f} without GPUs",
                f"write {ceil(needed * 1.2 + 1)} or more",
            )


def nodes_hold_a_replica(stack: Stack) -> Iterator[Problem]:
    """A node has the CPUs and the memory of a replica."""
    for name, model, machine in without_gpus(stack):
        wanted = model.resources
        for key, asked, most, unit in (
            ("cpu", wanted.cpu, machine.allocatable_millicores / 1000, "CPUs"),
            ("memory_gib", wanted.memory_gib, machine.allocatable_memory_mib / 1024, "GiB"),
        ):
            if asked and asked > most:
                yield Problem(
                    f"models.{name}.resources.{key}",
                    f"{asked:g} {unit} are more than the {most:.1f} that a node of pool '{model.pool}' offers",
                    f"write {int(most * 0.9) or round(most, 1):g} or less, so that DaemonSets have room, too",
                )


def pools_hold_all_replicas(stack: Stack) -> Iterator[Problem]:
    """A pool at its maximum has room for the replicas of each model."""
    for name, model, machine in without_gpus(stack):
        cpu, memory = model.resources.cpu, model.resources.memory_gib
        if not cpu or not memory:
            continue
        on_node = int(min(machine.allocatable_millicores / 1000 / cpu, machine.allocatable_memory_mib / 1024 / memory))
        most = most_nodes(stack, stack.pools[model.pool])
        if 0 < on_node * most < model.replicas:
            yield Problem(
                f"models.{name}.replicas",
                f"pool '{model.pool}' holds {on_node * most} replicas at most, on {most} nodes",
                f"write {on_node * most} or less, or a larger pools.{model.pool}.max",
            )


def weights_come_from_somewhere(stack: Stack) -> Iterator[Problem]:
    """Only images of the user's own have weights in them."""
    for name, model in stack.models.items():
        if model.weights.cache == "image" and not model.engine_facts.own_weights:
            yield Problem(
                f"models.{name}.weights.cache",
                f"the image of {model.engine_facts.name} has no weights",
                "write 'shared' or 'node'",
            )


def engines_have_the_settings(stack: Stack) -> Iterator[Problem]:
    """A setting that an engine does not have is not set."""
    for name, model in stack.models.items():
        for setting, reason in model.engine_facts.without.items():
            if getattr(model, setting) != type(model).model_fields[setting].default:
                yield Problem(
                    f"models.{name}.{setting}", f"{model.engine_facts.name} has no such setting", f"{reason}; remove it"
                )


def servers_are_watched(stack: Stack) -> Iterator[Problem]:
    """An image without metrics is served only where the settings say so, and one with metrics where they do not."""
    for name, model in stack.models.items():
        if model.engine.is_unwatched:
            yield Problem(
                f"models.{name}.engine.metrics",
                "nothing says where its metrics are, and without them it can be neither watched nor scaled by load",
                "write 'metrics: {path: /metrics}', or 'without_metrics: true' if it has none",
            )
        if model.engine.contradicts_its_metrics:
            path = f"models.{name}.engine.without_metrics"
            yield Problem(path, "it stands beside metrics", "remove one of them")


PROBLEMS = (
    *each_model(
        resources_are_said,
        gpus_are_there,
        memory_holds_the_weights,
        nodes_hold_a_replica,
        weights_come_from_somewhere,
        engines_have_the_settings,
        servers_are_watched,
    ),
    *whole(pools_hold_all_replicas),
)
