"""Rules about models behind Ray Serve: their operator, their heads, and what scales them."""

from collections import defaultdict
from collections.abc import Iterator

from llmplatform.checks.problems import Problem, listed
from llmplatform.checks.rules.placement import disk_gib, is_system, shape, size_setting
from llmplatform.checks.rules.rule import each_model, whole
from llmplatform.planning.ceilings import usable_nodes
from llmplatform.planning.models import CPU_PART, MEMORY_PART
from llmplatform.specs.engines import RayHead, RayServe
from llmplatform.specs.models import Model
from llmplatform.specs.platform import ExistingPlatform
from llmplatform.specs.pools import ENGINE_IMAGE_GIB
from llmplatform.specs.scaling import RayScaling
from llmplatform.specs.stack import Stack

_DISK_GIB = ENGINE_IMAGE_GIB + 20
"""Beside the image, those of the system's own pods."""


def _served(stack: Stack) -> Iterator[tuple[str, Model, RayHead]]:
    """Models behind Ray Serve: name, model, its head."""
    for name, model in stack.models.items():
        if isinstance(model.engine, RayServe):
            yield name, model, model.engine.head


def ray_has_its_operator(stack: Stack) -> Iterator[Problem]:
    """Something makes pods of a RayService."""
    platform = stack.platform
    if isinstance(platform, ExistingPlatform):
        there, fault = platform.kuberay_namespace is not None, "the platform says of none"
        remedy = "set platform.kuberay_namespace where KubeRay watches the models' namespace"
    else:
        there, fault = stack.addons.kuberay.enabled, "addons.kuberay is off"
        remedy = "set addons.kuberay.enabled to true"
    for name, _, _ in _served(stack):
        if not there:
            yield Problem(f"models.{name}.engine.kind", f"it needs KubeRay, and {fault}", remedy)


def ray_scales_what_it_serves(stack: Stack) -> Iterator[Problem]:
    """Ray Serve counts its own requests, and nothing else changes the size of its cluster."""
    for name, model in stack.models.items():
        if model.scaling is None:
            continue
        by_ray, of_ray = isinstance(model.scaling, RayScaling), isinstance(model.engine, RayServe)
        path = f"models.{name}.scaling.kind"
        if of_ray and not by_ray:
            yield Problem(
                path, f"'{model.scaling.kind}' scales a Deployment, and Ray Serve has none", "write kind 'ray'"
            )
        elif by_ray and not of_ray:
            yield Problem(path, f"{model.engine_facts.name} has no Ray to scale it", "write kind 'keda' or 'hpa'")


def heads_have_a_pool(stack: Stack) -> Iterator[Problem]:
    """A head runs where no GPU stands idle beside it, and where the cloud does not take its machine."""
    for name, _, head in _served(stack):
        path, pool = f"models.{name}.engine.head.pool", stack.pools.get(head.pool)
        fit = [each for each, one in stack.pools.items() if is_system(stack, one) and one.capacity == "on_demand"]
        remedy = f"use {listed(fit)}" if fit else "add a pool without GPUs and taints"
        if pool is None:
            yield Problem(path, f"there is no pool '{head.pool}'", remedy)
        elif not is_system(stack, pool):
            yield Problem(path, f"pool '{head.pool}' is not for it: it has GPUs, or a taint", remedy)
        elif pool.capacity != "on_demand":
            fault = f"the cloud may take the machines of pool '{head.pool}', and the model with them"
            yield Problem(path, fault, remedy)
        elif disk_gib(stack, pool) < _DISK_GIB:
            yield Problem(
                f"pools.{head.pool}.disk_gib",
                f"{disk_gib(stack, pool)} GiB are too few for the head of model '{name}': its image alone unpacks to "
                f"{ENGINE_IMAGE_GIB} GiB",
                f"write {_DISK_GIB} or more",
            )


def nodes_hold_the_heads(stack: Stack) -> Iterator[Problem]:
    """A node has room for a head, and the pool for all of them."""
    heads: defaultdict[str, list[RayHead]] = defaultdict(list)
    for name, _, head in _served(stack):
        pool = stack.pools.get(head.pool)
        machine = shape(stack, pool) if pool else None
        if pool is None or machine is None or not is_system(stack, pool):
            continue
        most = {
            "cpu": machine.allocatable_millicores * CPU_PART // 100 / 10,
            "memory_gib": int(machine.allocatable_memory_mib * MEMORY_PART / 1024),
        }
        beyond = [key for key, value in most.items() if getattr(head, key) > value]
        for key in beyond:
            yield Problem(
                f"models.{name}.engine.head.{key}",
                f"{getattr(head, key):g} are more than a node of pool '{head.pool}' has beside its DaemonSets",
                f"write {most[key]:g} or less, or use a pool of larger machines",
            )
        if not beyond:
            heads[head.pool].append(head)
    for name, of_pool in heads.items():
        pool = stack.pools[name]
        machine = shape(stack, pool)
        if machine is None:
            continue
        nodes = usable_nodes(stack, pool, machine)
        cpu, memory = sum(each.cpu for each in of_pool), sum(each.memory_gib for each in of_pool)
        has_cpu = nodes * machine.allocatable_millicores * CPU_PART / 1000
        has_memory = nodes * machine.allocatable_memory_mib * MEMORY_PART / 1024
        if cpu > has_cpu or memory > has_memory:
            yield Problem(
                size_setting(stack, name),
                f"the heads of its models need {cpu:g} CPUs and {memory:g} GiB together, and its {nodes} nodes have "
                f"{has_cpu:.1f} and {has_memory:.1f} beside their DaemonSets",
                "write more, or smaller heads",
            )


PROBLEMS = (
    *each_model(ray_has_its_operator, ray_scales_what_it_serves, heads_have_a_pool),
    *whole(nodes_hold_the_heads),
)
