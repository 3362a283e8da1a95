"""The machines of the cloud as nodes of the cluster: each instance registers, a terminated one leaves."""

from collections.abc import Mapping, Sequence
from typing import Any

from llmplatform_sandbox.interfaces import Cloud, Instance, Release, Taint
from llmplatform_sandbox.kube.client import Kube, Object
from llmplatform_sandbox.kube.errors import KubeError
from llmplatform_sandbox.kube.releases import releases
from llmplatform_sandbox.loops.gpus import GPU, gpu_fault

NETWORK = frozenset({"vpc-cni", "kube-proxy"})
"""Managed add-ons without which a node stays NotReady."""
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

    def step(self) -> None:
        """Register, correct and remove. Idempotent."""
        instances = list(self._cloud.instances())
        nodes = {name_of(node): node for node in self._kube.list("v1", "Node", cached=True)}
        network = set(self._cloud.installed()) >= NETWORK
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
            if (left["spec"].get("providerID") or "").startswith(f"{self._cloud.name}://"):
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
        status = {key: wanted["status"][key] for key in ("capacity", "allocatable")}
        if any(live.get("status", {}).get(key) != value for key, value in status.items()):
            gone = {GPU: None} if GPU not in status["capacity"] else {}
            self._kube.patch(
                live, {"status": {key: value | gone for key, value in status.items()}}, subresource="status"
            )

    def _remove(self, node: Object) -> None:
        """The machine is gone, and its pods with it: nobody is left who could end them."""
        name = name_of(node)
        for pod in self._kube.list("v1", "Pod", fieldSelector=f"spec.nodeName={name}"):
            path = self._kube.kind("v1", "Pod").path(pod["metadata"]["namespace"], pod["metadata"]["name"])
            try:
                self._kube.request("DELETE", path, body={"gracePeriodSeconds": 0})
            except KubeError as error:
                if not error.not_found:
                    raise
        self._kube.delete(node)


def name_of(node: Mapping[str, Any]) -> str:
    """A node's name."""
    return node["metadata"]["name"]


def instance_id(node: Mapping[str, Any]) -> str:
    """The cloud's id in a node's providerID; empty for a node of no instance."""
    return (node["spec"].get("providerID") or "").rpartition("/")[2]


def node_of(instance: Instance, installed: Sequence[Release], daemonsets: Sequence[Object], *, network: bool) -> Object:
    """The Node that an instance registers as."""
    labels = dict(instance.template.labels)
    name = f"{instance.id}.{labels.get('topology.kubernetes.io/region', 'local')}.compute.internal"
    allocatable = dict(instance.template.resources)
    capacity = dict(instance.template.resources)
    if instance.gpus and not gpu_fault(installed, daemonsets, instance.image):
        allocatable[GPU] = capacity[GPU] = str(instance.gpus)
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": labels | {"kubernetes.io/hostname": name},
            "annotations": KUBELET if network else {},
        },
        "spec": {
            "providerID": provider_id(instance),
            "taints": [_taint(taint) for taint in instance.template.taints],
        },
        "status": {
            "capacity": capacity,
            "allocatable": allocatable,
            "conditions": [_NOT_READY],
            "nodeInfo": _info(instance, labels),
        },
    }


def provider_id(instance: Instance) -> str:
    """The spelling of the AWS cloud provider."""
    return f"aws:///{instance.zone}/{instance.id}"


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
        "kubeletVersion": "sandbox",
        "osImage": f"{instance.image} (simulated)",
        "operatingSystem": "linux",
        "architecture": labels.get("kubernetes.io/arch", "amd64"),
    }
