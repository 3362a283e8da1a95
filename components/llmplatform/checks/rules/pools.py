"""Rules about node pools."""

from collections.abc import Iterator

from llmplatform.catalog import InstanceType, instance_types
from llmplatform.checks.problems import Problem, listed, nearest, suggestion
from llmplatform.checks.rules.placement import known_types
from llmplatform.checks.rules.rule import each_pool
from llmplatform.specs.stack import AlicloudStack, Stack

SYSTEM_TYPE = {"aws": "m7i.xlarge", "alicloud": "ecs.g7.xlarge"}
"""A machine without GPUs, for suggestions."""


_OTHER_MAKERS = {"trn": "AWS", "inf": "AWS", "dl1": "Intel", "dl2": "Qualcomm", "g4ad": "AMD", "vt1": "AMD"}
"""Prefixes of families whose accelerators are not NVIDIA's."""


_NVIDIA = {
    "aws": "use a machine with GPUs of NVIDIA, such as 'g6e.2xlarge'",
    "alicloud": "use a machine with GPUs of NVIDIA, such as 'ecs.gn7i-c16g1.4xlarge'",
}


def instance_types_are_known(stack: Stack) -> Iterator[Problem]:
    """Each instance type is in the catalog."""
    names = instance_types.names(stack.cloud.provider)
    for name, pool in stack.pools.items():
        for index, wanted in enumerate(pool.instance_types):
            path = f"pools.{name}.instance_types[{index}]"
            if wanted not in names:
                yield _unknown_type(path, wanted, stack.cloud.provider)


def _unknown_type(path: str, wanted: str, provider: str) -> Problem:
    other = next((each for each in SYSTEM_TYPE if wanted in instance_types.names(each)), None)
    if other:
        alike = _most_alike(instance_types.get(other, wanted), provider)
        return Problem(path, f"'{wanted}' is a machine of {other}", f"use one of {provider}'s, such as '{alike}'")
    maker = next(
        (maker for family, maker in _OTHER_MAKERS.items() if wanted.removeprefix("ecs.").startswith(family)), None
    )
    if maker:
        return Problem(path, f"'{wanted}' has accelerators of {maker}, which no engine here runs on", _NVIDIA[provider])
    names = instance_types.names(provider)
    # Two families have sizes of the same names: tell a typo in one from the other family.
    family = nearest(wanted.rpartition(".")[0], {name.rpartition(".")[0] for name in names})
    near = nearest(wanted, [name for name in names if name.rpartition(".")[0] == family])
    remedy = (
        f"did you mean '{near}'?"
        if near
        else f"use one of the catalog's {len(names)}, such as '{SYSTEM_TYPE[provider]}'"
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
    """All machines of a pool have one shape: the autoscaler plans with the first."""
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


def existing_pools_are_in_an_existing_cluster(stack: Stack) -> Iterator[Problem]:
    """An existing pool is in an existing cluster."""
    if stack.cluster.kind == "existing":
        return
    for name, pool in stack.pools.items():
        if pool.existing:
            yield Problem(
                f"pools.{name}.existing",
                "a new cluster has no pools of another stack",
                "write false, or set cluster.kind to 'existing'",
            )


def spot_prices_are_of_spot_machines(stack: Stack) -> Iterator[Problem]:
    """A limit of the spot price needs spot machines."""
    if not isinstance(stack, AlicloudStack):
        return
    for name, pool in stack.pools.items():
        if pool.capacity == "on_demand":
            for key in ("spot_price_limit", "spot_price_limits"):
                if getattr(pool, key):
                    yield Problem(
                        f"pools.{name}.{key}",
                        "the pool has no spot machines",
                        "remove it, or set capacity to 'spot' or 'spot_first'",
                    )
            continue
        for machine in pool.spot_price_limits:
            if machine not in pool.instance_types:
                yield Problem(
                    f"pools.{name}.spot_price_limits.{machine}",
                    "the pool does not buy it",
                    suggestion(machine, pool.instance_types),
                )
        limits = pool.price_limits
        for machine in pool.instance_types:
            if limits and machine not in limits:
                yield Problem(
                    f"pools.{name}.spot_price_limits",
                    f"'{machine}' has no limit, and others have one",
                    f"add '{machine}: …', or spot_price_limit for all that are not named",
                )


PROBLEMS = each_pool(
    instance_types_are_known,
    instance_types_share_a_shape,
    existing_pools_are_in_an_existing_cluster,
    spot_prices_are_of_spot_machines,
)
