"""Gives back nodes that stay empty: first a taint, so that the scheduler puts nothing more there, then the end."""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from llmplatform_sandbox.interfaces import NodeGroup
from llmplatform_sandbox.kube.client import Kube
from llmplatform_sandbox.loops.fit import Object
from llmplatform_sandbox.loops.nodes import instance_id

_log = logging.getLogger(__name__)

GOING = "ToBeDeletedByClusterAutoscaler"
"""Key of the taint, as cluster-autoscaler has it."""
_KEEP = "cluster-autoscaler.kubernetes.io/scale-down-disabled"


class Machines(Protocol):
    """Where machines are given back."""

    def terminate(self, instance: str) -> None:
        """End one machine and shrink its group."""
        ...


@dataclass
class Occupancy:
    """Which nodes there are, and what is on them."""

    groups: Sequence[NodeGroup]
    nodes: Mapping[str, Sequence[Object]]
    """Ready nodes by group."""
    pods: Mapping[str, Sequence[Object]]
    """Pods by node name; "" for those without."""


class ScaleDown:
    """Remembers since when a node is empty."""

    def __init__(self, machines: Machines, kube: Kube, after: float) -> None:
        """`after`: seconds that a node has to be empty."""
        self._machines, self._kube, self._after = machines, kube, after
        self._empty_since: dict[str, float] = {}

    def forget(self) -> None:
        """Begin anew."""
        self._empty_since.clear()

    def step(self, seen: Occupancy, reserved: set[str]) -> None:
        """Mark, spare or end nodes. `reserved`: those that a waiting pod is about to use."""
        now, empty = time.monotonic(), dict[str, float]()
        for group in seen.groups:
            spare = group.target - group.minimum
            for node in seen.nodes.get(group.id, ()):
                name = node["metadata"]["name"]
                if name in reserved or not _idle(node, seen.pods.get(name, ())):
                    self._taint(node, going=False)
                    continue
                empty[name] = self._empty_since.get(name, now)
                if spare <= 0 or now - empty[name] < self._after:
                    continue
                spare -= 1
                if not goes(node):
                    self._taint(node, going=True)
                # Asked anew and not from the cache: a pod may have been bound before the taint was there.
                elif _idle(node, self._kube.list("v1", "Pod", fieldSelector=f"spec.nodeName={name}")):
                    _log.info("scale-down: %s of %s was empty", name, group.id)
                    self._machines.terminate(instance_id(node))
        self._empty_since = empty

    def _taint(self, node: Object, *, going: bool) -> None:
        if goes(node) != going:
            others = [taint for taint in node["spec"].get("taints", ()) if taint["key"] != GOING]
            mark = [{"key": GOING, "value": "", "effect": "NoSchedule"}] if going else []
            self._kube.patch(node, {"spec": {"taints": others + mark}})


def goes(node: Object) -> bool:
    """Whether a node is marked for its end."""
    return any(taint["key"] == GOING for taint in node["spec"].get("taints", ()))


def _idle(node: Object, pods: Sequence[Object]) -> bool:
    if node["metadata"].get("annotations", {}).get(_KEEP) == "true" or node["spec"].get("unschedulable"):
        return False
    owners = [
        owner["kind"] for pod in pods for owner in pod["metadata"].get("ownerReferences", ()) or [{"kind": "Pod"}]
    ]
    return all(kind in ("DaemonSet", "Node") for kind in owners)
