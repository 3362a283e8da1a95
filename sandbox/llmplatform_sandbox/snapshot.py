"""The present state of a sandbox: nodes, pods, why pods wait, faults, shortages, outputs."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from llmplatform_sandbox.checkpoint import Checkpoint
from llmplatform_sandbox.controllers.table import idle, played, unserved
from llmplatform_sandbox.explain import pending, unmade
from llmplatform_sandbox.interfaces import Cloud, CloudObject, KubeAccess
from llmplatform_sandbox.kube.client import Kube
from llmplatform_sandbox.kube.releases import releases

CAPACITY_LABELS = ("eks.amazonaws.com/capacityType", "node.alibabacloud.com/spot-strategy")
_CORDONED = ", cordoned"
_SETTLED_WITHIN = 45.0
CALM = 6.0
"""Seconds without a change after which nothing more will change: all simulated events are faster."""


@dataclass(frozen=True, kw_only=True)
class Node:
    """A node in the API server."""

    name: str
    pool: str
    capacity: str
    """`SPOT`, `ON_DEMAND` or the cloud's own word."""
    instance_type: str
    zone: str
    gpus: int
    state: str


@dataclass(frozen=True, kw_only=True)
class Pod:
    """A pod in the API server."""

    namespace: str
    name: str
    node: str
    state: str
    """As kubectl's STATUS column has it."""


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """One look at a sandbox."""

    nodes: tuple[Node, ...] = ()
    pods: tuple[Pod, ...] = ()
    pending: tuple[str, ...] = ()
    """A line for each Pending pod, with the reason."""
    unmade: tuple[str, ...] = ()
    """A line for each object whose pods are not made, since their controller does not run here."""
    objects: int = 0
    """Objects in the simulated accounts."""
    faults: tuple[tuple[str, str], ...] = ()
    shortages: dict[str, str] = field(default_factory=dict[str, str])
    remarks: tuple[str, ...] = ()
    """What a cloud accepted without a word and did otherwise."""
    idle: tuple[str, ...] = ()
    """A sentence per installed chart whose controllers could run and do not: what does not happen."""
    unserved: tuple[str, ...] = ()
    """The installed charts that stay CRDs: nothing acts on their objects."""
    played: tuple[str, ...] = ()
    """A sentence per installed chart whose controllers are played."""
    outputs: dict[str, Any] = field(default_factory=dict[str, Any])

    def waiting(self) -> bool:
        """Whether a pod is Pending."""
        return any(pod.state == "Pending" for pod in self.pods)

    def moving(self) -> bool:
        """Whether a pod will certainly change: it is terminating, or its node is gone or drained."""
        there = {node.name for node in self.nodes}
        drained = {node.name for node in self.nodes if node.state.endswith(_CORDONED)}
        return any(
            pod.state == "Terminating"
            or (pod.state == "Pending" and pod.node in drained)
            or (pod.state.startswith(("Pending", "Running")) and pod.node not in {"", *there})
            for pod in self.pods
        )


def take(
    kube: KubeAccess | None, clouds: Mapping[str, Cloud], checkpoint: Checkpoint, *, controllers: Collection[str] = ()
) -> Snapshot:
    """Look once. `kube` is None while no control plane runs: nodes and pods are then empty.

    `controllers`: charts whose real ones are run.
    """
    shortages = {group: reason for cloud in clouds.values() for group, reason in cloud.shortages().items()}
    nodes, pods, pending, unmade, charts = _cluster(kube, clouds) if kube else ((), (), (), (), frozenset[str]())
    return Snapshot(
        nodes=nodes,
        pods=pods,
        pending=pending,
        unmade=unmade,
        objects=sum(len(cloud.objects()) for cloud in clouds.values()),
        faults=tuple(fault for cloud in clouds.values() for fault in cloud.faults()),
        shortages=shortages,
        remarks=tuple(remark for cloud in clouds.values() for remark in cloud.remarks()),
        idle=tuple(idle([chart for chart in charts if chart not in controllers])),
        unserved=tuple(unserved(charts)),
        played=tuple(played(charts)),
        outputs=checkpoint.outputs(),
    )


