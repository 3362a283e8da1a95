"""What a served model needs of a node and of time, as it follows from the settings and the catalog."""

import math
from dataclasses import dataclass

from llmplatform.catalog import InstanceType
from llmplatform.catalog.fit import weights_gib
from llmplatform.planning.pools import PoolPlan
from llmplatform.specs.models import Model
from llmplatform.specs.stack import Stack

DAEMONS_CPU_MILLICORES = 700
"""Left on a GPU node for DaemonSets: CNI, kube-proxy, pod identity, CSI drivers, node monitoring, node exporter, device
plugin, feature discovery, DCGM exporter. An estimate from their charts' requests, with room for two more."""
DAEMONS_MEMORY_MIB = 1536
"""The same for memory."""

PRE_STOP_SECONDS = 15
"""How long a stopping server goes on as before, so that every proxy has taken it off its list."""
EXIT_SECONDS = 10
"""Time for the process to end after its last request."""
INTERRUPTED_GRACE_SECONDS = 110
"""A spot machine is taken 120 s after the notice; ten of them pass until the pod is told."""
ORDERLY_GRACE_SECONDS = 300
"""On machines that stay: the longest answer that is waited for is about four and a half minutes."""

DOWNLOAD_SECONDS_PER_GIB = 10
"""About 100 MiB/s from a public hub to a shared file system: an assumption on the careful side."""
LOAD_SECONDS_PER_GIB = 3.3
"""About 0.3 GiB/s from a shared file system to the GPU, the low end of what EFS reaches (unverified)."""
COMPILE_SECONDS = 300
"""Compilation, CUDA graphs and memory profiling at a first start, which take minutes."""
SHORTEST_STARTUP_SECONDS = 600
"""What engines wait for their workers by default."""


@dataclass(frozen=True, kw_only=True)
class Drain:
    """How a server ends: `pre_stop` as before, `shutdown` finishing what it has, all within `grace` (seconds)."""

    pre_stop: int
    shutdown: int
    grace: int


@dataclass(frozen=True, kw_only=True)
class ModelPlan:
    """One model server: a number of equal replicas, each on GPUs of one node."""

    name: str
    """What clients ask for, and the name of the objects in the cluster."""
    spec: Model
    pool: PoolPlan
    gpus: int
    """GPUs of one replica."""
    cpu_millicores: int
    """CPU request of one replica."""
    memory_mib: int
    """Memory request and limit of one replica; shared memory counts to it."""
    shm_mib: int
    """Size of /dev/shm, over which the workers of one replica talk."""
    weights_gib: float
    """Size of the published weights."""
    volume_gib: int
    """Size of the weights' volume: room for two revisions, so that one can be replaced, and for compiled kernels."""
    startup_seconds: int
    """Longest time from container start to serving."""
    drain: Drain


def plan_model(name: str, model: Model, pool: PoolPlan) -> ModelPlan:
    """The plan of one model on one pool. The settings are valid: its shape is known, and the pool has its GPUs."""
    weights = _weights_gib(model)
    cpu, memory = _share(pool.shape, model.tensor_parallel)
    return ModelPlan(
        name=name,
        spec=model,
        pool=pool,
        gpus=model.tensor_parallel,
        cpu_millicores=cpu,
        memory_mib=memory,
        shm_mib=_shm_mib(model.tensor_parallel, memory),
        weights_gib=round(weights, 2),
        volume_gib=model.weights.size_gib or _round_up(2 * weights + 10, 10),
        startup_seconds=_startup_seconds(model, weights),
        drain=_drain(interruptible=pool.interruptible),
    )


def plan_models(stack: Stack, pools: tuple[PoolPlan, ...]) -> tuple[ModelPlan, ...]:
    """All models, in the order of the stack file. Every model's pool is among the pools."""
    by_name = {pool.name: pool for pool in pools}
    return tuple(plan_model(name, model, by_name[model.pool]) for name, model in stack.models.items())


def _weights_gib(model: Model) -> float:
    if model.known_shape is None:
        raise KeyError(model.source)
    return weights_gib(model.known_shape)


def _share(shape: InstanceType, gpus: int) -> tuple[int, int]:
    """CPU (millicores, whole hundreds) and memory (MiB, whole 256) of a replica: its GPUs' part of a node."""
    part = gpus / shape.gpus
    cpu = (_allocatable_millicores(shape.vcpus) - DAEMONS_CPU_MILLICORES) * part
    memory = (shape.allocatable_memory_mib - DAEMONS_MEMORY_MIB) * part
    return int(cpu // 100 * 100), int(memory // 256 * 256)


def _allocatable_millicores(vcpus: int) -> int:
    """What the kubelet leaves of the CPUs.

    It keeps 6 % of the first core, 1 % of the second, 0.5 % of two more, 0.25 % of the rest: the scheme of
    amazon-eks-ami, which ACK's reservation does not exceed on machines with GPUs (unverified).
    """
    reserved = [60.0, 10.0, 5.0, 5.0][:vcpus]
    return math.floor(vcpus * 1000 - sum(reserved) - 2.5 * max(0, vcpus - 4))


def _shm_mib(tensor_parallel: int, memory_mib: int) -> int:
    """2 GiB for one GPU, 16 GiB for NCCL over several; never more than a quarter of the memory that it counts to."""
    wanted = 16 * 1024 if tensor_parallel > 1 else 2 * 1024
    return min(wanted, memory_mib // 4)


def _startup_seconds(model: Model, weights_gib: float) -> int:
    """Download, load and compile, in whole minutes, unless the settings say how long."""
    if model.startup_minutes:
        return model.startup_minutes * 60
    expected = COMPILE_SECONDS + weights_gib * (DOWNLOAD_SECONDS_PER_GIB + LOAD_SECONDS_PER_GIB)
    return max(SHORTEST_STARTUP_SECONDS, _round_up(expected, 60))


def _drain(*, interruptible: bool) -> Drain:
    grace = INTERRUPTED_GRACE_SECONDS if interruptible else ORDERLY_GRACE_SECONDS
    return Drain(pre_stop=PRE_STOP_SECONDS, shutdown=grace - PRE_STOP_SECONDS - EXIT_SECONDS, grace=grace)


def _round_up(value: float, step: int) -> int:
    return math.ceil(value / step) * step
