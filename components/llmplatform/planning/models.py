"""Resources and times of a served model, from the settings and the catalog."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from llmplatform.catalog import Gpu, InstanceType
from llmplatform.planning import hydration, lora
from llmplatform.planning.ceilings import ceiling, holds_a_second_set
from llmplatform.planning.fit import draft_gib, weights_gib
from llmplatform.planning.pools import PoolPlan
from llmplatform.planning.stages import Spread, spread
from llmplatform.planning.start import MARGIN, Start, packed_gb, start
from llmplatform.specs.mirrors import Mirrors
from llmplatform.specs.models import Model
from llmplatform.specs.stack import Stack

CPU_PART = 0.7
MEMORY_PART = 0.8
"""Parts of a replica's share of its node that it requests. The rest is for DaemonSets: the platform's, and others such
as log collectors and scanners. If one of them does not fit, the model fits no node of the pool."""
CPU_PER_GPU_MILLICORES = 6000
"""Most CPUs that an engine uses by request: its API server, the scheduler, and a worker for each GPU. It may use more
if the node has more."""

PRE_STOP_SECONDS = 15
"""Time a stopping server continues to serve, until every proxy has dropped it."""
EXIT_SECONDS = 10
"""Time for the process to exit after its last request."""
INTERRUPTED_GRACE_SECONDS = 110
"""Spot notice is 120 s; allow 10 s for it to reach the pod."""
ORDERLY_GRACE_SECONDS = 300
"""On other machines: it waits for answers of up to about four and a half minutes."""

EVICTABLE = "cluster-autoscaler.kubernetes.io/safe-to-evict"
"""Annotation of pods: whether the autoscaler may move them to save a node."""


@dataclass(frozen=True, kw_only=True)
class Drain:
    """Shutdown of a server: `pre_stop` serves on, `shutdown` finishes requests, all within `grace` (seconds)."""

    pre_stop: int
    shutdown: int
    grace: int


@dataclass(frozen=True, kw_only=True)
class ModelPlan:
    """One model server: equal replicas, each on GPUs of one node, or of several."""

    name: str
    """The name for clients and of the objects in the cluster."""
    spec: Model
    pool: PoolPlan
    least_replicas: int
    most_replicas: int
    """Bounds of the number of replicas; alike unless it is scaled."""
    nodes: int
    """Pods of one replica. Several are a group: the first one leads, and they start, end and restart together."""
    gpus: int
    """GPUs of one pod; none in a pool without any."""
    devices: Mapping[str, int]
    """Extended resource to its number for one pod: a group's share of the nodes' fast network."""
    cpu_millicores: int
    """CPU request of one pod."""
    memory_mib: int
    """Memory request and limit of one pod, including shared memory."""
    shm_mib: int
    """Size of /dev/shm, through which the workers of one pod communicate."""
    weights_gib: float
    """Size of the published weights."""
    volume_gib: int
    """Size of the weights' volume: room for two revisions, so that one can be replaced. A shared file system grows
    beyond it."""
    start: Start
    """Expected phases of a replica's start."""
    startup_seconds: int
    """Longest time from container start to serving, once the weights are on the volume. The first pod of a group may
    wait for the nodes of the others."""
    hydration_seconds: int
    """Longest time for the download, in parallel with the stack's other models."""
    drain: Drain
    buckets: hydration.BucketPlan | None = None
    """The buckets that its weights and adapters come from. None: a hub, or a claim."""
    head: PoolPlan | None = None
    """Pool of the pod that leads its servers. None: there is none."""
    second_set: bool = False
    """Whether its pool has room for another set of its servers."""

    @property
    def patience_seconds(self) -> int:
        """Longest time from a replica's pod to its serving, on a node that has to be bought for it."""
        # If the node has its own weights, each pod downloads them before its server starts.
        weights = self.spec.weights
        download = self.hydration_seconds if weights.cache == "node" and not weights.claim else 0
        return self.start.node_seconds + download + self.startup_seconds

    @property
    def image(self) -> str:
        """Reference of the engine's image: the model's own, else the public one for its nodes."""
        return image_on(self.spec, self.pool.gpu)