def settled(look: Callable[[], Snapshot]) -> Snapshot:
    """Look until no pod is Pending, or until nothing changes any more."""
    snapshot, since = look(), time.monotonic()
    deadline = since + _SETTLED_WITHIN
    while (
        (snapshot.waiting() or snapshot.moving())
        and time.monotonic() < deadline
        and (snapshot.moving() or time.monotonic() < since + CALM)
    ):
        time.sleep(0.5)
        latest = look()
        if (latest.nodes, latest.pods) != (snapshot.nodes, snapshot.pods):
            since = time.monotonic()
        snapshot = latest
    return snapshot


def orphans_of(look: Callable[[], Sequence[CloudObject]]) -> Sequence[CloudObject]:
    """Look until nothing is left, or until the rest stays.

    The simulated controllers free their objects a moment after the cluster's objects are gone.
    """
    left, since = look(), time.monotonic()
    while left and time.monotonic() - since <= CALM:
        time.sleep(0.3)
        latest = look()
        if latest != left:
            left, since = latest, time.monotonic()
    return left


def _cluster(
    access: KubeAccess, clouds: Mapping[str, Cloud]
) -> tuple[tuple[Node, ...], tuple[Pod, ...], tuple[str, ...], tuple[str, ...], frozenset[str]]:
    kube, pools = Kube(access), _pools(clouds)
    try:
        nodes = tuple(
            sorted((_node(item, pools) for item in kube.list("v1", "Node")), key=lambda node: (node.pool, node.name))
        )
        pods = tuple(sorted((_pod(item) for item in kube.list("v1", "Pod")), key=lambda pod: (pod.namespace, pod.name)))
        charts = frozenset(release.chart for release in releases(kube))
        return nodes, pods, tuple(pending(kube, list(clouds.values()))), tuple(unmade(kube, charts)), charts
    finally:
        kube.close()


def _pools(clouds: Mapping[str, Cloud]) -> Mapping[str, str]:
    """Node → name of its pool."""
    names = {group.id: group.name for cloud in clouds.values() for group in cloud.node_groups()}
    return {one.node: names.get(one.group, "") for cloud in clouds.values() for one in cloud.instances()}


def _node(item: dict[str, Any], pools: Mapping[str, str]) -> Node:
    labels = item["metadata"].get("labels", {})
    status = item.get("status", {})
    ready = any(
        condition["type"] == "Ready" and condition["status"] == "True" for condition in status.get("conditions", [])
    )
    gpus = sum(int(amount) for resource, amount in status.get("allocatable", {}).items() if resource.endswith("/gpu"))
    return Node(
        name=item["metadata"]["name"],
        pool=pools.get(item["metadata"]["name"], ""),
        capacity=_first(labels, CAPACITY_LABELS),
        instance_type=labels.get("node.kubernetes.io/instance-type", ""),
        zone=labels.get("topology.kubernetes.io/zone", ""),
        gpus=gpus,
        state=("Ready" if ready else "NotReady") + (_CORDONED if item["spec"].get("unschedulable") else ""),
    )


def _pod(item: dict[str, Any]) -> Pod:
    status = item.get("status", {})
    state = status.get("reason") or status.get("phase", "Unknown")
    if item["metadata"].get("deletionTimestamp"):
        state = "Terminating"
    elif state == "Succeeded":
        state = "Completed"
    elif state == "Running" and not all(container.get("ready") for container in status.get("containerStatuses", [])):
        state = "Running, not ready"
    metadata = item["metadata"]
    return Pod(
        namespace=metadata["namespace"], name=metadata["name"], node=item["spec"].get("nodeName", ""), state=state
    )


def _first(labels: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((labels[name] for name in names if name in labels), "")
