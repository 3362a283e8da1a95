"""Node pools as they follow from the settings: groups, labels, taints and the shape of a node."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from llmplatform.catalog import Gpu, InstanceType, instance_types, versions
from llmplatform.planning.node_groups import is_fixed, node_groups
from llmplatform.specs.cloud import Alicloud, Aws
from llmplatform.specs.pools import AlicloudPool, AwsPool, Pool
from llmplatform.specs.stack import Stack
from llmplatform.specs.taints import GPU_TAINT, Taint

GPU_RESOURCE = "nvidia.com/gpu"
"""Extended resource that NVIDIA's device plugin offers."""

POOL_LABEL = "llmplatform.dev/pool"
"""Node label with the pool's name: what pods select, equal on the spot and the on-demand group."""

DRIVER_LABEL = "ack.aliyun.com/nvidia-driver-version"
"""Node label by which ACK is told which NVIDIA driver to install. Nodes that are there already keep theirs."""

DEVICE_PLUGIN_LABEL = "nvidia.com/gpu.deploy.device-plugin"
"""Node label by which the GPU operator keeps its device plugin off a node."""

ROOT_BESIDE_LOCAL_DISKS_GIB = 60
"""Root volume of machines whose local disks hold images and pods (nodeadm, `localStorage`; Bottlerocket likewise): the
system, and logs. Assumed: three times the 20 GiB that EKS gives a node (`diskSize`, CreateNodegroup, EKS API)."""

PRIORITIES: Mapping[str, int] = {"spot": 50, "on_demand": 10}
"""Expander priorities: the higher number is filled first."""


@dataclass(frozen=True, kw_only=True)
class GroupPlan:
    """One node group of a pool: machines paid for in one way."""

    name: str
    """Stable and unique in the environment: the pool's name, with the capacity behind it where a pool has two groups,
    and the letter of the zone where it has one for each."""
    capacity: Literal["on_demand", "spot"]
    zones: tuple[str, ...]
    minimum: int
    maximum: int
    fixed: bool = False
    """Whether the group keeps its size, and no autoscaler touches it."""
    priority: int
    """Expander priority; the higher number is filled first."""
    price_limits: Mapping[str, str] = field(default_factory=dict[str, str])
    """Instance type to the most that one spot machine may cost in an hour. Empty: the market price."""


@dataclass(frozen=True, kw_only=True)
class PoolPlan:
    """One pool. Every group of it looks the same to a pod."""

    name: str
    spec: Pool
    shape: InstanceType
    """The shape that all its instance types share (vCPUs, memory, GPUs)."""
    zones: tuple[str, ...]
    labels: Mapping[str, str]
    selector: Mapping[str, str]
    """Labels by which pods find its nodes."""
    taints: tuple[Taint, ...]
    groups: tuple[GroupPlan, ...]
    """What is made; nothing for a pool of another stack."""
    driver: str | None = None
    """NVIDIA driver that the nodes are to have; None: the one within their image, or none."""

    @property
    def gpu(self) -> Gpu | None:
        """The GPU of its nodes; None for a pool without GPUs."""
        return self.shape.gpu

    @property
    def root_gib(self) -> int:
        """Size of a node's own volume. On AWS, local disks hold what would fill it: images, and the disks of pods."""
        size = self.spec.disk_gib
        return min(size, ROOT_BESIDE_LOCAL_DISKS_GIB) if _on_local_disks(self.spec, self.shape) else size

    @property
    def dedicated(self) -> bool:
        """Whether pods run on its nodes only that bear its taints."""
        return any(taint.keeps_away for taint in self.taints)

    @property
    def interruptible(self) -> bool:
        """Whether a node can be taken away at short notice."""
        return self.spec.capacity != "on_demand"


