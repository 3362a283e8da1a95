"""Rules about a replica: what its engine can use, and its room on nodes without GPUs."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import ceil

from llmplatform.catalog import InstanceType
from llmplatform.catalog.gpus import GIB
from llmplatform.checks.problems import Problem
from llmplatform.checks.rules.placement import beyond_a_node, size_setting, without_gpus
from llmplatform.checks.rules.rule import each_model, whole
from llmplatform.planning.ceilings import ceiling, usable_nodes
from llmplatform.planning.fit import weights_gib
from llmplatform.planning.models import CPU_PART, MEMORY_PART
from llmplatform.specs.models import Model
from llmplatform.specs.objectives import Objectives
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
    """`tensor_parallel`, `data_parallel` and `pipeline_parallel` count GPUs."""
    for name, model, _ in without_gpus(stack):
        for setting in ("tensor_parallel", "data_parallel", "pipeline_parallel"):
            if getattr(model, setting) > 1:
                yield Problem(
                    f"models.{name}.{setting}",
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
        yield from beyond_a_node(name, model, machine)


@dataclass(frozen=True, kw_only=True)
class _Tenant:
    """A model on a pool without GPUs, whose settings say what a replica needs."""

    name: str
    model: Model
    cpu: float
    memory_gib: float
    ceiling: int


@dataclass(frozen=True, kw_only=True)
class _Room:
    """The nodes of a pool without GPUs, and the models on them."""

    nodes: int
    cpu: float
    memory_gib: float
    """Of one node."""
    tenants: tuple[_Tenant, ...]

    def holds(self, one: _Tenant, numbers: Mapping[str, int]) -> int:
        """Most replicas of a model beside those of the other models, which are packed tightly."""
        others = [(each, numbers[each.name]) for each in self.tenants if each != one]
        cpu = self.nodes * self.cpu - sum(each.cpu * number for each, number in others)
        memory = self.nodes * self.memory_gib - sum(each.memory_gib * number for each, number in others)
        return max(0, min(self.alone(one), int(cpu / one.cpu), int(memory / one.memory_gib)))

    def alone(self, one: _Tenant) -> int:
        """Most replicas of a model without the other ones."""
        return int(min(self.cpu / one.cpu, self.memory_gib / one.memory_gib)) * self.nodes


def _rooms(stack: Stack) -> Iterator[tuple[str, _Room]]:
    """Pools without GPUs that have models, by name. What fits no node is reported elsewhere."""
    tenants: defaultdict[str, list[_Tenant]] = defaultdict(list)
    machines: dict[str, InstanceType] = {}
    for name, model, machine in without_gpus(stack):
        cpu, memory = model.resources.cpu, model.resources.memory_gib
        if not cpu or not memory:
            continue
        if cpu * 1000 <= machine.allocatable_millicores and memory * 1024 <= machine.allocatable_memory_mib:
            most = ceiling(stack, name)
            tenants[model.pool].append(_Tenant(name=name, model=model, cpu=cpu, memory_gib=memory, ceiling=most))
            machines[model.pool] = machine
    for pool, machine in machines.items():
        yield (
            pool,
            _Room(
                nodes=usable_nodes(stack, stack.pools[pool], machine),
                cpu=machine.allocatable_millicores / 1000,
                memory_gib=machine.allocatable_memory_mib / 1024,
                tenants=tuple(tenants[pool]),
            ),
        )


def pools_hold_all_replicas(stack: Stack) -> Iterator[Problem]:
    """A pool at its maximum has room for the replicas of its models, and for the largest number of each."""
    for pool, room in _rooms(stack):
        least = {each.name: each.model.least_replicas for each in room.tenants}
        setting = size_setting(stack, pool)
        too_many = False
        for one in room.tenants:
            path = f"models.{one.name}." + ("scaling.max_replicas" if one.model.scaling else "replicas")
            most = room.alone(one)
            if most < one.ceiling:
                too_many = True
                yield Problem(
                    path,
                    f"pool '{pool}' holds {most} replicas at most, on {room.nodes} nodes",
                    f"write {most} or less, or a larger {setting}",
                )
        if too_many:
            continue
        if any(room.holds(one, least) < least[one.name] for one in room.tenants):
            cpu = sum(each.cpu * least[each.name] for each in room.tenants)
            memory = sum(each.memory_gib * least[each.name] for each in room.tenants)
            yield Problem(
                setting,
                f"the replicas of its models need {cpu:g} CPUs and {memory:g} GiB together, and its {room.nodes} nodes "
                f"have {room.nodes * room.cpu:.1f} and {room.nodes * room.memory_gib:.1f}",
                "write more, or lower the replicas",
            )
            continue
        for one in room.tenants:
            most = room.holds(one, least)
            if one.model.scaling and most < one.ceiling:
                yield Problem(
                    f"models.{one.name}.scaling.max_replicas",
                    f"pool '{pool}' holds {most} replicas at most beside the other models, on {room.nodes} nodes",
                    f"write {most} or less, or a larger {setting}",
                )


def pools_without_gpus_are_shared_at_the_peak(stack: Stack) -> Iterator[Problem]:
    """A warning: not all models of a pool can have their largest number at once."""
    for pool, room in _rooms(stack):
        largest = {each.name: each.ceiling for each in room.tenants}
        least = {each.name: each.model.least_replicas for each in room.tenants}
        beside = [one for one in room.tenants if one.model.scaling and one.ceiling <= room.holds(one, least)]
        if any(room.holds(one, largest) < one.ceiling for one in beside):
            yield Problem(
                size_setting(stack, pool),
                "its nodes do not hold the largest number of all its models together: at a common peak servers wait "
                "for a node",
                "raise it, or write a smaller scaling.max_replicas for some",
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


def objectives_have_a_source(stack: Stack) -> Iterator[Problem]:
    """Alerts about objectives need monitoring."""
    for name, model in stack.models.items():
        if model.objectives != Objectives() and stack.platform.kind == "new" and not stack.addons.monitoring.enabled:
            yield Problem(
                f"models.{name}.objectives",
                "without monitoring there are no alerts",
                "remove it, or set addons.monitoring.enabled to true",
            )


def objectives_are_measured(stack: Stack) -> Iterator[Problem]:
    """An engine exposes what an objective is measured by: without it no alert would ever tell that it is missed."""
    for name, model in stack.models.items():
        for objective in model.objectives.latencies:
            if getattr(model.engine_metrics, objective) is None:
                yield Problem(
                    f"models.{name}.objectives.{objective}",
                    f"{model.engine_facts.name} exposes no such times",
                    "remove it",
                )
        if "availability" in model.objectives.model_fields_set and not model.engine_metrics.requests_failed:
            yield Problem(
                f"models.{name}.objectives.availability",
                f"{model.engine_facts.name} does not count requests that fail",
                "remove it",
            )


PROBLEMS = (
    *each_model(
        objectives_have_a_source,
        objectives_are_measured,
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
WARNINGS = whole(pools_without_gpus_are_shared_at_the_peak)
