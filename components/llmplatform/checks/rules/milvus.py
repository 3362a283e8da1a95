"""Rules about Milvus: memory for its vectors, nodes for its pods, and members for a quorum."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

from llmplatform.catalog import InstanceType
from llmplatform.checks.problems import Problem, suggestion
from llmplatform.checks.rules.placement import is_cpu, is_system, shape, size_setting, zones
from llmplatform.checks.rules.rule import whole
from llmplatform.planning.ceilings import usable_nodes
from llmplatform.planning.milvus import LOCAL_GIB, STANDALONE_GIB, MilvusPlan, Part, plan_milvus
from llmplatform.planning.pools import pod_disk_gib
from llmplatform.specs.objects import NewStore
from llmplatform.specs.services import Milvus
from llmplatform.specs.stack import Stack

_HERE = "services.milvus"
_ONLY_OF_A_CLUSTER = ("query_nodes", "copies")


@dataclass(frozen=True)
class _Nodes:
    """Nodes of a pool."""

    pool: str
    machine: InstanceType
    count: int
    disk_gib: int
    """Disk that the pods of a node share."""


def _wanted(stack: Stack) -> Milvus | None:
    spec = stack.services.milvus
    return spec if spec.enabled and stack.platform.kind == "new" else None


def _nodes(stack: Stack, spec: Milvus) -> list[_Nodes]:
    """Nodes that its pods may run on, the largest last."""
    found: list[_Nodes] = []
    for name, pool in stack.pools.items():
        machine = shape(stack, pool)
        if machine and (name == spec.pool if spec.pool else is_system(stack, pool)):
            found.append(_Nodes(name, machine, usable_nodes(stack, pool, machine), pod_disk_gib(pool, machine)))
    return sorted(found, key=lambda nodes: nodes.machine.allocatable_memory_mib)


def pool_exists(stack: Stack) -> Iterator[Problem]:
    """Its pool is one of the stack, without GPUs."""
    spec = _wanted(stack)
    if spec is None or spec.pool is None:
        return
    without_gpus = [name for name, pool in stack.pools.items() if is_cpu(stack, pool)]
    if spec.pool not in stack.pools:
        yield Problem(f"{_HERE}.pool", f"there is no pool '{spec.pool}'", suggestion(spec.pool, without_gpus))
    elif spec.pool not in without_gpus and shape(stack, stack.pools[spec.pool]):
        yield Problem(
            f"{_HERE}.pool", f"pool '{spec.pool}' has GPUs, which Milvus leaves idle", "use a pool without GPUs"
        )


def memory_holds_the_vectors(stack: Stack) -> Iterator[Problem]:
    """The memory in the settings holds the vectors: each copy its own share of the query nodes."""
    spec = _wanted(stack)
    if spec is None or spec.memory_gib is None:
        return
    plan = plan_milvus(spec)
    holding = plan.parts[plan.holding].replicas
    serving = holding // plan.copies
    if not serving or plan.copy_gib >= plan.load.memory_gib:
        return
    each = ceil(plan.load.memory_gib / serving)
    yield Problem(
        f"{_HERE}.memory_gib",
        f"{spec.memory_gib} GiB do not hold {spec.vectors:,} vectors of dimension {spec.dimension}, which take "
        f"{plan.load.memory_gib:.1f} with '{spec.index.kind}'{_shares(plan, holding)}",
        f"write {max(STANDALONE_GIB if spec.mode == 'standalone' else 2, each * holding)} or more, or remove it",
    )


def _shares(plan: MilvusPlan, nodes: int) -> str:
    if plan.copies == 1:
        return ""
    return f": each of {plan.copies} copies has {nodes // plan.copies} of {nodes} query nodes"


def one_server_has_its_least_memory(stack: Stack) -> Iterator[Problem]:
    """A standalone takes 8 GiB, however few the vectors (milvus.io/docs/prerequisite-helm.md)."""
    spec = _wanted(stack)
    if spec and spec.mode == "standalone" and spec.memory_gib and spec.memory_gib < STANDALONE_GIB:
        yield Problem(
            f"{_HERE}.memory_gib",
            f"a server with all parts in it takes {STANDALONE_GIB} GiB, however few its vectors are",
            f"write {STANDALONE_GIB} or more, or remove it",
        )


def objects_never_expire(stack: Stack) -> Iterator[Problem]:
    """Milvus reads an object for as long as its collection is there."""
    spec = _wanted(stack)
    if spec and isinstance(spec.store, NewStore) and spec.store.expire_days:
        yield Problem(
            f"{_HERE}.store.expire_days",
            "an object that expires is a part of a collection, which can then not be loaded",
            "remove it: Milvus removes what it no longer needs",
        )


def pods_fit_their_nodes(stack: Stack) -> Iterator[Problem]:
    """Each pod fits a node, and all of them fit the pools."""
    spec = _wanted(stack)
    if spec is None or not (nodes := _nodes(stack, spec)):
        return
    plan, largest = plan_milvus(spec), nodes[-1]
    holding, offered = plan.parts[plan.holding], largest.machine.allocatable_memory_mib / 1024
    name = "a query node" if spec.mode == "cluster" else "the server"
    if holding.memory_gib > offered or holding.millicores > largest.machine.allocatable_millicores:
        yield Problem(
            f"{_HERE}.{'query_nodes' if spec.mode == 'cluster' else 'memory_gib' if spec.memory_gib else 'vectors'}",
            f"{name} takes {holding.millicores / 1000:g} CPUs and {holding.memory_gib} GiB, and a node of pool "
            f"'{largest.pool}' offers {largest.machine.allocatable_millicores / 1000:.1f} and {offered:.1f}",
            "write more of them, or use a pool of larger machines"
            if spec.mode == "cluster"
            else "use a pool of larger machines, or set mode to 'cluster'",
        )
        return
    yield from _disk(spec, holding, largest, name)
    cpu = sum(part.replicas * part.millicores for part in plan.everything) / 1000
    memory = sum(part.replicas * part.memory_gib for part in plan.everything)
    cpus = sum(each.count * each.machine.allocatable_millicores / 1000 for each in nodes)
    room = sum(each.count * each.machine.allocatable_memory_mib / 1024 for each in nodes)
    if memory > room or cpu > cpus:
        yield Problem(
            size_setting(stack, largest.pool),
            f"Milvus takes {cpu:g} CPUs and {memory} GiB in all, and the nodes that it may run on offer {cpus:.1f} and "
            f"{room:.1f}",
            "write more, or set services.milvus.pool to a larger pool",
        )


def _disk(spec: Milvus, holding: Part, largest: _Nodes, name: str) -> Iterator[Problem]:
    if holding.disk_gib > max(LOCAL_GIB, largest.disk_gib):
        yield Problem(
            f"{_HERE}.index",
            f"{name} has {holding.disk_gib} GiB of '{spec.index.kind}' on its node's disk, and one of pool "
            f"'{largest.pool}' has {largest.disk_gib}",
            f"write a larger pools.{largest.pool}.disk_gib, or use hnsw, which needs none",
        )


def etcd_has_a_quorum(stack: Stack) -> Iterator[Problem]:
    """A cluster's etcd outlives the loss of a member, each of them on a node of its own."""
    spec = _wanted(stack)
    if spec is None:
        return
    if spec.mode == "cluster" and spec.etcd_members == 1:
        yield Problem(
            f"{_HERE}.etcd.members",
            "a cluster stops with the node of its only member",
            "write 3 or 5, or remove it",
        )
    nodes = _nodes(stack, spec)
    count = sum(each.count for each in nodes)
    if nodes and spec.etcd_members > count:
        yield Problem(
            f"{_HERE}.etcd.members",
            f"{spec.etcd_members} members are each on a node of their own, and the pools have {count} at most",
            f"write fewer, or a larger {size_setting(stack, nodes[-1].pool)}",
        )


