"""Rules about replicas of several stages: their nodes, engine, controller, zone and names."""

import re
from collections import Counter
from collections.abc import Iterator
from math import gcd

from llmplatform.catalog import engines
from llmplatform.checks.problems import Problem, listed
from llmplatform.checks.rules.placement import placed, published, zones
from llmplatform.checks.rules.rule import each_model, each_pool, whole
from llmplatform.planning.ceilings import ceiling
from llmplatform.planning.fit import legal_tensor_parallel
from llmplatform.planning.pools import GPU_RESOURCE, POOL_LABEL
from llmplatform.planning.stages import spread
from llmplatform.specs.models import Model
from llmplatform.specs.platform import ExistingPlatform
from llmplatform.specs.pools import Pool
from llmplatform.specs.stack import Stack

_NODE, _ZONE, _REGION = "kubernetes.io/hostname", "topology.kubernetes.io/zone", "topology.kubernetes.io/region"


def _grouped(stack: Stack) -> Iterator[tuple[str, Model]]:
    """Models whose replicas are on several nodes."""
    for name, model, node in placed(stack):
        if spread(model, node.shape.gpus).nodes > 1:
            yield name, model


def stages_need_several_nodes(stack: Stack) -> Iterator[Problem]:
    """GPUs of one node share every layer, unless the model cannot be spread so."""
    for name, model, node in placed(stack):
        shape, whole_experts = model.known_shape, model.has_whole_experts
        stages, ranks = model.pipeline_parallel > 1, model.data_parallel > 1
        if not stages or ranks or spread(model, node.shape.gpus).nodes > 1:
            continue
        if shape is None or legal_tensor_parallel(shape, model.gpus, whole_experts=whole_experts):
            yield Problem(
                f"models.{name}.pipeline_parallel",
                f"a node of pool '{model.pool}' has all {model.gpus} GPUs, and stages there wait for one another",
                f"remove it, and write tensor_parallel: {model.gpus}",
            )


def engine_has_stages(stack: Stack) -> Iterator[Problem]:
    """The release of the engine can be started as a part of a group."""
    for name, model in stack.models.items():
        release = model.engine_release
        if model.pipeline_parallel == 1 or (release and release.stages):
            continue
        facts = model.engine_facts
        able = [each.version for each in facts.releases if each.stages]
        yield Problem(
            f"models.{name}.pipeline_parallel",
            f"{facts.name}{f' {release.version}' if release else ''} spreads no replica over nodes",
            f"remove it, or use {listed(able or engines.having(lambda each: each.stages))}",
        )


def groups_have_a_controller(stack: Stack) -> Iterator[Problem]:
    """LeaderWorkerSet is there."""
    platform = stack.platform
    for name, _ in _grouped(stack):
        path = f"models.{name}.pipeline_parallel"
        if isinstance(platform, ExistingPlatform):
            if not platform.lws:
                fault = "a replica over several nodes needs LeaderWorkerSet, and the platform says of none"
                yield Problem(path, fault, "set platform.lws to true where it runs")
        elif not stack.addons.lws.enabled:
            fault = "a replica over several nodes needs LeaderWorkerSet, and addons.lws is off"
            yield Problem(path, fault, "set addons.lws.enabled to true")


def groups_are_in_one_zone(stack: Stack) -> Iterator[Problem]:
    """The nodes of a replica are in one zone: its stages exchange every token."""
    seen: set[str] = set()
    for name, model in _grouped(stack):
        found = zones(stack, stack.pools[model.pool])
        if len(found) > 1 and model.pool not in seen:
            seen.add(model.pool)
            yield Problem(
                f"pools.{model.pool}.zones",
                f"the nodes of a replica of '{name}' exchange every token, and are in {len(found)} zones",
                f"write one of {listed(found)}",
            )


def stages_are_planned(stack: Stack) -> Iterator[Problem]:
    """What is not planned for stages is not beside them."""
    for name, model in stack.models.items():
        beside = {"speculative": model.engine.draft, "kv_offloading_gib": model.engine.shared_memory_gib}
        for setting, value in beside.items():
            if model.pipeline_parallel > 1 and value:
                yield Problem(
                    f"models.{name}.engine.{setting}",
                    "its memory is not planned for replicas of several stages",
                    "remove it, or pipeline_parallel",
                )


def groups_are_ours(stack: Stack) -> Iterator[Problem]:
    """KServe makes replicas of one pod."""
    for name, model in _grouped(stack):
        if model.workload == "kserve":
            fault = "a replica over several nodes is a group of pods, and KServe makes one"
            yield Problem(f"models.{name}.workload", fault, "write 'deployment'")


