"""The gate in front of the simulated kubelets: a pod starts only when all that a kubelet would need exists.

For every pod that is bound to a node and has not started, either the condition `sandbox.llmplatform.dev/Startable` is
set, upon which KWOK makes it Ready, or its containers show what they wait for, as a kubelet would show it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from llmplatform_sandbox.kube.client import Kube, Object
from llmplatform_sandbox.kube.errors import next_round_sees
from llmplatform_sandbox.kube.readiness import condition
from llmplatform_sandbox.loops.needs import Missing, missing

Refusal = Callable[[str, Object, Object | None], str]

STARTABLE: Final = "sandbox.llmplatform.dev/Startable"


class PodsLoop:
    """One round per `step`."""

    def __init__(self, kube: Kube, unpullable: Refusal = lambda image, pod, account: "") -> None:
        """`unpullable`: why a node may not pull an image for a pod with its service account; empty where it may."""
        self._kube, self._unpullable = kube, unpullable

    def step(self) -> None:
        """Look at every pod that waits on a node. Level-triggered and idempotent."""
        found: dict[tuple[str, str, str], Object | None] = {}

        def look_up(namespace: str, kind: str, name: str) -> Object | None:
            key = (namespace, kind, name)
            if key not in found:
                found[key] = self._kube.get("v1", kind, name, namespace)
            return found[key]

        for pod in self._kube.list("v1", "Pod", cached=True, fieldSelector="status.phase=Pending"):
            if not pod["spec"].get("nodeName") or pod["metadata"].get("deletionTimestamp"):
                continue
            if condition(pod, STARTABLE).get("status") == "True":
                continue
            namespace = pod["metadata"]["namespace"]
            user = pod["spec"].get("serviceAccountName") or "default"
            faults = [
                *missing(pod, lambda kind, name, namespace=namespace: look_up(namespace, kind, name)),
                *self._refused(pod, look_up(namespace, "ServiceAccount", user)),
            ]
            change = _waiting(pod, faults) if faults else _startable()
            if change["conditions"][0].items() - condition(pod, STARTABLE).items():
                self._patch(pod, change)

    def _refused(self, pod: Object, account: Object | None) -> list[Missing]:
        containers = [*(pod["spec"].get("initContainers") or []), *pod["spec"]["containers"]]
        reasons = {each["name"]: self._unpullable(each.get("image") or "", pod, account) for each in containers}
        return [Missing("ImagePullBackOff", reason, container) for container, reason in reasons.items() if reason]

    def _patch(self, pod: Object, status: Mapping[str, Any]) -> None:
        # The uid guards against a pod of the same name that has taken its place.
        change = {"metadata": {"uid": pod["metadata"]["uid"]}, "status": status}
        with next_round_sees():
            self._kube.patch(pod, change, subresource="status", strategic=True)


def _startable() -> dict[str, Any]:
    return {"conditions": [{"type": STARTABLE, "status": "True", "reason": "AllFound", "message": ""}]}


def _waiting(pod: Object, faults: Sequence[Missing]) -> dict[str, Any]:
    """The status of containers that wait: each for its own fault, else for the pod's."""
    shared = [fault for fault in faults if fault.container is None] or list(faults)
    statuses: list[dict[str, Any]] = []
    for container in pod["spec"]["containers"]:
        own = next((fault for fault in faults if fault.container == container["name"]), shared[0])
        statuses.append(
            {
                "name": container["name"],
                "image": container["image"],
                "imageID": "",
                "lastState": {},
                "ready": False,
                "restartCount": 0,
                "started": False,
                "state": {"waiting": {"reason": own.reason, "message": own.message}},
            }
        )
    reason = {
        "type": STARTABLE,
        "status": "False",
        "reason": shared[0].reason,
        "message": "; ".join(f.message for f in faults),
    }
    return {"containerStatuses": statuses, "conditions": [reason]}