def copies_are_on_nodes_of_their_own(stack: Stack) -> Iterator[Problem]:
    """Each copy of the vectors needs a query node at least."""
    spec = _wanted(stack)
    if spec is None or spec.mode != "cluster":
        return
    nodes = plan_milvus(spec).parts["queryNode"].replicas
    if spec.copies > nodes:
        yield Problem(
            f"{_HERE}.copies",
            f"{spec.copies} copies need as many query nodes, and there are {nodes}",
            f"write {spec.copies} or more query_nodes, or fewer copies",
        )


def a_standalone_has_one_server(stack: Stack) -> Iterator[Problem]:
    """Settings of a cluster are without effect for one server."""
    spec = _wanted(stack)
    if spec is None or spec.mode == "cluster":
        return
    for name in _ONLY_OF_A_CLUSTER:
        if getattr(spec, name) != Milvus.model_fields[name].default:
            yield Problem(f"{_HERE}.{name}", "a standalone is one server", "remove it, or set mode to 'cluster'")


def certificates_are_kept(stack: Stack) -> Iterator[Problem]:
    """Its certificates come from cert-manager."""
    spec = _wanted(stack)
    if spec and spec.tls and not stack.addons.cert_manager.enabled:
        yield Problem(
            f"{_HERE}.tls",
            "without addons.cert_manager there is no certificate",
            "set addons.cert_manager.enabled to true, or this to false",
        )


def zones_leave_a_quorum(stack: Stack) -> Iterator[Problem]:
    """A warning: with fewer than three zones, the loss of one may take the majority of etcd."""
    spec = _wanted(stack)
    if spec is None or spec.mode != "cluster":
        return
    reached = {zone for nodes in _nodes(stack, spec) for zone in zones(stack, stack.pools[nodes.pool])}
    if len(reached) in (1, 2):
        yield Problem(
            f"{_HERE}.etcd",
            f"its members are in {len(reached)} zone{'s' if len(reached) > 1 else ''}, and most go with one of them",
            "use three zones, or accept that Milvus may stop with a zone",
        )


def nodes_are_not_taken_back(stack: Stack) -> Iterator[Problem]:
    """A warning: the operator gives each pod thirty days to stop, and a cloud that takes a machine back minutes.

    Source: milvus-operator v1.3.8, pkg/controllers/deployment_updater.go, `oneMonthSeconds`.
    """
    spec = _wanted(stack)
    if spec is None:
        return
    for nodes in _nodes(stack, spec):
        if stack.pools[nodes.pool].capacity != "on_demand":
            yield Problem(
                f"{_HERE}.pool",
                f"pool '{nodes.pool}' has spot machines, which are taken back before Milvus' pods have stopped",
                "use a pool on demand",
            )


PROBLEMS = whole(
    pool_exists,
    memory_holds_the_vectors,
    one_server_has_its_least_memory,
    objects_never_expire,
    pods_fit_their_nodes,
    etcd_has_a_quorum,
    copies_are_on_nodes_of_their_own,
    a_standalone_has_one_server,
    certificates_are_kept,
)
WARNINGS = whole(zones_leave_a_quorum, nodes_are_not_taken_back)
