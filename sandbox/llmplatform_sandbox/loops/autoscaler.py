"""Plays cluster-autoscaler: grows the node groups that pending pods would fit on, and gives back nodes that stay empty.

It acts while the cloud runs one for the cluster, by that one's settings, or while a release of chart
`cluster-autoscaler` is in the cluster, by that release's flags. Like the real one it sees the cloud through a small
interface, and knows an empty group only by what tags and the cloud's API say of it. Durations of the flags are real
ones; the sandbox runs them faster, `TIME_SCALE` times, within bounds.
"""

import logging
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Protocol

from llmplatform_sandbox.interfaces import (
    Instance,
    ManagedAutoscaler,
    NodeGroup,
    NodeTemplate,
    Release,
    Unavailable,
)
from llmplatform_sandbox.kube.client import Kube
from llmplatform_sandbox.kube.releases import releases
from llmplatform_sandbox.loops.autoscaler_flags import Flags, flags_of, flags_of_cloud
from llmplatform_sandbox.loops.expander import Option, Priorities, best, pack, priorities
from llmplatform_sandbox.loops.fit import Object, Resources, Room, quantities, requests
from llmplatform_sandbox.loops.gpus import GPU
from llmplatform_sandbox.loops.nodes import instance_id
from llmplatform_sandbox.loops.scale_down import Occupancy, ScaleDown, goes

_log = logging.getLogger(__name__)

CHART = "cluster-autoscaler"
TIME_SCALE = 60.0
"""One real minute of back-off lasts a second here."""
_BACKOFF_SECONDS = (2.0, 10.0)
ACCELERATORS = frozenset({"k8s.amazonaws.com/accelerator", "aliyun.accelerator/nvidia_name"})
"""Labels of GPU nodes: one without GPUs counts as still starting; GPULabel of cloudprovider/aws and …/alicloud."""
_PRIORITIES = "cluster-autoscaler-priority-expander"


class NodeGroups(Protocol):
    """What an autoscaler needs of a cloud; after cluster-autoscaler's externalgrpc protocol."""

    def node_groups(self) -> Sequence[NodeGroup]:
        """Groups with bounds and targets."""
        ...

    def template(self, group: str) -> NodeTemplate | None:
        """What can be known of an empty group's next node; None when nothing can."""
        ...

    def instances(self) -> Sequence[Instance]:
        """Machines by group."""
        ...

    def resize(self, group: str, size: int) -> None:
        """Ask for another target. Raises Unavailable."""
        ...

    def terminate(self, instance: str) -> None:
        """End one machine and shrink its group."""
        ...

    def shortages(self) -> Mapping[str, str]:
        """Groups that did not get what they asked for, with the reason."""
        ...

    def autoscaler(self) -> ManagedAutoscaler | None:
        """The one that the cloud runs by itself."""
        ...


@dataclass
class _Backoff:
    until: float
    seconds: float


@dataclass
class _View(Occupancy):
    """The cluster at one moment."""

    daemonsets: Sequence[Object] = field(default_factory=list[Object])


