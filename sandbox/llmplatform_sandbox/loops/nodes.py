"""The machines of the cloud as nodes of the cluster: each instance registers, a terminated one leaves."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from llmplatform_sandbox.interfaces import Cloud, Instance, NodeCondition, Release, Taint
from llmplatform_sandbox.kube.client import Kube, Object
from llmplatform_sandbox.kube.errors import KubeError
from llmplatform_sandbox.kube.releases import releases
from llmplatform_sandbox.loops.gpus import GPU, gpu_fault

KUBELET = {"kwok.x-k8s.io/node": "fake"}
"""The annotation that hands a node to KWOK, which plays its kubelet."""
_FOREIGN = ("node.kubernetes.io/", "node.cloudprovider.kubernetes.io/", "ToBeDeletedByClusterAutoscaler")
"""Taints that controllers of the cluster set and take away."""
_NOT_READY = {
    "type": "Ready",
    "status": "False",
    "reason": "KubeletNotReady",
    "message": "container runtime network not ready: cni plugin not initialized",
}


class NodesLoop:
    """Brings the cluster's nodes in line with the cloud's instances, one `step` at a time."""

    def __init__(self, cloud: Cloud, kube: Kube) -> None:
        self._cloud, self._kube = cloud, kube
        self._gone: list[str] = []

    def step(self) -> None:
        """Register, correct and remove. Idempotent."""
        # The scheduler went on binding pods to them for as long as it did not know.
        while self._gone:
            self._end_pods(self._gone[-1])
            self._gone.pop()
        instances = [one for one in self._cloud.instances() if not one.dead]
        nodes = {name_of(node): node for node in self._kube.list("v1", "Node", cached=True)}
        network = self._cloud.networked()
        with_gpus = any(instance.gpus for instance in instances)
        installed = releases(self._kube) if with_gpus else []
        daemonsets = self._kube.list("apps/v1", "DaemonSet", cached=True) if with_gpus else []
        for instance in instances:
            wanted = node_of(instance, installed, daemonsets, network=network)
            live = nodes.pop(name_of(wanted), None)
            if live is None:
                self._register(wanted)
            else:
                self._correct(live, wanted)
        for left in nodes.values():
            if self._cloud.owns(left["spec"].get("providerID") or ""):
                self._remove(left)

    def _register(self, wanted: Object) -> None:
        try:
            self._kube.create(wanted)
        except KubeError as error:
            # The list came from a cache that lags a moment.
            if not error.conflict:
                raise

    def _correct(self, live: Object, wanted: Object) -> None:
        metadata, spec = live["metadata"], live["spec"]
        change: dict[str, Any] = {}
        for part in ("labels", "annotations"):
            missing = {
                key: value
                for key, value in wanted["metadata"][part].items()
                if metadata.get(part, {}).get(key) != value
            }
            if missing:
                change.setdefault("metadata", {})[part] = missing
        foreign = [taint for taint in spec.get("taints", []) if taint["key"].startswith(_FOREIGN)]
        own = [taint for taint in spec.get("taints", []) if taint not in foreign]
        if own != wanted["spec"]["taints"]:
            change["spec"] = {"taints": [*wanted["spec"]["taints"], *foreign]}
        if change:
            self._kube.patch(live, change)
        self._correct_version(live, wanted)
        self._correct_conditions(live, wanted)
        status = {key: wanted["status"][key] for key in ("capacity", "allocatable")}
        if any(live.get("status", {}).get(key) != value for key, value in status.items()):
            gone = {GPU: None} if GPU not in status["capacity"] else {}
            self._kube.patch(
                live, {"status": {key: value | gone for key, value in status.items()}}, subresource="status"
            )

    def _correct_version(self, live: Object, wanted: Object) -> None:
        """A kubelet that was upgraded where it runs says so."""
        info, version = live.get("status", {}).get("nodeInfo") or {}, wanted["status"]["nodeInfo"]["kubeletVersion"]
        if info.get("kubeletVersion") != version:
            self._kube.patch(live, {"status": {"nodeInfo": {**info, "kubeletVersion": version}}}, subresource="status")

    def _correct_conditions(self, live: Object, wanted: Object) -> None:
        """What an add-on says of a node changes with the add-on; the kubelet's own word is KWOK's."""
        said = {one["type"]: one for one in live.get("status", {}).get("conditions", [])}
        now = [
            one for one in wanted["status"]["conditions"][1:] if not one.items() <= said.get(one["type"], {}).items()
        ]
        if now:
            self._kube.patch(live, {"status": {"conditions": now}}, subresource="status", strategic=True)

    def _remove(self, node: Object) -> None:
        """The machine is gone, and its pods with it: no kubelet is left to end them."""
        self._kube.delete(node)
        self._gone.append(name_of(node))
        self._end_pods(name_of(node))

    def _end_pods(self, name: str) -> None:
        for pod in self._kube.list("v1", "Pod", fieldSelector=f"spec.nodeName={name}"):
            path = self._kube.kind("v1", "Pod").path(pod["metadata"]["namespace"], pod["metadata"]["name"])
            try:
                self._kube.request("DELETE", path, body={"gracePeriodSeconds": 0})
            except KubeError as error:
                if not error.not_found:
                    raise


def name_of(node: Mapping[str, Any]) -> str:
    """A node's name."""
    return node["metadata"]["name"]


