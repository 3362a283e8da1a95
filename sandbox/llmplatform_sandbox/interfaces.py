"""The seams between the parts of the sandbox: each part depends on these, never on another part's insides."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True, kw_only=True)
class KubeAccess:
    """How to reach the sandbox's API server as administrator."""

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
    """What a node says of itself, beside being ready."""

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
    """Of the pool, as whoever made it called it."""
    autoscaled: bool
    """Whether the cloud's discovery tags offer the group to the autoscaler."""


@dataclass(frozen=True, kw_only=True)
class Instance:
    """A machine that the cloud runs for a node group."""

    id: str
    group: str
    zone: str
    image: str
    """Image kind that decides what the node carries by itself, e.g. AL2023_x86_64_NVIDIA."""
    template: NodeTemplate
    """What the node really is, once it has joined."""
    gpus: int = 0
    """GPUs that the hardware has; offered to Kubernetes only when exactly one device plugin owns them."""
    node: str = ""
    """Name of the node that it registers as."""
    kubelet: str = ""
    """Version of its kubelet."""
    provider_id: str = ""
    """As the cloud's controller manager spells it on the node."""
    address: str = ""
    """Its private address, of its subnet."""
    dead: str = ""
    """Why its kubelet does not start, so that no node registers; empty where it does."""
    conditions: tuple[NodeCondition, ...] = ()
    """What watches over nodes says of it."""


@dataclass(frozen=True, kw_only=True)
class ManagedAutoscaler:
    """The settings of an autoscaler that the cloud itself runs for the cluster."""

    expanders: Sequence[str]
    """As cluster-autoscaler names them, the first decides first."""
    priorities: Mapping[int, Sequence[str]]
    """For the expander `priority`: number → node groups, the highest first."""
    scale_down: bool
    from_zero: bool
    """Whether it acts while the cluster has no ready node at all."""


class Unavailable(Exception):
    """The cloud has no capacity for a request (a stock-out, a quota). The message says what and where."""


@dataclass(frozen=True, kw_only=True)
class CloudObject:
    """One object that exists in the simulated account."""

    type: str
    id: str
    made_by: str
    """URN of the resource, or the controller that made it, e.g. `kubernetes/ebs.csi.aws.com default/data`."""
    detail: Mapping[str, Any] = field(default_factory=dict[str, Any])
    inputs: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What it was asked for with, as a state would keep it."""


class Cloud(Protocol):
    """A simulated account. All methods are thread-safe and crash-safe."""

    name: str
    """Pulumi package: aws, alicloud."""

    def objects(self) -> Sequence[CloudObject]:
        """Everything that exists in the account."""
        ...

    def kept(self) -> Sequence[str]:
        """What the cloud keeps of deleted objects by design (a key that waits for its end), a sentence each."""
        ...

    def add_object(self, type_: str, made_by: str, detail: Mapping[str, Any]) -> str:
        """Make what a controller in the cluster asks for (a disk, a load balancer, an interface). Returns its id."""
        ...

    def remove_object(self, id_: str, made_by: str = "") -> None:
        """Remove what a controller asked for; with `made_by`, whatever of that id that one made."""
        ...

    def node_groups(self) -> Sequence[NodeGroup]:
        """The pools, with bounds and targets."""
        ...

    def template(self, group: str) -> NodeTemplate | None:
        """What an autoscaler can know of an empty group's next node, from tags and the cloud's API. None: nothing."""
        ...

    def resize(self, group: str, size: int) -> None:
        """Ask for a new target size. Raises `Unavailable` when the cloud cannot fulfil it; the old one then stays."""
        ...

    def terminate(self, instance: str) -> None:
        """Remove one instance and shrink its group's target by one."""
        ...

    def instances(self) -> Sequence[Instance]:
        """The machines that run."""
        ...

    def installed(self) -> Iterable[str]:
        """Names of the managed add-ons that run in the cluster (aws-ebs-csi-driver, coredns …)."""
        ...

    def networked(self) -> bool:
        """Whether the add-ons are there without which no node gets ready."""
        ...

    def unpullable(self, image: str, pod: Mapping[str, Any], account: Mapping[str, Any] | None) -> str:
        """Why a node may not pull an image for a pod with its service account; empty where it may."""
        ...

    def owns(self, provider_id: str) -> bool:
        """Whether a node's provider id is one of this cloud."""
        ...

    def autoscaler(self) -> ManagedAutoscaler | None:
        """The autoscaler that the cloud runs; None where the cluster has to bring its own."""
        ...

    def fault(self, kind: str, target: str, *, active: bool) -> None:
        """Turn a fault on or off: `spot-stockout` of an instance type. ValueError: unknown kind or target."""
        ...

    def faults(self) -> Sequence[tuple[str, str]]:
        """(kind, target) of every active fault."""
        ...

    def remarks(self) -> Sequence[str]:
        """What the cloud accepted without a word and then did otherwise, a line each."""
        ...

    def shortages(self) -> Mapping[str, str]:
        """Node group → the latest reason why the cloud did not deliver, in one line; empty when all is well."""
        ...


@dataclass(frozen=True, kw_only=True)
class Release:
    """A Helm release as recorded in the cluster, in Helm's own storage Secret."""

    name: str
    namespace: str
    chart: str
    version: str
    values: Mapping[str, Any]