class AutoscalerLoop:
    """Decides once per `step`."""

    def __init__(self, cloud: NodeGroups, kube: Kube, scale_down_after: float = 60.0) -> None:
        """`scale_down_after`: seconds that a node has to be empty before it is given back."""
        self._cloud, self._kube = cloud, kube
        self._backoffs: dict[str, _Backoff] = {}
        self._scale_down = ScaleDown(cloud, kube, scale_down_after)

    def step(self) -> None:
        """Look, grow one group or more, shrink. Level-triggered."""
        flags = self._flags()
        if flags is None:
            self._scale_down.forget()
            return
        self._forgive()
        view = self._look()
        waiting = [pod for pod in view.pods.get("", ()) if _unschedulable(pod)]
        left, reserved = self._place(waiting, view) if waiting else ([], set[str]())
        if left and (flags.from_zero or any(view.nodes.values())):
            self._grow(left, view, flags)
        if flags.scale_down:
            self._scale_down.step(view, reserved)

    def _flags(self) -> Flags | None:
        managed = self._cloud.autoscaler()
        if managed:
            return flags_of_cloud(managed)
        release = next((one for one in releases(self._kube) if one.chart == CHART), None)
        if release is None:
            return None
        flags = flags_of(release)
        return replace(flags, priorities=self._priorities(release)) if "priority" in flags.expanders else flags

    def _look(self) -> _View:
        group_of = {instance.id: instance.group for instance in self._cloud.instances()}
        machines, short = Counter(group_of.values()), self._cloud.shortages()
        # What a group cannot get does not come: clusterstate.go, GetUpcomingNodes, less what is long unregistered.
        groups = [
            replace(group, target=machines[group.id]) if group.id in short else group
            for group in self._cloud.node_groups()
            if group.autoscaled
        ]
        nodes: dict[str, list[Object]] = {}
        for node in self._kube.list("v1", "Node", cached=True):
            if _ready(node):
                nodes.setdefault(group_of.get(instance_id(node), ""), []).append(node)
        pods: dict[str, list[Object]] = {}
        for pod in self._kube.list("v1", "Pod", cached=True):
            if pod.get("status", {}).get("phase") not in ("Succeeded", "Failed"):
                pods.setdefault(pod["spec"].get("nodeName", ""), []).append(pod)
        return _View(
            groups=groups, nodes=nodes, pods=pods, daemonsets=self._kube.list("apps/v1", "DaemonSet", cached=True)
        )

    # Growing

    def _place(self, waiting: Sequence[Object], view: _View) -> tuple[list[Object], set[str]]:
        """Those that fit on no node, there or asked for already; and the nodes that the others are about to use."""
        rooms: list[tuple[str, Room]] = []
        for node in (node for nodes in view.nodes.values() for node in nodes):
            name = node["metadata"]["name"]
            rooms.append((name, _room_of(node, view.pods.get(name, ()))))
        for group in view.groups:
            coming = group.target - len(view.nodes.get(group.id, ()))
            rooms += [("", room) for _ in range(coming) if (room := self._room(group, view)) is not None]
        left: list[Object] = []
        reserved: set[str] = set()
        for pod in waiting:
            taken = next((name for name, room in rooms if room.take(pod)), None)
            if taken is None:
                left.append(pod)
            else:
                reserved.add(taken)
        return left, reserved

    def _grow(self, waiting: Sequence[Object], view: _View, flags: Flags) -> None:
        options = [option for group in view.groups if (option := self._option(group, waiting, view)) is not None]
        while options:
            chosen = best(options, flags.expanders, flags.priorities)
            target = next(group.target for group in view.groups if group.id == chosen.group)
            try:
                self._cloud.resize(chosen.group, target + chosen.nodes)
            except Unavailable as error:
                self._back_off(chosen.group, flags)
                _log.info("scale-up failed: %s", error)
                options = [option for option in options if option.group != chosen.group]
                continue
            self._backoffs.pop(chosen.group, None)
            _log.info("scale-up: %s to %d for %d pods", chosen.group, target + chosen.nodes, len(chosen.pods))
            return

    def _option(self, group: NodeGroup, waiting: Sequence[Object], view: _View) -> Option | None:
        backoff = self._backoffs.get(group.id)
        if group.target >= group.maximum or (backoff and time.monotonic() < backoff.until):
            return None
        example = self._room(group, view)
        if example is None:
            return None

        def fresh() -> Room:
            return Room(labels=example.labels, taints=example.taints, free=dict(example.free))

        nodes, placed = pack(waiting, fresh, group.maximum - group.target)
        room = {name: str(amount) for name, amount in example.free.items()}
        return Option(group=group.id, nodes=nodes, pods=placed, room=room) if placed else None

    def _room(self, group: NodeGroup, view: _View) -> Room | None:
        """A new node of a group: like one that it has, else by the cloud's template; less what DaemonSets take."""
        staying = [node for node in view.nodes.get(group.id, ()) if not goes(node)]
        if staying:
            room = _room_of(staying[0], ())
        else:
            template = self._cloud.template(group.id)
            if template is None:
                return None
            taints = [{"key": taint.key, "value": taint.value, "effect": taint.effect} for taint in template.taints]
            room = Room(labels=template.labels, taints=taints, free=quantities(template.resources))
        for daemonset in view.daemonsets:
            room.take(daemonset["spec"]["template"])
        return room

    def _forgive(self) -> None:
        """Try a group again as soon as its shortage is over, without waiting for a back-off."""
        short = self._cloud.shortages()
        self._backoffs = {group: backoff for group, backoff in self._backoffs.items() if group in short}

    def _back_off(self, group: str, flags: Flags) -> None:
        """First for the initial duration, then twice as long each time."""
        before = self._backoffs.get(group)
        low, high = _BACKOFF_SECONDS
        seconds = before.seconds * 2 if before else flags.backoff / TIME_SCALE
        seconds = max(low, min(seconds, flags.longest_backoff / TIME_SCALE, high))
        self._backoffs[group] = _Backoff(until=time.monotonic() + seconds, seconds=seconds)

    def _priorities(self, release: Release) -> Priorities | None:
        """From the ConfigMap beside the release, else from the value that the chart would make it of."""
        config = self._kube.get("v1", "ConfigMap", _PRIORITIES, release.namespace)
        text = (config or {}).get("data", {}).get("priorities") or release.values.get("expanderPriorities")
        try:
            return priorities(text) if text else None
        except (ValueError, TypeError) as error:
            _log.warning("%s/%s: %s", release.namespace, _PRIORITIES, error)
            return None


def _unschedulable(pod: Object) -> bool:
    conditions = pod.get("status", {}).get("conditions", ())
    return not pod["metadata"].get("deletionTimestamp") and any(
        one["type"] == "PodScheduled" and one["status"] == "False" and one.get("reason") == "Unschedulable"
        for one in conditions
    )


def _ready(node: Object) -> bool:
    """Up, and with its GPUs where the label says that it has some."""
    status = node.get("status", {})
    up = any(one["type"] == "Ready" and one["status"] == "True" for one in status.get("conditions", ()))
    waits = not ACCELERATORS.isdisjoint(node["metadata"].get("labels", {})) and not status.get("allocatable", {}).get(
        GPU
    )
    return up and not waits


def _room_of(node: Object, pods: Sequence[Object]) -> Room:
    taints = [taint for taint in node["spec"].get("taints", ()) if not taint["key"].startswith("node.kubernetes.io/")]
    labels = {key: value for key, value in node["metadata"]["labels"].items() if key != "kubernetes.io/hostname"}
    free: Resources = quantities(node["status"]["allocatable"])
    for pod in pods:
        for name, amount in requests(pod).items():
            free[name] = free.get(name, Decimal(0)) - amount
    return Room(labels=labels, taints=taints, free=free)
