"""Node pools: which machines, how many, and how they are paid for."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from llmplatform.specs.section import Section
from llmplatform.specs.taints import Taint
from llmplatform.specs.vocabulary.alicloud import AlicloudZone, DriverVersion, EcsImageId, EcsKeyPair, NodeScript
from llmplatform.specs.vocabulary.aws import AwsZone, NodeRelease
from llmplatform.specs.vocabulary.names import InstanceTypeName, LabelKey, LabelValue

MOST_NODES = 5000
"""Kubernetes is made for no more in a cluster (kubernetes.io, considerations for large clusters)."""

ENGINE_IMAGE_GIB = 30
"""What an engine's image unpacks to, at most."""
GPU_DISK_GIB = 200
"""Disk of a node with GPUs: twice an engine's image while it is pulled, and weights on top."""

Capacity = Literal["on_demand", "spot", "spot_first"]
Price = Annotated[float, Field(ge=0.001, le=10_000)]


class _Pool(Section):
    """What pools have in common on all clouds."""

    instance_types: Annotated[tuple[InstanceTypeName, ...], Field(min_length=1, max_length=20)]
    """Tried together; all have the same GPUs, vCPUs and memory, because the autoscaler plans with one shape per
    pool."""
    capacity: Capacity = "on_demand"
    """`spot_first` makes a spot group and an on-demand group that pods cannot tell apart; the autoscaler fills the
    spot group while the cloud has spot machines."""
    min: Annotated[int, Field(ge=0, le=MOST_NODES)] = 0
    """Nodes that stay. GPU pools usually start from 0."""
    max: Annotated[int, Field(ge=1, le=MOST_NODES)]
    """Upper bound of nodes, of each group where there are two; the bound of the cost, too."""
    disk_gib: Annotated[int, Field(ge=20, le=16384)] = GPU_DISK_GIB
    """Size of the encrypted root volume in GiB. An engine's image takes 25 to 30 GiB unpacked; GPU pools need 200
    or more. On AWS, machines with local disks keep images and pods there, and their root volume has 60 at most."""
    labels: Annotated[dict[LabelKey, LabelValue], Field(max_length=40)] = Field(default_factory=dict)
    """Node labels beside ours."""
    taints: Annotated[tuple[Taint, ...], Field(max_length=10)] = ()
    """Taints of its nodes, beside the one of nodes with GPUs (`nvidia.com/gpu`), whose value can be chosen here. Models
    run there that write `tolerations`, and what the platform runs on every node."""
    existing: bool = False
    """The pool is another stack's or another tool's, in an existing cluster: models may use it, and nothing is made for
    it."""
    node_selector: Annotated[dict[LabelKey, LabelValue], Field(max_length=10)] = Field(default_factory=dict)
    """Labels of the nodes of an `existing` pool that another tool makes, e.g. `karpenter.sh/nodepool: gpu`. Empty: the
    label that our pools have."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min > self.max:
            raise ValueError(f"min ({self.min}) is above max ({self.max}); raise max or lower min")
        return self

    @property
    def dedicated(self) -> bool:
        """Whether its own taints keep away what does not ask for it."""
        return any(taint.keeps_away for taint in self.taints)


class AwsPool(_Pool):
    """Machines of one shape. Whether it is a GPU pool follows from the instance types."""

    image: Literal["al2023", "bottlerocket"] = "al2023"
    """Operating system of the nodes."""
    image_release: NodeRelease | None = None
    """Release of the node image, as `aws ssm` or the release notes of the image name it, for the cluster's minor.
    Empty: the one that this release is tested with. A change rolls through the nodes, one at a time."""
    zones: Annotated[tuple[AwsZone, ...], Field(max_length=6)] = ()
    """Zones to use, of the environment's; a change replaces groups. Empty: all that have the machines. A group over
    several zones then keeps those that it was made with, whatever zones the environment gets."""
    spread: Literal["per_zone", "across_zones"] | None = None
    """`per_zone` makes a group for each zone, each of up to `max` nodes, so that the autoscaler can add a node where a
    pod's disk lies; `across_zones` makes one, which takes machines wherever there are some. Empty: `per_zone` without
    GPUs, `across_zones` with them."""

    def per_zone(self, *, gpus: bool) -> bool:
        """Whether each zone has a group of its own; `gpus`: whether the machines have any."""
        return (self.spread or ("across_zones" if gpus else "per_zone")) == "per_zone"


class AlicloudPool(_Pool):
    """Machines of one shape. Whether it is a GPU pool follows from the instance types."""

    image: Literal["alinux3_container", "alinux4_container", "alinux3"] = "alinux3_container"
    """Operating system of the nodes: Alibaba Cloud Linux 3 or 4 in its edition for containers alone, or Alibaba Cloud
    Linux 3 as it is, whose cgroup v1 Kubernetes takes up to 1.34."""
    image_id: EcsImageId | None = None
    """Exact system image of the nodes. Empty: the newest of the operating system when a node joins. A change is for
    nodes that join from then on; `renew` brings it to those that are there."""
    scaling: Literal["auto", "fixed"] = "auto"
    """`fixed` keeps the `min` nodes, which equal `max`, and replaces those that are lost in their zone; `auto` lets the
    autoscaler add and remove nodes. ACK keeps its own pods (DNS, metrics) off nodes of `auto`: one pool without GPUs is
    `fixed`. A pool without GPUs is a group for each zone. Decide it before the pool is made."""
    renew: bool = False
    """Exchanges the system disks of the nodes that are there for those of `image_id`, one at a time, each drained
    first; the machines stay. Take it out once it is done: for as long as it stands here, every change of the pool does
    so again."""
    zones: Annotated[tuple[AlicloudZone, ...], Field(max_length=6)] = ()
    """Zones to use, of the environment's. Empty: all of them that have the machines."""
    disk_gib: Annotated[int, Field(ge=40, le=2048)] = GPU_DISK_GIB
    """Size of the encrypted system disk in GiB. An engine's image takes 25 to 30 GiB unpacked; GPU pools need 200
    or more."""
    key_pair: EcsKeyPair | None = None
    """Key pair of ECS by which operators log in to the nodes by SSH. Empty: nobody can, and commands reach a node by
    Cloud Assistant alone (`ecs:RunCommand`). It exists before the pool; a change is for nodes that join later."""
    user_data: NodeScript | None = None
    """Script that runs on each node after it has joined. Whoever gets onto a node, or reads the state, can read it: no
    secrets. A change is for nodes that join later."""
    driver: DriverVersion | None = None
    """NVIDIA driver that ACK installs on nodes with GPUs. Empty: the one that this release is tested with."""
    spot_price_limit: Price | None = None
    """Most that one spot machine may cost in an hour, in the account's currency. Empty: the market price, at most
    that of a machine on demand."""
    spot_price_limits: Annotated[dict[InstanceTypeName, Price], Field(max_length=20)] = Field(default_factory=dict)
    """Limits of single instance types, where they are not all the same."""

    def per_zone(self, *, gpus: bool) -> bool:
        """Whether each zone has a group of its own; `gpus`: whether the machines have any.

        A pod whose disk is in a zone makes no pool of several zones grow: ACK user guide, FAQ about node auto scaling.
        """
        return not gpus or self.scaling == "fixed"

    @property
    def price_limits(self) -> Mapping[str, float]:
        """Instance type to its limit, as far as there is one."""
        limits = {
            machine: self.spot_price_limits.get(machine, self.spot_price_limit) for machine in self.instance_types
        }
        return {machine: limit for machine, limit in limits.items() if limit is not None}


Pool = AwsPool | AlicloudPool
