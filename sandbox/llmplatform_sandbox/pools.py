"""The clouds' node groups for a pending pod: the suitable ones, and why none of them adds a node."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from llmplatform_sandbox.interfaces import Cloud, Instance, NodeGroup, NodeTemplate, Release
from llmplatform_sandbox.kube.client import Kube, Object
from llmplatform_sandbox.loops.autoscaler import CHART as AUTOSCALER
from llmplatform_sandbox.loops.fit import Room, fits, quantities, requests
from llmplatform_sandbox.loops.gpus import GPU, gpu_fault


class PoolView:
    """The pools at one moment."""

    def __init__(self, kube: Kube, clouds: Collection[Cloud], releases: Sequence[Release]) -> None:
        self._kube = kube
        self._releases = releases
        self._groups: list[tuple[NodeGroup, NodeTemplate | None]] = []
        self._instances: list[Instance] = []
        self._shortages: dict[str, str] = {}
        self._autoscaled = any(one.chart == AUTOSCALER for one in releases) or any(one.autoscaler() for one in clouds)
        for cloud in clouds:
            self._groups += [(group, _template(cloud, group)) for group in cloud.node_groups()]
            self._instances += cloud.instances()
            self._shortages |= cloud.shortages()

    def why_no_node(self, pod: Object) -> list[str]:
        """Why the suitable pools add no node for a pod; empty if none is suitable."""
        if requests(pod).get(GPU):
            faults = self._gpu_faults(pod)
            if faults:
                return faults
        suited = [(group, template) for group, template in self._groups if template and _suits(pod, template)]
        return [self._state(group) for group, _ in suited]

    def node_fault(self, node: Object | None) -> str:
        """The fault that a node reports while it is not Ready, as an addition to a sentence."""
        conditions = (node or {}).get("status", {}).get("conditions") or []
        message = next((c.get("message", "") for c in conditions if c.get("type") == "Ready"), "")
        return f": {message}" if message else ""

    def _gpu_faults(self, pod: Object) -> list[str]:
        """Why existing and suitable machines with GPUs offer none."""
        images = {one.image for one in self._instances if one.gpus and _suits(pod, _hardware(one))}
        daemonsets = self._kube.list("apps/v1", "DaemonSet", cached=True) if images else []
        faults = {image: gpu_fault(self._releases, daemonsets, image) for image in sorted(images)}
        return [f"its nodes offer no GPUs: {fault}" for fault in faults.values() if fault]

    def _state(self, group: NodeGroup) -> str:
        name = group.name
        shortage = self._shortages.get(group.id)
        running = sum(1 for one in self._instances if one.group == group.id)
        if shortage:
            return shortage.replace(group.id, f"pool {name}")
        if group.target > running:
            return f"pool {name}: {group.target - running} more on the way"
        if group.target >= group.maximum:
            return f"pool {name} is at its maximum of {group.maximum} node{'s' if group.maximum != 1 else ''}"
        if not group.autoscaled:
            return f"pool {name} is not offered to the autoscaler"
        if not self._autoscaled:
            return f"pool {name} could grow, but no autoscaler is installed"
        return f"pool {name} can grow; waiting for the autoscaler"


def _template(cloud: Cloud, group: NodeGroup) -> NodeTemplate | None:
    """A node of the group: as an existing one is, else as the autoscaler knows it."""
    running = next((_hardware(one) for one in cloud.instances() if one.group == group.id), None)
    return running or cloud.template(group.id)


def _hardware(instance: Instance) -> NodeTemplate:
    """A machine with all GPUs of its hardware, whether a device plugin offers them or not."""
    gpus = {GPU: str(instance.gpus)} if instance.gpus else {}
    return replace(instance.template, resources={**instance.template.resources, **gpus})


def _suits(pod: Object, template: NodeTemplate) -> bool:
    taints = [{"key": t.key, "value": t.value, "effect": t.effect} for t in template.taints]
    return fits(pod, Room(labels=template.labels, taints=taints, free=quantities(template.resources)))
