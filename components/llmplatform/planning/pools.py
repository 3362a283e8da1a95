"""Plans of node pools: groups, labels, taints and the shape of a node."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from llmplatform.catalog import Gpu, InstanceType, instance_types, versions
from llmplatform.catalog.gpus import GIB
from llmplatform.planning.node_groups import is_fixed, node_groups
from llmplatform.specs.cloud import Alicloud, Aws
from llmplatform.specs.pools import AlicloudPool, AwsPool, Pool
from llmplatform.specs.stack import Stack
from llmplatform.specs.taints import GPU_TAINT, Taint

P = TypeVar("P", bound=Pool)

GPU_RESOURCE = "nvidia.com/gpu"
"""Extended resource of NVIDIA's device plugin."""

POOL_LABEL = "llmplatform.dev/pool"
"""Node label with the pool's name, for pod selectors; equal on the spot and the on-demand group."""

DRIVER_LABEL = "ack.aliyun.com/nvidia-driver-version"
"""Node label that asks ACK for an NVIDIA driver version. Existing nodes keep theirs."""

DEVICE_PLUGIN_LABEL = "nvidia.com/gpu.deploy.device-plugin"
"""Node label that keeps the GPU operator's device plugin off a node."""

ROOT_BESIDE_LOCAL_DISKS_GIB = 60
"""Root volume of machines whose local disks hold images and pods (nodeadm, `localStorage`; Bottlerocket likewise): the
system, and logs. Assumed: three times the 20 GiB that EKS gives a node (`diskSize`, CreateNodegroup, EKS API)."""

PRIORITIES: Mapping[str, int] = {"spot": 50, "on_demand": 10}
"""Expander priorities: the autoscaler fills the higher number first."""


@dataclass(frozen=True, kw_only=True)
class GroupPlan:
    """One node group of a pool, with machines of one capacity type."""

    name: str
    """Stable and unique in the environment: the pool's name, then the capacity type if a pool has two groups, then the
    letter of the zone if each zone has a group."""
    capacity: Literal["on_demand", "spot"]
    zones: tuple[str, ...]
    minimum: int
    maximum: int
    fixed: bool = False
    """Whether the group keeps its size, outside of the autoscaler."""
    priority: int
    """Expander priority; the autoscaler fills the higher number first."""
    price_limits: Mapping[str, str] = field(default_factory=dict[str, str])
    """Instance type to the highest price of one spot machine for an hour. Empty: the market price."""


@dataclass(frozen=True, kw_only=True)
class PoolPlan:
    """One pool. All its groups look the same to a pod."""

    name: str
    spec: Pool
    shape: InstanceType
    """The shape of all its instance types (vCPUs, memory, GPUs)."""
    zones: tuple[str, ...]
    labels: Mapping[str, str]
    selector: Mapping[str, str]
    """Labels that select its nodes."""
    taints: tuple[Taint, ...]
    groups: tuple[GroupPlan, ...]
    """Groups to create; none for a pool of another stack."""
    driver: str | None = None
    """NVIDIA driver to install; None: the driver in the node image, or none."""

    @property
    def gpu(self) -> Gpu | None:
        """The GPU of its nodes; None without GPUs."""
        return self.shape.gpu

    @property
    def root_gib(self) -> int:
        """Size of a node's root volume. On AWS, local disks hold images and the pods' disks instead."""
        size = self.spec.disk_gib
        return min(size, ROOT_BESIDE_LOCAL_DISKS_GIB) if _on_local_disks(self.spec, self.shape) else size

    @property
    def placeholder(self) -> str:
        """Name of the Deployment that keeps its warm nodes."""
        return f"placeholder-{self.name}"

    @property
    def dedicated(self) -> bool:
        """Whether only pods that tolerate its taints run on its nodes."""
        return any(taint.keeps_away for taint in self.taints)

    @property
    def interruptible(self) -> bool:
        """Whether the cloud may reclaim a node at short notice."""
        return self.spec.capacity != "on_demand"


