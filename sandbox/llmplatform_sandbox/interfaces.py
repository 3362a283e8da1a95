"""Interfaces between the parts of the sandbox: each part depends on these, never on another part's internals."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True, kw_only=True)
class KubeAccess:
    """Access to the sandbox's API server as administrator."""

    server: str
    """https URL on loopback."""
    ca_pem: str
    kubeconfig: Path
    """Client-certificate kubeconfig, mode 0600."""


@dataclass(frozen=True, kw_only=True)
class Taint:
    """A node taint."""

    key: str
    value: str
    effect: str
    """Kubernetes spelling: NoSchedule, PreferNoSchedule, NoExecute."""


@dataclass(frozen=True, kw_only=True)
class NodeCondition:
    """A condition of a node, beside Ready."""

    type: str
    healthy: bool
    reason: str
    message: str


@dataclass(frozen=True, kw_only=True)
class NodeTemplate:
    """What a new node of a node group would look like to the scheduler."""

    labels: Mapping[str, str]
    taints: Sequence[Taint]
    resources: Mapping[str, str]
    """Allocatable quantities by resource name (cpu, memory, ephemeral-storage, pods, nvidia.com/gpu …)."""


@dataclass(frozen=True, kw_only=True)
class NodeGroup:
    """A pool of the cloud as an autoscaler sees it (an Auto Scaling group, an ACK node pool)."""

    id: str
    minimum: int
    maximum: int
    target: int
    zones: Sequence[str]
    name: str
    """Of the pool, in the stack's own naming."""
    autoscaled: bool
    """Whether the cloud's discovery tags offer the group to the autoscaler."""


@dataclass(frozen=True, kw_only=True)
class Instance:
    """A machine that the cloud runs for a node group."""

    id: str
    group: str
    zone: str
    image: str
    """Image type, which decides the node's own software, e.g. AL2023_x86_64_NVIDIA."""
    template: NodeTemplate
    """The node after it has joined."""
    gpus: int = 0
    """GPUs of the hardware; offered to Kubernetes only if exactly one device plugin owns them."""
    node: str = ""
    """Name of its node."""
    kubelet: str = ""
    """Version of its kubelet."""
    provider_id: str = ""
    """Provider id, in the spelling of the cloud's controller manager."""
    address: str = ""
    """Its private address, in its subnet."""
    dead: str = ""
    """Why its kubelet does not start, so that no node registers; empty if it does."""
    conditions: tuple[NodeCondition, ...] = ()
    """Conditions that a monitor reports for it."""


@dataclass(frozen=True, kw_only=True)
class ManagedAutoscaler:
    """The settings of an autoscaler that the cloud itself runs for the cluster."""

    expanders: Sequence[str]
    """Expanders in cluster-autoscaler's naming; the first decides first."""
    priorities: Mapping[int, Sequence[str]]
    """For the expander `priority`: number → node groups, the highest first."""
    scale_down: bool
    from_zero: bool
    """Whether it acts while the cluster has no ready node at all."""


class Unavailable(Exception):
    """The cloud has no capacity for a request (a stock-out, a quota). The message says what and where."""


@dataclass(frozen=True, kw_only=True)
class CloudObject:
    """One object of the simulated account."""

    type: str
    id: str
    made_by: str
    """URN of the resource, or the controller that made it, e.g. `kubernetes/ebs.csi.aws.com default/data`."""
    detail: Mapping[str, Any] = field(default_factory=dict[str, Any])
    inputs: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Its inputs, as a state would keep them."""


class Cloud(Protocol):
    """A simulated account. All methods are thread-safe and crash-safe."""

    name: str
    """Pulumi package: aws, alicloud."""

    def objects(self) -> Sequence[CloudObject]:
        """Everything that exists in the account."""
        ...

    def kept(self) -> Sequence[str]:
        """Deleted objects that the cloud keeps by design (a key during its waiting period), a sentence each."""
        ...

    def add_object(self, type_: str, made_by: str, detail: Mapping[str, Any]) -> str:
        """Create an object for a controller in the cluster (a disk, a load balancer, an interface). Returns its id."""
        ...

    def remove_object(self, id_: str, made_by: str = "") -> None:
        """Remove a controller's object; with `made_by`, every object with that id of that controller."""
        ...

    def node_groups(self) -> Sequence[NodeGroup]:
        """The pools, with bounds and targets."""
        ...

    def template(self, group: str) -> NodeTemplate | None:
        """What an autoscaler knows of an empty group's next node, from tags and the cloud's API. None: nothing."""
        ...

    def resize(self, group: str, size: int) -> None:
        """Request a new target size. Raises `Unavailable` if the cloud cannot fulfil it; the old size then stays."""
        ...

    def terminate(self, instance: str) -> None:
        """Remove one instance and shrink its group's target by one."""
        ...

    def instances(self) -> Sequence[Instance]:
        """The running machines."""
        ...

    def installed(self) -> Iterable[str]:
        """Names of the managed add-ons that run in the cluster (aws-ebs-csi-driver, coredns …)."""
        ...

    def networked(self) -> bool:
        """Whether the add-ons that nodes need to become ready are installed."""
        ...

    def unpullable(self, image: str, pod: Mapping[str, Any], account: Mapping[str, Any] | None) -> str:
        """Why a node may not pull an image for a pod with its service account; empty if it may."""
        ...

    def owns(self, provider_id: str) -> bool:
        """Whether a node's provider id is one of this cloud."""
        ...

    def autoscaler(self) -> ManagedAutoscaler | None:
        """The cloud's own autoscaler; None if the cluster needs its own."""
        ...

    def fault(self, kind: str, target: str, *, active: bool) -> None:
        """Turn a fault on or off: `spot-stockout` of an instance type. ValueError: unknown kind or target."""
        ...

    def faults(self) -> Sequence[tuple[str, str]]:
        """(kind, target) of every active fault."""
        ...

    def remarks(self) -> Sequence[str]:
        """Inputs that the cloud silently accepted and treated differently, a line each."""
        ...

    def shortages(self) -> Mapping[str, str]:
        """Node group → the latest reason for a missing machine, in one line; empty without a fault."""
        ...


@dataclass(frozen=True, kw_only=True)
class Release:
    """A Helm release as recorded in the cluster, in Helm's own storage Secret."""

    name: str
    namespace: str
    chart: str
    version: str
    values: Mapping[str, Any]
