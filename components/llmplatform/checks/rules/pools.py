"""Rules about node pools."""

from collections.abc import Iterator, Mapping
from typing import TypeGuard

from llmplatform.catalog import InstanceType, instance_types
from llmplatform.checks.problems import Problem, listed, nearest
from llmplatform.checks.rules.placement import disk_gib, gpu_node, is_cpu, is_system, known_types
from llmplatform.specs.pools import Pool
from llmplatform.specs.stack import AwsStack, Stack

SMALLEST_GPU_DISK_GIB = 200
"""An engine's image unpacks to 25 to 30 GiB, twice that while it is pulled, and weights come on top."""

_SYSTEM = {"aws": "m7i.xlarge", "alicloud": "ecs.g7.xlarge"}
"""A machine without GPUs that is worth proposing."""

_OTHER_MAKERS = {"trn": "AWS", "inf": "AWS", "dl1": "Intel", "dl2": "Qualcomm", "g4ad": "AMD", "vt1": "AMD"}
"""Beginnings of families whose accelerators are not NVIDIA's."""
_NVIDIA = {
    "aws": "use a machine with GPUs of NVIDIA, such as 'g6e.2xlarge'",
    "alicloud": "use a machine with GPUs of NVIDIA, such as 'ecs.gn7i-c16g1.4xlarge'",
}

TOGETHER = "DNS, the autoscaler and the drivers of the volumes"
"""What runs on nodes without GPUs, and nothing works without."""


def instance_types_are_known(stack: Stack) -> Iterator[Problem]:
    """Each instance type is in the catalog."""
    names = instance_types.names(stack.cloud.provider)
    for name, pool in stack.pools.items():
        for index, wanted in enumerate(pool.instance_types):
            path = f"pools.{name}.instance_types[{index}]"
            if wanted not in names:
                yield _unknown_type(path, wanted, stack.cloud.provider)


def _unknown_type(path: str, wanted: str, provider: str) -> Problem:
    other = next((each for each in _SYSTEM if wanted in instance_types.names(each)), None)
    if other:
        alike = _most_alike(instance_types.get(other, wanted), provider)
        return Problem(path, f"'{wanted}' is a machine of {other}", f"use one of {provider}'s, such as '{alike}'")
    maker = next(
        (maker for family, maker in _OTHER_MAKERS.items() if wanted.removeprefix("ecs.").startswith(family)), None
    )
    if maker:
        return Problem(path, f"'{wanted}' has accelerators of {maker}, which no engine here runs on", _NVIDIA[provider])
    names = instance_types.names(provider)
    # The sizes of two families have the same names: a slip in one is to be told from another family.
    family = nearest(wanted.rpartition(".")[0], {name.rpartition(".")[0] for name in names})
    near = nearest(wanted, [name for name in names if name.rpartition(".")[0] == family])
    remedy = (
        f"did you mean '{near}'?" if near else f"use one of the catalog's {len(names)}, such as '{_SYSTEM[provider]}'"
    )
    return Problem(path, f"instance type '{wanted}' is not known", remedy)


def _most_alike(machine: InstanceType, provider: str) -> str:
    def distance(name: str) -> tuple[int, float, int, str]:
        other = instance_types.get(provider, name)
        memory = abs((other.gpu.memory_gib if other.gpu else 0) - (machine.gpu.memory_gib if machine.gpu else 0))
        return abs(other.gpus - machine.gpus), memory, abs(other.vcpus - machine.vcpus), name

    return min(
        (name for name in instance_types.names(provider) if not instance_types.get(provider, name).unusable),
        key=distance,
    )


def instance_types_share_a_shape(stack: Stack) -> Iterator[Problem]:
    """All machines of a pool look the same to the autoscaler, which plans with the first."""
    for name, pool in stack.pools.items():
        known = known_types(stack, pool)
        for other in known[1:]:
            if other.shape != known[0].shape:
                yield Problem(
                    f"pools.{name}.instance_types[{pool.instance_types.index(other.name)}]",
                    f"'{other.name}' ({_described(other)}) has another shape than '{known[0].name}' "
                    f"({_described(known[0])}), "
                    "with which the autoscaler plans",
                    f"make a pool of its own for it{_alternatives(known[0])}",
                )


def _alternatives(machine: InstanceType) -> str:
    every = (instance_types.get(machine.provider, name) for name in instance_types.names(machine.provider))
    same = [each.name for each in every if each.shape == machine.shape and each.name != machine.name]
    return f", or use {listed(same[:3])}" if same else ""


def _described(machine: InstanceType) -> str:
    gpus = f"{machine.gpus} x {machine.gpu.name}, " if machine.gpu else ""
    return f"{gpus}{machine.vcpus} vCPU, {machine.memory_mib // 1024} GiB"


def gpus_are_usable(stack: Stack) -> Iterator[Problem]:
    """A machine with GPUs offers them to Kubernetes."""
    for name, pool in stack.pools.items():
        for machine in known_types(stack, pool):
            if machine.unusable:
                yield Problem(
                    f"pools.{name}.instance_types[{pool.instance_types.index(machine.name)}]",
                    f"'{machine.name}' {machine.unusable}",
                    "use a type with whole GPUs, such as g5.2xlarge or g6.2xlarge",
                )


def gpu_nodes_have_disks(stack: Stack) -> Iterator[Problem]:
    """A GPU node holds an engine's image."""
    for name, pool in stack.pools.items():
        of_its_own = disk_gib(stack, pool) == pool.disk_gib
        if gpu_node(stack, pool) and of_its_own and pool.disk_gib < SMALLEST_GPU_DISK_GIB and not pool.existing:
            yield Problem(
                f"pools.{name}.disk_gib",
                f"{pool.disk_gib} GiB are too few for a GPU node: an engine's image alone unpacks to 30 GiB",
                f"write {SMALLEST_GPU_DISK_GIB} or more",
            )