def image_on(model: Model, gpu: Gpu | None) -> str:
    """Reference of a model's image for a GPU, before mirrors. None: for nodes without any."""
    release, own = model.engine_release, model.engine.own_image or ""
    return own or (release.image_for(gpu.compute_capability if gpu else None) if release else own)


def plan_model(
    name: str,
    model: Model,
    pool: PoolPlan,
    *,
    hydration_seconds: int | None = None,
    most: int | None = None,
    mirrors: Mirrors | None = None,
    buckets: hydration.BucketPlan | None = None,
    head: PoolPlan | None = None,
    second_set: bool = False,
    beside_gb: float = 0,
) -> ModelPlan:
    """The plan of one model on one pool. The settings are valid: its shape is known, and the pool has its GPUs.

    `hydration_seconds`: from `planning.hydration` for the whole stack; None: for this model alone.
    `most`, `second_set`: from `planning.ceilings`. None: the smallest number of its servers.
    `mirrors`: where its image comes from. None: the public registry.
    `buckets`: from `planning.hydration`, for a model that comes from some.
    `head`: pool of `engine.head_pool`.
    `beside_gb`: other images that a new node of the pool fetches at the same time.
    """
    weights, stored = _weights_gib(model), stored_gib(model)
    cpu, memory = _share(pool.shape, model)
    pods = spread(model, pool.shape.gpus)
    patience = hydration_seconds or hydration.seconds(stored, pool.shape.provider)
    expected = start(
        model,
        pool,
        image=image_on(model, pool.gpu),
        mirrors=mirrors or Mirrors(),
        stored_gib=stored,
        loaded_gib=loaded_gib(model),
        beside_gb=beside_gb,
    )
    return ModelPlan(
        name=name,
        spec=model,
        pool=pool,
        least_replicas=model.least_replicas,
        most_replicas=model.least_replicas if most is None else most,
        nodes=pods.nodes,
        gpus=pods.gpus if pool.gpu else 0,
        devices=_devices(pool, pods),
        cpu_millicores=cpu,
        memory_mib=memory,
        shm_mib=_shm_mib(model, pods, memory),
        weights_gib=round(weights, 2),
        volume_gib=model.weights.size_gib or _round_up(2 * stored + 10, 10),
        start=expected,
        startup_seconds=_startup_seconds(model, expected) + _gathering_seconds(model, pods, expected, patience),
        hydration_seconds=patience,
        drain=_drain(interruptible=pool.interruptible),
        buckets=buckets,
        head=head,
        second_set=second_set,
    )


def plan_models(stack: Stack, pools: tuple[PoolPlan, ...]) -> tuple[ModelPlan, ...]:
    """All models, in the order of the stack file. Every model's pool is among the pools."""
    by_name = {pool.name: pool for pool in pools}
    # Several downloads run at once, and any of them may be the last.
    patience = hydration.seconds(sum(map(_downloaded_gib, stack.models.values())), stack.cloud.provider)
    return tuple(
        plan_model(
            name,
            model,
            by_name[model.pool],
            hydration_seconds=patience,
            most=ceiling(stack, name),
            mirrors=stack.mirrors,
            buckets=hydration.buckets(model, stack.cloud),
            head=by_name[model.engine.head_pool] if model.engine.head_pool else None,
            second_set=holds_a_second_set(stack, name),
            beside_gb=_beside_gb(stack, model, by_name[model.pool]),
        )
        for name, model in stack.models.items()
    )


def _beside_gb(stack: Stack, model: Model, pool: PoolPlan) -> float:
    """Size of the other images that a new node of the model's pool fetches before they are needed."""
    if not pool.spec.prepull:
        return 0
    tenants = [each for each in stack.models.values() if each.pool == pool.name]
    sizes = {image_on(each, pool.gpu): packed_gb(each, loaded_gib(each)) for each in tenants}
    return sum(sizes.values()) - sizes[image_on(model, pool.gpu)]