def flags_are_those_of_every_pod(stack: Stack) -> Iterator[Problem]:
    """All pods of a group start with the flags of the settings."""
    grouped = dict(_grouped(stack))
    for name, _, engine, release in published(stack):
        for index, argument in enumerate(engine.extra_args):
            flag = argument.partition("=")[0]
            if name in grouped and release.stages and flag in release.stages.refused:
                yield Problem(
                    f"models.{name}.engine.extra_args[{index}]",
                    f"pods of a replica beyond the first do not start with '{flag}'",
                    "remove it",
                )


def places_are_of_groups(stack: Stack) -> Iterator[Problem]:
    """Only a replica over several nodes can have a place of its own."""
    grouped = dict(_grouped(stack))
    for name, model, _ in placed(stack):
        if model.exclusive_topology and name not in grouped:
            yield Problem(
                f"models.{name}.exclusive_topology",
                "a replica on one node has no place to share",
                "remove it, or set pipeline_parallel",
            )


def places_hold_their_groups(stack: Stack) -> Iterator[Problem]:
    """A place has room for a whole replica, and the pool has a place for each."""
    for name, model in _grouped(stack):
        key, path = model.exclusive_topology, f"models.{name}.exclusive_topology"
        most = ceiling(stack, name) + int(model.surge)
        if key == _NODE:
            yield Problem(path, "a node is a place for one pod of a replica", "name a label that several nodes share")
        elif key in _alike(stack, stack.pools[model.pool]) and most > 1:
            beside = ", one of them for 'surge'," if model.surge else ""
            yield Problem(
                path,
                f"{most} replicas{beside} need a place each, and all nodes of pool '{model.pool}' are in one",
                "name a label that differs between places, or remove it",
            )


def _alike(stack: Stack, pool: Pool) -> set[str]:
    """Labels with one value on all nodes of a pool."""
    places = {_REGION, *([_ZONE] if len(zones(stack, pool)) == 1 else [])}
    return {*places, *pool.labels, *(pool.node_selector or [POOL_LABEL])}


def devices_are_there(stack: Stack) -> Iterator[Problem]:
    """Devices of a fast network are those of nodes that another tool has set up."""
    for name, pool in stack.pools.items():
        for device in pool.devices:
            path = f"pools.{name}.devices.{device}"
            if not pool.existing:
                yield Problem(
                    path, "nodes that this stack makes get no such devices", "remove it, or use an existing pool"
                )
            elif "/" not in device:
                fault = f"'{device}' has no domain, and names of device plugins begin with one and '/'"
                yield Problem(path, fault, "write one like vpc.amazonaws.com/efa")
            elif device == GPU_RESOURCE:
                yield Problem(path, "GPUs are no devices of a network, and models ask for them already", "remove it")


def devices_are_shared_out(stack: Stack) -> Iterator[Problem]:
    """A pod's share of a node's devices is a whole number."""
    for name, model, node in placed(stack):
        gpus, pods = node.shape.gpus, spread(model, node.shape.gpus)
        for device, number in stack.pools[model.pool].devices.items():
            if pods.nodes > 1 and number * pods.gpus % gpus:
                yield Problem(
                    f"pools.{model.pool}.devices.{device}",
                    f"a pod of '{name}' has {pods.gpus} of a node's {gpus} GPUs, and {number} cannot be shared out so",
                    f"write a multiple of {gpus // gcd(gpus, pods.gpus)}, or remove it",
                )


def groups_keep_their_names(stack: Stack) -> Iterator[Problem]:
    """No model is called like the Service of another one's group, which the controller makes."""
    for name, _ in _grouped(stack):
        for other in stack.models:
            if re.fullmatch(rf"{re.escape(name)}-\d+", other):
                yield Problem(
                    f"models.{other}", f"a group of '{name}' has a Service of that name", "give it another name"
                )


def groups_get_all_their_nodes(stack: Stack) -> Iterator[Problem]:
    """A warning: groups that wait for nodes of one pool may each hold a part of them for good."""
    groups, wanted = Counter[str](), Counter[str]()
    for name, model, node in placed(stack):
        nodes = spread(model, node.shape.gpus).nodes
        if nodes > 1:
            most = ceiling(stack, name) + int(model.surge)
            groups[model.pool] += most
            wanted[model.pool] += most * nodes
    for pool, number in groups.items():
        if number > 1 and stack.pools[pool].min < wanted[pool]:
            yield Problem(
                f"pools.{pool}.min",
                f"{number} groups may wait for its nodes at once, and nothing gives one all of its nodes first: "
                "where machines are short each may hold a part",
                f"keep {wanted[pool]} nodes, or give each model a pool",
            )


PROBLEMS = (
    *each_model(stages_need_several_nodes, engine_has_stages, groups_have_a_controller),
    *each_model(stages_are_planned, groups_are_ours, flags_are_those_of_every_pod, places_are_of_groups),
    *whole(groups_are_in_one_zone, groups_keep_their_names, places_hold_their_groups, devices_are_shared_out),
    *each_pool(devices_are_there),
)
WARNINGS = whole(groups_get_all_their_nodes)