def existing_pools_are_in_an_existing_cluster(stack: Stack) -> Iterator[Problem]:
    """A pool of another stack is in a cluster of another stack."""
    if stack.cluster.kind == "existing":
        return
    for name, pool in stack.pools.items():
        if pool.existing:
            yield Problem(
                f"pools.{name}.existing",
                "a new cluster has no pools of another stack",
                "write false, or set cluster.kind to 'existing'",
            )


def something_runs_the_system(stack: Stack) -> Iterator[Problem]:
    """A new cluster keeps a node without GPUs: GPU nodes are tainted, spot ones go, and no autoscaler starts itself."""
    if stack.cluster.kind != "new" or any(not known_types(stack, pool) for pool in stack.pools.values()):
        return
    system = {name: pool for name, pool in stack.pools.items() if is_system(stack, pool)}
    tainted = next((name for name, pool in stack.pools.items() if is_cpu(stack, pool)), None)
    if not system and tainted:
        yield Problem(
            f"pools.{tainted}.taints",
            f"every pool without GPUs has taints: {TOGETHER} have nowhere to run",
            "add a pool without GPUs and taints, or remove them here",
        )
    elif not system:
        yield Problem(
            "pools",
            (
                "no pool without GPUs: GPU nodes are tainted, so that DNS, the autoscaler and the other "
                "add-ons have nowhere to run"
            ),
            f"add a pool such as 'system: {{instance_types: [{_SYSTEM[stack.cloud.provider]}], min: 2, max: 4}}'",
        )
    elif not any(pool.min and pool.capacity != "spot" for pool in system.values()):
        yield _unkept(system)


def _unkept(system: Mapping[str, Pool]) -> Problem:
    """Which of the pools without GPUs does not keep a node, and how it would."""
    lasting = next((name for name, pool in system.items() if pool.capacity != "spot"), None)
    if lasting is None:
        name, pool = next(iter(system.items()))
        return Problem(
            f"pools.{name}.capacity",
            f"all nodes without GPUs are spot machines: {TOGETHER} would all go at once",
            "write 'on_demand' or 'spot_first'" + ("" if pool.min else ", and 'min: 2'"),
        )
    if any(pool.min for pool in system.values()):
        fault = f"only spot machines without GPUs are kept: {TOGETHER} would all go at once"
    else:
        fault = "no pool without GPUs keeps a node, so that the autoscaler itself has nowhere to run"
    return Problem(f"pools.{lasting}.min", fault, "write 'min: 2'")


def gpu_pools_are_the_platforms(stack: Stack) -> Iterator[Problem]:
    """GPUs beside those of a platform would be outside its quota, its autoscaler's priorities and its device plugin."""
    if not stack.platform.kind == stack.cluster.kind == "existing":
        return
    for name, pool in stack.pools.items():
        if gpu_node(stack, pool) and not pool.existing:
            yield Problem(
                f"pools.{name}",
                "another stack's platform counts, fills and offers no GPUs but those of its own pools",
                "declare the pool in the platform's stack, and let 'llmplatform use-platform' write it here",
            )


def _makes_platform_and_cluster(stack: Stack) -> TypeGuard[AwsStack]:
    return isinstance(stack, AwsStack) and stack.platform.kind == stack.cluster.kind == "new"


def something_adds_nodes(stack: Stack) -> Iterator[Problem]:
    """A pool that starts from zero has an autoscaler. A cluster that exists may have one of its own."""
    if not _makes_platform_and_cluster(stack) or stack.addons.cluster_autoscaler.enabled:
        return
    for name, pool in stack.pools.items():
        if pool.min == 0 and not pool.existing:
            yield Problem(
                f"pools.{name}.min",
                "the pool starts from no node, and without cluster_autoscaler nobody adds one",
                f"write 'min: {pool.max}', or set addons.cluster_autoscaler.enabled to true",
            )


def only_one_offers_gpus(stack: Stack) -> Iterator[Problem]:
    """The operator's device plugin runs on all GPU nodes or on none: two on a node would both offer its GPUs."""
    if not isinstance(stack, AwsStack) or stack.platform.kind != "new" or not stack.addons.gpu_operator.enabled:
        return
    bare, own = (
        _without_plugin(stack),
        [name for name, pool in stack.pools.items() if gpu_node(stack, pool) and pool.image == "bottlerocket"],
    )
    if bare and own:
        yield Problem(
            f"pools.{own[0]}.image",
            f"Bottlerocket has a device plugin of its own, and pool {listed(bare, 'and')} needs the operator's, "
            "which would offer the GPUs here a second time",
            "use one image for all GPU pools",
        )


def _without_plugin(stack: AwsStack) -> list[str]:
    return [name for name, pool in stack.pools.items() if gpu_node(stack, pool) and pool.image != "bottlerocket"]


def something_offers_gpus(stack: Stack) -> Iterator[Problem]:
    """GPU nodes have a device plugin: the operator's, or Bottlerocket's; a cluster that exists may have its own."""
    if not _makes_platform_and_cluster(stack) or stack.addons.gpu_operator.enabled:
        return
    bare = _without_plugin(stack)
    if bare:
        yield Problem(
            "addons.gpu_operator.enabled",
            f"without it nothing offers the GPUs of pool {listed(bare, 'and')} to Kubernetes",
            "write true, or set the pool's image to 'bottlerocket', which has a device plugin of its own",
        )
