"""Why pods do not run, one line each: from the scheduler's conditions, the pod gate, the pools and the clouds.

Lines read `namespace/name: reason`. Several pods with the same reason get a line each, so that each can be found.
"""

import re
from collections.abc import Collection, Iterable
from typing import Any, Final

from llmplatform_sandbox.controllers.table import UNSERVED, unanswered
from llmplatform_sandbox.interfaces import Cloud
from llmplatform_sandbox.kube.client import Kube, Object
from llmplatform_sandbox.kube.errors import KubeError
from llmplatform_sandbox.kube.readiness import condition
from llmplatform_sandbox.loops.claims import claim_fault, claims_of
from llmplatform_sandbox.loops.controllers import players
from llmplatform_sandbox.loops.pods import STARTABLE
from llmplatform_sandbox.pools import PoolView

_SCHEDULER: Final = re.compile(r"^\d+/\d+ nodes are available: (?P<causes>.+?)\.(?: |$)")
_CAUSE: Final = re.compile(r"(?P<count>\d+) (?P<what>.+?)(?=, \d+ |$)")
_PHRASES: Final = (
    (re.compile(r"^Insufficient "), "short of "),
    (re.compile(r"^node\(s\) had untolerated taint\(?s?\)? ?"), "untolerated taint "),
    (re.compile(r"^node\(s\) didn't match Pod's node affinity/selector"), "other labels than the pod asks for"),
    (re.compile(r"^node\(s\) "), ""),
)


def pending(kube: Kube, clouds: Collection[Cloud] = ()) -> list[str]:
    """One line for each pod that should run and does not, then one for each Deployment whose pods are refused."""
    view = _View(kube, clouds)
    pods = sorted(kube.list("v1", "Pod", fieldSelector="status.phase=Pending"), key=_name)
    lines = [f"{_name(pod)}: {view.reason(pod)}" for pod in pods]
    return lines + [line for obj in kube.list("apps/v1", "Deployment") for line in _not_made(obj)]


def unmade(kube: Kube, charts: Collection[str]) -> list[str]:
    """One line for each object that a controller would make pods of, which does not run here. `charts`: installed."""
    kinds = [kind for each in UNSERVED if each.chart in charts for kind in each.makes]
    found = [obj for api_version, kind in kinds for obj in kube.list(api_version, kind)]
    return [f"{_name(obj)} ({obj['kind']}): {unanswered(obj)}" for obj in found]


def workload_reasons(kube: Kube, obj: Object, clouds: Collection[Cloud] = ()) -> list[str]:
    """The lines of one object: those of a workload's pods. Empty without a fault, or without an answer."""
    try:
        return [*_not_made(obj), *_pod_lines(_View(kube, clouds), _pods_of(kube, obj))]
    except KubeError:
        return []


class _View:
    """The cluster and the clouds at one moment."""

    def __init__(self, kube: Kube, clouds: Collection[Cloud]) -> None:
        self._kube = kube
        self._players = players(kube, clouds)
        self._pools = PoolView(kube, clouds, self._players.releases)

    def reason(self, pod: Object) -> str:
        """Why a Pending pod does not run."""
        if pod["metadata"].get("deletionTimestamp"):
            return "being deleted"
        if not pod["spec"].get("nodeName"):
            return self._unscheduled(pod)
        startable = condition(pod, STARTABLE)
        if startable.get("status") == "False":
            return str(startable["message"])
        node = self._kube.get("v1", "Node", pod["spec"]["nodeName"])
        if node is None or condition(node, "Ready").get("status") != "True":
            return f"its node {pod['spec']['nodeName']} is not Ready{self._pools.node_fault(node)}"
        return _container_reason(pod) or "starting"

    def _unscheduled(self, pod: Object) -> str:
        scheduled = condition(pod, "PodScheduled")
        if not scheduled:
            return "not seen by the scheduler yet"
        if scheduled.get("reason") == "SchedulingGated":
            gates = ", ".join(gate["name"] for gate in pod["spec"].get("schedulingGates", []))
            return f"held by scheduling gates: {gates}"
        claims = [fault for claim in claims_of(pod) if (fault := claim_fault(self._kube, self._players, pod, claim))]
        return "; ".join([*claims, *self._pools.why_no_node(pod)]) or _shortened(scheduled.get("message", ""))


def _pod_lines(view: _View, pods: Iterable[Object]) -> list[str]:
    return [f"{_name(pod)}: {view.reason(pod)}" for pod in pods if pod.get("status", {}).get("phase") == "Pending"]


def _pods_of(kube: Kube, obj: Object) -> list[Object]:
    if obj["kind"] == "Pod":
        return [obj]
    selector = obj.get("spec", {}).get("selector")
    labels: Any = selector.get("matchLabels", selector if obj["kind"] == "Service" else None) if selector else None
    if not labels:
        return []
    text = ",".join(f"{key}={value}" for key, value in labels.items())
    return sorted(kube.list("v1", "Pod", obj["metadata"].get("namespace"), labelSelector=text), key=_name)


def _not_made(obj: Object) -> list[str]:
    failure = condition(obj, "ReplicaFailure")
    return [f"{_name(obj)}: its pods are refused: {failure['message']}"] if failure.get("status") == "True" else []


def _container_reason(pod: Object) -> str:
    for status in pod.get("status", {}).get("containerStatuses") or []:
        waiting = status.get("state", {}).get("waiting")
        if waiting:
            return f"{waiting.get('reason', '')}: {waiting.get('message', '')}".strip(": ")
    return ""


def _shortened(message: str) -> str:
    """The scheduler's sentence without its preamble, its preemption part, and its stock phrases."""
    match = _SCHEDULER.match(message)
    if not match:
        return "there are no nodes" if message.startswith("no nodes available") else message
    return "no node fits: " + ", ".join(f"{m['count']}x {_phrase(m['what'])}" for m in _CAUSE.finditer(match["causes"]))


def _phrase(cause: str) -> str:
    for pattern, plain in _PHRASES:
        if pattern.match(cause):
            return pattern.sub(plain, cause)
    return cause


def _name(obj: Object) -> str:
    return f"{obj['metadata'].get('namespace', '')}/{obj['metadata']['name']}"