def _devices(pool: PoolPlan, pods: Spread) -> Mapping[str, int]:
    """The part of a node's devices that goes with a pod's GPUs. A replica on one node needs no network."""
    if pods.nodes == 1 or not pool.shape.gpus:
        return {}
    return {name: number * pods.gpus // pool.shape.gpus for name, number in pool.spec.devices.items()}


def _downloaded_gib(model: Model) -> float:
    # A node has what all stages need: which files hold a stage is the engine's to know.
    times = {"shared": 1, "node": max(1, model.least_replicas) * model.pipeline_parallel, "image": 0}
    return 0 if model.weights.claim else stored_gib(model) * times[model.weights.cache]


def stored_gib(model: Model) -> float:
    """Size of the weights and of what is served beside them. The model's shape is known, unless its image has them."""
    shape = model.known_shape
    adapters = lora.files_gib(shape, model.lora) if shape and model.lora else 0
    return _weights_gib(model) + adapters + (draft_gib(model.engine.draft) if model.engine.draft else 0)


def loaded_gib(model: Model) -> float:
    """Size of what reaches the GPUs before a server answers. The same holds of the shape."""
    return _weights_gib(model) + (draft_gib(model.engine.draft) if model.engine.draft else 0)


def _weights_gib(model: Model) -> float:
    if model.known_shape is None and model.weights.cache != "image":
        raise KeyError(model.source)
    return weights_gib(model.known_shape) if model.known_shape else 0


def replica_memory_mib(shape: InstanceType, model: Model) -> tuple[int, int]:
    """Memory of a pod of a replica, and how much of it is /dev/shm."""
    _, memory = _share(shape, model)
    return memory, _shm_mib(model, spread(model, shape.gpus), memory)


def _share(shape: InstanceType, model: Model) -> tuple[int, int]:
    """CPU (millicores, whole hundreds) and memory (MiB, whole 256) of a pod: its GPUs' share of a node.

    Without GPUs there is no such share, and the settings have both.
    """
    gpus, wanted = spread(model, shape.gpus).gpus, model.resources
    part = gpus / max(1, shape.gpus)
    cpu = min(shape.allocatable_millicores * part * CPU_PART, CPU_PER_GPU_MILLICORES * gpus)
    memory = shape.allocatable_memory_mib * part * MEMORY_PART
    return (
        round(wanted.cpu * 1000) if wanted.cpu else int(cpu // 100 * 100),
        round(wanted.memory_gib * 1024) if wanted.memory_gib else int(memory // 256 * 256),
    )


def _shm_mib(model: Model, pods: Spread, memory_mib: int) -> int:
    """2 GiB for one GPU, 16 GiB for NCCL over several; at most a quarter of the memory, which includes it.

    What the engine keeps there comes on top.
    """
    wanted = 16 * 1024 if pods.gpus > 1 else 2 * 1024
    own = round(model.resources.shm_gib * 1024) if model.resources.shm_gib else min(wanted, memory_mib // 4)
    return own + round(model.engine.shared_memory_gib * 1024)


def _startup_seconds(model: Model, expected: Start) -> int:
    """Time to start, load and compile with a margin, in whole minutes, unless the settings have one."""
    if model.startup_minutes:
        return model.startup_minutes * 60
    return max(model.engine_facts.start.patience_seconds, _round_up(expected.own_seconds * MARGIN, 60))


def _gathering_seconds(model: Model, pods: Spread, expected: Start, hydration_seconds: int) -> int:
    """Time in which the first pod of a group waits for the nodes of the others, and for their downloads."""
    if pods.nodes == 1 or model.startup_minutes:
        return 0
    return _round_up(expected.node_seconds, 60) + (hydration_seconds if model.weights.cache == "node" else 0)


def _drain(*, interruptible: bool) -> Drain:
    grace = INTERRUPTED_GRACE_SECONDS if interruptible else ORDERLY_GRACE_SECONDS
    return Drain(pre_stop=PRE_STOP_SECONDS, shutdown=grace - PRE_STOP_SECONDS - EXIT_SECONDS, grace=grace)


def _round_up(value: float, step: int) -> int:
    return math.ceil(value / step) * step