def instance_id(node: Mapping[str, Any]) -> str:
    """The cloud's id in a node's providerID; empty for a node of no instance."""
    return re.split(r"[./]", node["spec"].get("providerID") or "")[-1]


def node_of(instance: Instance, installed: Sequence[Release], daemonsets: Sequence[Object], *, network: bool) -> Object:
    """The Node that an instance registers as."""
    labels = dict(instance.template.labels)
    allocatable = dict(instance.template.resources)
    capacity = dict(instance.template.resources)
    if instance.gpus and not gpu_fault(installed, daemonsets, instance.image):
        allocatable[GPU] = capacity[GPU] = str(instance.gpus)
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": instance.node,
            "labels": labels | {"kubernetes.io/hostname": instance.node},
            "annotations": KUBELET if network else {},
        },
        "spec": {
            "providerID": instance.provider_id,
            "taints": [_taint(taint) for taint in instance.template.taints],
        },
        "status": {
            "capacity": capacity,
            "allocatable": allocatable,
            "conditions": [_NOT_READY, *map(_condition, instance.conditions)],
            "addresses": _addresses(instance),
            "nodeInfo": _info(instance, labels),
        },
    }


def _condition(found: NodeCondition) -> dict[str, str]:
    status = "True" if found.healthy else "False"
    return {"type": found.type, "status": status, "reason": found.reason, "message": found.message}


def _addresses(instance: Instance) -> list[dict[str, str]]:
    """As a cloud's controller manager has them of its machines; nothing listens there."""
    address = [{"type": "InternalIP", "address": instance.address}] if instance.address else []
    return [*address, {"type": "Hostname", "address": instance.node}]


def _taint(taint: Taint) -> dict[str, str]:
    value = {"value": taint.value} if taint.value else {}
    return {"key": taint.key, **value, "effect": taint.effect}


def _info(instance: Instance, labels: Mapping[str, str]) -> dict[str, str]:
    unknown = (
        "machineID",
        "systemUUID",
        "bootID",
        "kernelVersion",
        "containerRuntimeVersion",
        "kubeletVersion",
        "kubeProxyVersion",
    )
    return {
        **dict.fromkeys(unknown, ""),
        "kubeletVersion": instance.kubelet or "sandbox",
        "osImage": f"{instance.image} (simulated)",
        "operatingSystem": "linux",
        "architecture": labels.get("kubernetes.io/arch", "amd64"),
    }