def plan_pool(name: str, pool: Pool, cloud: Aws | Alicloud) -> PoolPlan:
    """The plan of one pool. The settings are valid: the instance types exist and share one shape."""
    shape = instance_types.get(cloud.provider, pool.instance_types[0])
    driver = nvidia_driver(pool) if shape.gpu else None
    selector = pool.node_selector or {POOL_LABEL: name}
    labels = {**selector, **pool.labels, **({DRIVER_LABEL: driver} if driver else {})}
    if shape.gpu and has_device_plugin(pool):
        # A second device plugin would offer the same GPUs again.
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


def existing_pools(pools: Mapping[str, P]) -> dict[str, P]:
    """Pools as another stack, which uses them, writes them down."""
    return {
        name: pool.model_copy(update={"existing": True, "warm": 0, "prepull": False}) for name, pool in pools.items()
    }


def gpu_capacity(pools: tuple[PoolPlan, ...]) -> int:
    """GPUs of the pools if every group is full. Pools of other stacks count with the size in the settings."""
    return sum(most_nodes(pool) * pool.shape.gpus for pool in pools)


def gpu_quota(pools: tuple[PoolPlan, ...]) -> int:
    """GPUs that pods may ask for: those of the pools, and those of placeholders, which wait while models have all."""
    return gpu_capacity(pools) + sum(pool.spec.warm * pool.shape.gpus for pool in pools)


def most_nodes(pool: PoolPlan) -> int:
    """Nodes of a pool if every group is full."""
    return sum(group.maximum for group in _groups(pool.name, pool.spec, pool.zones, pool.shape))


def pool_zones(pool: Pool, cloud: Aws | Alicloud, shape: InstanceType) -> tuple[str, ...]:
    """Zones of a pool: its own, else all that sell its machines."""
    return pool.zones or cloud.zones_with(shape)


def has_device_plugin(pool: Pool) -> bool:
    """Whether the pool's node image includes a device plugin.

    Source: Bottlerocket, variants aws-k8s-*-nvidia: `nvidia-k8s-device-plugin` runs on the host.
    """
    return isinstance(pool, AwsPool) and pool.image == "bottlerocket"


def nvidia_driver(pool: Pool) -> str | None:
    """NVIDIA driver to install on nodes with GPUs; None: the driver in their image."""
    return pool.driver or versions.ACK_DRIVER if isinstance(pool, AlicloudPool) else None


def pod_disk_gib(pool: Pool, shape: InstanceType) -> int:
    """Disk that the pods of a node share, in GiB. Local NVMe disks of AWS's machines replace the root volume.

    Source: amazon-eks-ami, nodeadm's localStorage strategy RAID0, and Bottlerocket's ephemeral-storage, which we set.
    """
    return shape.nvme_gb * 10**9 // GIB if _on_local_disks(pool, shape) else pool.disk_gib


def _on_local_disks(pool: Pool, shape: InstanceType) -> bool:
    return isinstance(pool, AwsPool) and shape.nvme_gb > 0


def placed(pool: PoolPlan | None) -> dict[str, Any]:
    """Fields of a pod that runs on a pool, or on any node without taints."""
    if pool is None:
        return {}
    tolerations = [taint.toleration for taint in pool.taints]
    return {"nodeSelector": dict(pool.selector), **({"tolerations": tolerations} if tolerations else {})}


def further_taints(pools: tuple[PoolPlan, ...]) -> tuple[Taint, ...]:
    """Taints of nodes with GPUs beside the one that all software for such nodes tolerates."""
    found = (taint for pool in pools if pool.gpu for taint in pool.taints)
    return tuple(dict.fromkeys(taint for taint in found if taint.keeps_away and taint.key != GPU_TAINT))


def _taints(pool: Pool, shape: InstanceType) -> tuple[Taint, ...]:
    """The taints of the settings; with GPUs, also the one that keeps other pods out."""
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
