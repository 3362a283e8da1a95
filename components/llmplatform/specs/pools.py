"""Node pools: machines, bounds and capacity type."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from llmplatform.specs.section import Section
from llmplatform.specs.taints import Taint
from llmplatform.specs.vocabulary.alicloud import AlicloudZone, DriverVersion, EcsImageId, EcsKeyPair, NodeScript
from llmplatform.specs.vocabulary.aws import AwsZone, NodeRelease
from llmplatform.specs.vocabulary.names import InstanceTypeName, LabelKey, LabelValue

MOST_NODES = 5000
"""Kubernetes supports no more in a cluster (kubernetes.io, considerations for large clusters)."""

ENGINE_IMAGE_GIB = 30
"""Largest unpacked size of an engine's image."""
GPU_DISK_GIB = 200
"""Disk of a node with GPUs: room for two engine images during a pull, and weights."""

Capacity = Literal["on_demand", "spot", "spot_first"]
Price = Annotated[float, Field(ge=0.001, le=10_000)]


class _Pool(Section):
    """Settings of pools on all clouds."""

    instance_types: Annotated[tuple[InstanceTypeName, ...], Field(min_length=1, max_length=20)]
    """Tried in order. All must have the same GPUs, vCPUs and memory, because the autoscaler plans with one shape for
    each pool."""
    capacity: Capacity = "on_demand"
    """`spot_first` makes a spot group and an on-demand group with equal labels and taints. The autoscaler fills the
    spot group while the cloud has spot machines."""
    min: Annotated[int, Field(ge=0, le=MOST_NODES)] = 0
    """Smallest number of nodes. GPU pools usually start from 0."""
    max: Annotated[int, Field(ge=1, le=MOST_NODES)]
    """Largest number of nodes, of each group if there are two. It also bounds the cost."""
    warm: Annotated[int, Field(ge=0, le=100)] = 0
    """Nodes with GPUs that are kept ready for models, beyond those in use and up to `max`. A model that needs one
    starts at once, and another is bought. They cost as much as others."""
    prepull: bool = False
    """Fetch the images of this stack's models to each of its nodes, before a server needs them. It shortens a start on
    a node that is there, such as a `warm` one. A node that is bought for a server fetches all of them at once, so that
    with several images the start there takes longer."""
    disk_gib: Annotated[int, Field(ge=20, le=16384)] = GPU_DISK_GIB
    """Size of the encrypted root volume in GiB. An engine's image needs 25 to 30 GiB unpacked; GPU pools need 200 or
    more. On AWS, machines with local disks keep images and pods there, and their root volume has at most 60."""
    labels: Annotated[dict[LabelKey, LabelValue], Field(max_length=40)] = Field(default_factory=dict)
    """Further node labels."""
    taints: Annotated[tuple[Taint, ...], Field(max_length=10)] = ()
    """Further taints of its nodes. Nodes with GPUs always have `nvidia.com/gpu`, whose value you can choose here. A pod
    runs there if it tolerates them: models by `tolerations`, and the platform's own DaemonSets."""
    existing: bool = False
    """The pool belongs to another stack or tool, in an existing cluster. Models may use it; this stack creates nothing
    for it."""
    node_selector: Annotated[dict[LabelKey, LabelValue], Field(max_length=10)] = Field(default_factory=dict)
    """Labels of the nodes of an `existing` pool that another tool creates, e.g. `karpenter.sh/nodepool: gpu`. Empty:
    the label of our pools."""

    devices: Annotated[dict[LabelKey, Annotated[int, Field(ge=1, le=1024)]], Field(max_length=5)] = Field(
        default_factory=dict
    )
    """Devices of a fast network on each node of an `existing` pool, as its owner's device plugin offers them, e.g.
    `vpc.amazonaws.com/efa: 32` or `aliyun/erdma: 8`. Pods of replicas over several nodes ask for their share."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min > self.max:
            raise ValueError(f"min ({self.min}) is above max ({self.max}); raise max or lower min")
        return self

    @property
    def dedicated(self) -> bool:
        """Whether its own taints keep out pods without a toleration."""
        return any(taint.keeps_away for taint in self.taints)


class AwsPool(_Pool):
    """Machines of one shape. The instance types say whether it is a GPU pool."""

    image: Literal["al2023", "bottlerocket"] = "al2023"
    """Operating system of the nodes."""
    image_release: NodeRelease | None = None
    """Release of the node image for the cluster's minor, as `aws ssm` or its release notes name it. Empty: the release
    that this version is tested with. A change replaces the nodes, one at a time."""
    zones: Annotated[tuple[AwsZone, ...], Field(max_length=6)] = ()
    """Zones of the environment to use. A change replaces the groups. Empty: all that sell the machines. A group over
    several zones then keeps its zones when the environment gets another."""
    spread: Literal["per_zone", "across_zones"] | None = None
    """`per_zone` makes a group for each zone, each of up to `max` nodes, so that the autoscaler can add a node in the
    zone of a pod's disk. `across_zones` makes one, which uses machines of any zone. Empty: `per_zone` without GPUs,
    `across_zones` with GPUs."""

    def per_zone(self, *, gpus: bool) -> bool:
        """Whether each zone has its own group; `gpus`: whether the machines have GPUs."""
        return (self.spread or ("across_zones" if gpus else "per_zone")) == "per_zone"


class AlicloudPool(_Pool):
    """Machines of one shape. The instance types say whether it is a GPU pool."""

    image: Literal["alinux3_container", "alinux4_container", "alinux3"] = "alinux3_container"
    """Operating system of the nodes: the container edition of Alibaba Cloud Linux 3 or 4, or plain Alibaba Cloud Linux
    3. The last has cgroup v1, which Kubernetes accepts up to 1.34."""
    image_id: EcsImageId | None = None
    """Exact system image of the nodes. Empty: the newest of the operating system when a node joins. A change applies to
    nodes that join later; `renew` applies it to existing nodes."""
    scaling: Literal["auto", "fixed"] = "auto"
    """`fixed` keeps the `min` nodes, which equal `max`, and replaces lost ones in their zone. `auto` lets the
    autoscaler add and remove nodes. ACK keeps its own pods (DNS, metrics) off `auto` nodes, so one pool without GPUs
    must be `fixed`. A pool without GPUs has a group for each zone. Decide before you create the pool."""
    renew: bool = False
    """Replaces the system disks of existing nodes with `image_id`, one node at a time, each drained first; the machines
    stay. Remove it afterwards: while it is set, every change of the pool repeats this."""
    zones: Annotated[tuple[AlicloudZone, ...], Field(max_length=6)] = ()
    """Zones of the environment to use. Empty: all that sell the machines."""
    disk_gib: Annotated[int, Field(ge=40, le=2048)] = GPU_DISK_GIB
    """Size of the encrypted system disk in GiB. An engine's image needs 25 to 30 GiB unpacked; GPU pools need 200 or
    more."""
    key_pair: EcsKeyPair | None = None
    """ECS key pair for SSH logins of operators. Empty: no SSH, and commands reach a node only by Cloud Assistant
    (`ecs:RunCommand`). The key pair must exist. A change applies to nodes that join later."""
    user_data: NodeScript | None = None
    """Script that runs on each node after it has joined. It is readable on the node and in the state: no secrets. A
    change applies to nodes that join later."""
    driver: DriverVersion | None = None
    """NVIDIA driver that ACK installs on nodes with GPUs. Empty: the one that this release is tested with."""
    spot_price_limit: Price | None = None
    """Highest price of one spot machine for an hour, in the account's currency. Empty: the market price, at most the
    on-demand price."""
    spot_price_limits: Annotated[dict[InstanceTypeName, Price], Field(max_length=20)] = Field(default_factory=dict)
    """Limits of single instance types that differ."""

    def per_zone(self, *, gpus: bool) -> bool:
        """Whether each zone has its own group; `gpus`: whether the machines have GPUs.

        A pod whose disk is in a zone makes no pool of several zones grow: ACK user guide, FAQ about node auto scaling.
        """
        return not gpus or self.scaling == "fixed"

    @property
    def price_limits(self) -> Mapping[str, float]:
        """Instance type to its limit, where there is one."""
        limits = {
            machine: self.spot_price_limits.get(machine, self.spot_price_limit) for machine in self.instance_types
        }
        return {machine: limit for machine, limit in limits.items() if limit is not None}


Pool = AwsPool | AlicloudPool
