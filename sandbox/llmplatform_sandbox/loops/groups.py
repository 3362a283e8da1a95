"""Plays LeaderWorkerSet: the groups of pods that its controller and webhooks make, restart and update as a whole.

Every rule names the function that it follows, of kubernetes-sigs/lws at v0.10.0, whose module cannot be downloaded.
Other than there, pods belong to the set and to their leader, and not to StatefulSets between them: what the webhook
would add to a pod has to be in it when it is created. There are no subgroups, partitions, templates of claims and
PodGroups of other schedulers. A set whose rollout names a percentage stays without pods and a status.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from llmplatform_sandbox.kube.client import Kube, Object
from llmplatform_sandbox.kube.errors import UnknownKind, next_round_sees
from llmplatform_sandbox.kube.readiness import condition
from llmplatform_sandbox.loops.group_pods import (
    COMPLETE,
    DOMAIN,
    EXCLUSIVE,
    INDEX,
    NAME,
    REVISION,
    leader,
    own_service,
    revision,
    service,
    size,
    workers,
)

API_VERSION: Final = "leaderworkerset.x-k8s.io/v1"
_CONDITIONS: Final = {
    "Available": ("AllGroupsReady", "All replicas are ready"),
    "UpdateInProgress": ("GroupsUpdating", "Rolling Upgrade is in progress"),
    "Progressing": ("GroupsProgressing", "Replicas are progressing"),
}
"""makeCondition."""


def play_groups(kube: Kube, rules: Sequence[Mapping[str, Any]]) -> None:
    """One round of the controller, where it is there."""
    if not rules:
        return
    try:
        sets = kube.list(API_VERSION, "LeaderWorkerSet")
    except UnknownKind:
        return
    for each in sets:
        if not each["metadata"].get("deletionTimestamp") and _is_played(each):
            with next_round_sees():
                _Groups(kube, each).play()


def _rolling(owner: Object) -> dict[str, Any]:
    """With the defaults of RollingUpdateConfiguration (api/leaderworkerset/v1/leaderworkerset_types.go)."""
    strategy = owner["spec"].get("rolloutStrategy") or {}
    return {"maxUnavailable": 1, "maxSurge": 0, **(strategy.get("rollingUpdateConfiguration") or {})}


def _is_played(owner: Object) -> bool:
    return not any(isinstance(each, str) for each in _rolling(owner).values())


class _Groups:
    """The groups of one set."""

    def __init__(self, kube: Kube, owner: Object) -> None:
        self._kube, self._owner = kube, owner
        self._metadata, self._spec = owner["metadata"], owner["spec"]
        self._replicas, self._size = self._spec.get("replicas", 1), size(owner)
        self._rolling = _rolling(owner)
        self._revision = revision(owner)
        mine = f"{NAME}={self._metadata['name']}"
        self._groups: dict[int, list[Object]] = {}
        for pod in kube.list("v1", "Pod", self._metadata["namespace"], labelSelector=mine):
            self._groups.setdefault(int(pod["metadata"]["labels"][f"{DOMAIN}/group-index"]), []).append(pod)

    def play(self) -> None:
        """Make what is missing, restart what has failed, replace what is old; then say how it is."""
        if not own_service(self._owner):
            self._serve(service(self._owner, self._owner))
        wanted = self._replicas + self._surging()
        for index in range(wanted):
            self._keep(index)
        for index in [each for each in self._groups if each >= wanted]:
            self._end(index)
        self._update()
        self._report()

    def _leader(self, index: int) -> Object | None:
        pods = self._groups.get(index, [])
        return next((pod for pod in pods if pod["metadata"]["labels"][INDEX] == "0"), None)

    def _keep(self, index: int) -> None:
        """PodReconciler.Reconcile and handleRestartPolicy (RecreateGroupOnPodRestart)."""
        first = self._leader(index)
        if first is None:
            # What is left of an earlier group goes with its leader first.
            if not self._groups.get(index):
                self._kube.create(leader(self._owner, index))
            return
        metadata = first["metadata"]
        if metadata.get("deletionTimestamp"):
            return
        if own_service(self._owner):
            self._serve(service(self._owner, first))
        there = self._workers(index, first)
        complete = COMPLETE in metadata.get("annotations", {})
        lost = complete and len(there) < self._size - 1
        if lost or any(map(_failed, [first, *there])):
            self._end(index)
        elif not complete and self._may_have_workers(first):
            known = {pod["metadata"]["name"] for pod in there}
            for pod in workers(self._owner, first, self._place(first)):
                if pod["metadata"]["name"] not in known:
                    self._kube.create(pod)
            self._kube.patch(first, {"metadata": {"annotations": {COMPLETE: "true"}}})

    def _workers(self, index: int, first: Object) -> list[Object]:
        """WorkerPodBelongsToLeader."""
        uid = first["metadata"]["uid"]
        owned = [pod for pod in self._groups[index] if pod["metadata"]["labels"][INDEX] != "0"]
        return [pod for pod in owned if any(each["uid"] == uid for each in pod["metadata"]["ownerReferences"])]

    def _may_have_workers(self, first: Object) -> bool:
        if self._spec.get("startupPolicy") == "LeaderReady" and not _ready(first):
            return False
        return EXCLUSIVE not in self._metadata.get("annotations", {}) or bool(first["spec"].get("nodeName"))

    def _place(self, first: Object) -> Mapping[str, str]:
        """topologyValueFromPod: the label of the leader's node, which selects those of the workers."""
        key = self._metadata.get("annotations", {}).get(EXCLUSIVE)
        if key is None:
            return {}
        node = self._kube.get("v1", "Node", first["spec"]["nodeName"])
        return {key: node["metadata"]["labels"][key]} if node else {}

    def _serve(self, wanted: Object) -> None:
        """CreateHeadlessServiceIfNotExists."""
        metadata = wanted["metadata"]
        if self._kube.get("v1", "Service", metadata["name"], metadata["namespace"]) is None:
            self._kube.create(wanted)

    def _end(self, index: int) -> None:
        """The leader is deleted in the foreground: its workers go first."""
        first = self._leader(index)
        if first and not first["metadata"].get("deletionTimestamp"):
            self._kube.delete(first, propagation="Foreground")

    def _surging(self) -> int:
        """Further groups while an update is under way (calculateRollingUpdateReplicas)."""
        old, most = self._outdated(self._replicas), min(self._rolling["maxSurge"], self._replicas)
        if not old and all(index < self._replicas for index in self._groups):
            return 0
        unready = sum(1 for index in range(self._replicas) if index in old or not self._is_ready(index))
        return max(0, unready - self._rolling["maxUnavailable"]) if unready <= most else most

    def _outdated(self, below: int) -> list[int]:
        leaders = {index: self._leader(index) for index in sorted(self._groups, reverse=True) if index < below}
        return [
            index
            for index, first in leaders.items()
            if first and first["metadata"]["labels"][REVISION] != self._revision
        ]

    def _update(self) -> None:
        """rollingUpdateParameters: groups that are not ready at once, others while enough are ready."""
        ready = {index for index in self._groups if self._is_ready(index)}
        for index in self._outdated(self._replicas):
            if index not in ready or len(ready) > self._replicas - self._rolling["maxUnavailable"]:
                self._end(index)
                ready.discard(index)

    def _is_ready(self, index: int) -> bool:
        first = self._leader(index)
        if first is None or COMPLETE not in first["metadata"].get("annotations", {}):
            return False
        group = [first, *self._workers(index, first)]
        return len(group) == self._size and all(map(_ready, group))

    def _report(self) -> None:
        """UpdateConditions and updateStatus."""
        ready = [index for index in self._groups if self._is_ready(index)]
        usual = range(self._replicas)
        old, leaders = self._outdated(self._replicas), [i for i in self._groups if self._leader(i)]
        if old:
            said = ["UpdateInProgress", "Progressing"]
        else:
            said = ["Available" if all(index in ready for index in usual) else "Progressing"]
        name = self._metadata["name"]
        before = self._owner.get("status", {})
        conditions = [_condition(self._owner, type_, type_ in said) for type_ in _CONDITIONS]
        status = {
            "replicas": len(leaders),
            "readyReplicas": len(ready),
            "updatedReplicas": len(leaders) - len(self._outdated(max(leaders, default=0) + 1)),
            "hpaPodSelector": f"{NAME}={name},{INDEX}=0",
            "observedGeneration": self._metadata["generation"],
            "conditions": [each for each in conditions if each],
        }
        if {key: before.get(key) for key in status} != status:
            self._kube.patch(self._owner, {"status": status}, subresource="status")


def _condition(owner: Object, type_: str, holds: bool) -> dict[str, Any] | None:
    """setConditions: one that has never held is not there."""
    before = condition(owner, type_)
    status = "True" if holds else "False"
    if before.get("status") == status or not (holds or before):
        return before or None
    reason, message = _CONDITIONS[type_]
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"type": type_, "status": status, "reason": reason, "message": message, "lastTransitionTime": now}


def _failed(pod: Object) -> bool:
    """ContainerRestarted and PodDeleted."""
    status = pod.get("status", {})
    containers = [*status.get("containerStatuses", []), *status.get("initContainerStatuses", [])]
    return bool(pod["metadata"].get("deletionTimestamp")) or any(each["restartCount"] for each in containers)


def _ready(pod: Object) -> bool:
    return condition(pod, "Ready").get("status") == "True"
