"""A cloud's actions on the nodes of its machines: cordon, drain, restart.

A drain asks for each pod's eviction, as `kubectl drain` does: the API server refuses it while a disruption budget does
not allow it, and the drain asks again until the time is over.
"""

import time
from collections.abc import Callable
from typing import TypeVar

from llmplatform_sandbox.interfaces import KubeAccess
from llmplatform_sandbox.kube.client import Kube, Object
from llmplatform_sandbox.kube.errors import KubeError, next_round_sees
from llmplatform_sandbox.kube.readiness import condition

_POLL = 0.3
T = TypeVar("T")


class Machines:
    """The nodes of a cluster, for the cloud of its machines."""

    def __init__(self, access: Callable[[], KubeAccess]) -> None:
        self._access = access

    def ready(self, node: str) -> bool:
        """Whether a node has joined and accepts pods."""
        return self._with(lambda kube: _ready(kube.get("v1", "Node", node)))

    def cordon(self, node: str) -> None:
        """Let no new pod onto a node."""

        def work(kube: Kube) -> None:
            found = kube.get("v1", "Node", node)
            if found is not None:
                kube.patch(found, {"spec": {"unschedulable": True}})

        self._with(work)

    def drain(self, node: str, seconds: float) -> list[str]:
        """Cordon a node and evict its pods; returns the pods that a budget kept on it for that time."""
        self.cordon(node)
        deadline = time.monotonic() + seconds

        def work(kube: Kube) -> list[str]:
            while left := _evictable(kube, node):
                for pod in left:
                    if not pod["metadata"].get("deletionTimestamp"):
                        _evict(kube, pod)
                if time.monotonic() > deadline:
                    return sorted(f"{pod['metadata']['namespace']}/{pod['metadata']['name']}" for pod in left)
                time.sleep(_POLL)
            return []

        return self._with(work)

    def restart(self, node: str) -> None:
        """Remove a node with its remaining pods; its machine stays and joins again."""

        def work(kube: Kube) -> None:
            for pod in kube.list("v1", "Pod", fieldSelector=f"spec.nodeName={node}"):
                path = kube.kind("v1", "Pod").path(pod["metadata"]["namespace"], pod["metadata"]["name"])
                with next_round_sees():
                    kube.request("DELETE", path, body={"gracePeriodSeconds": 0})
            found = kube.get("v1", "Node", node)
            if found is not None:
                kube.delete(found)

        self._with(work)

    def _with(self, work: Callable[[Kube], T]) -> T:
        kube = Kube(self._access())
        try:
            return work(kube)
        finally:
            kube.close()


def _ready(node: Object | None) -> bool:
    if node is None or node["spec"].get("unschedulable"):
        return False
    return condition(node, "Ready").get("status") == "True"


def _evictable(kube: Kube, node: str) -> list[Object]:
    """Pods to evict: not those of DaemonSets, which belong to the node, nor completed ones."""
    return [
        pod
        for pod in kube.list("v1", "Pod", fieldSelector=f"spec.nodeName={node}")
        if not any(owner["kind"] in ("DaemonSet", "Node") for owner in pod["metadata"].get("ownerReferences", ()))
        and pod.get("status", {}).get("phase") not in ("Succeeded", "Failed")
    ]


def _evict(kube: Kube, pod: Object) -> None:
    metadata = pod["metadata"]
    path = kube.kind("v1", "Pod").path(metadata["namespace"], metadata["name"], "eviction")
    named = {"name": metadata["name"], "namespace": metadata["namespace"]}
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": named}
    try:
        kube.request("POST", path, body=eviction, busy=True)
    except KubeError as error:
        # Refused by a budget for now, or gone since.
        if error.code != 429 and not error.passing:
            raise