def plan_pool(name: str, pool: Pool, cloud: Aws | Alicloud) -> PoolPlan:
    """The plan of one pool. The settings are valid: the instance types exist and share one shape."""
    shape = instance_types.get(cloud.provider, pool.instance_types[0])
    driver = nvidia_driver(pool) if shape.gpu else None
    selector = pool.node_selector or {POOL_LABEL: name}
    labels = {**selector, **pool.labels, **({DRIVER_LABEL: driver} if driver else {})}
    if shape.gpu and has_device_plugin(pool):
        # A second one would offer the same GPUs again.
        labels[DEVICE_PLUGIN_LABEL] = "false"
    zones = pool_zones(pool, cloud, shape)
    return PoolPlan(
        name=name,
        spec=pool,
        shape=shape,
        zones=zones,
        labels=labels,
        selector=selector,
        taints=_taints(pool, shape),
        groups=() if pool.existing else _groups(name, pool, zones, shape),
        driver=driver,
    )


def plan_pools(stack: Stack) -> tuple[PoolPlan, ...]:
    """All pools, in the order of the stack file."""
    return tuple(plan_pool(name, pool, stack.cloud) for name, pool in stack.pools.items())


def gpu_capacity(pools: tuple[PoolPlan, ...]) -> int:
    """GPUs that the pools have when every group of them is full, those of other stacks as large as the settings say."""
    return sum(most_nodes(pool) * pool.shape.gpus for pool in pools)


def most_nodes(pool: PoolPlan) -> int:
    """Nodes that a pool has when every group of it is full."""
    return sum(group.maximum for group in _groups(pool.name, pool.spec, pool.zones, pool.shape))


def pool_zones(pool: Pool, cloud: Aws | Alicloud, shape: InstanceType) -> tuple[str, ...]:
    """Zones that a pool lies in: its own, else all that have its machines."""
    return pool.zones or cloud.zones_with(shape)


def has_device_plugin(pool: Pool) -> bool:
    """Whether the image of a pool's nodes offers their GPUs by a device plugin of its own.

    Source: Bottlerocket, variants aws-k8s-*-nvidia: `nvidia-k8s-device-plugin` runs on the host.
    """
    return isinstance(pool, AwsPool) and pool.image == "bottlerocket"


def nvidia_driver(pool: Pool) -> str | None:
    """NVIDIA driver that nodes with GPUs are to have; None: the one within their image."""
    return pool.driver or versions.ACK_DRIVER if isinstance(pool, AlicloudPool) else None


def pod_disk_gib(pool: Pool, shape: InstanceType) -> int:
    """Disk that the pods of a node share, in GiB. Local NVMe disks of AWS's machines take the root volume's place.

    Source: amazon-eks-ami, nodeadm's localStorage strategy RAID0, and Bottlerocket's ephemeral-storage, which we set.
    """
    return shape.nvme_gb * 10**9 // 2**30 if _on_local_disks(pool, shape) else pool.disk_gib


def _on_local_disks(pool: Pool, shape: InstanceType) -> bool:
    return isinstance(pool, AwsPool) and shape.nvme_gb > 0


def further_taints(pools: tuple[PoolPlan, ...]) -> tuple[Taint, ...]:
    """Taints of nodes with GPUs that are not the one which all software for such nodes bears by itself."""
    found = (taint for pool in pools if pool.gpu for taint in pool.taints)
    return tuple(dict.fromkeys(taint for taint in found if taint.keeps_away and taint.key != GPU_TAINT))


def _taints(pool: Pool, shape: InstanceType) -> tuple[Taint, ...]:
    """Those of the settings; where there are GPUs, also the one that keeps everybody else off them."""
    if shape.gpu is None or any(taint.key == GPU_TAINT for taint in pool.taints):
        return pool.taints
    return (Taint(key=GPU_TAINT, value="present"), *pool.taints)


def _price_limits(pool: Pool) -> Mapping[str, str]:
    limits = pool.price_limits if isinstance(pool, AlicloudPool) else {}
    return {machine: f"{limit:.3f}".rstrip("0").rstrip(".") for machine, limit in limits.items()}


def _groups(name: str, pool: Pool, zones: tuple[str, ...], shape: InstanceType) -> tuple[GroupPlan, ...]:
    return tuple(
        GroupPlan(
            name=group.name(name),
            capacity=group.capacity,
            zones=group.zones,
            minimum=group.minimum,
            maximum=group.maximum,
            fixed=is_fixed(pool),
            priority=PRIORITIES[group.capacity],
            price_limits=_price_limits(pool) if group.capacity == "spot" else {},
        )
        for group in node_groups(pool, zones, gpus=shape.gpu is not None)
    )
