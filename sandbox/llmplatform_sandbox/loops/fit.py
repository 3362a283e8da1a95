"""Would a pod fit on a node? The scheduler's filters, as far as an autoscaler simulates them.

Resources, nodeSelector, required node affinity, taints. Not simulated: inter-pod affinity, topology spread, host
ports, volumes.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from llmplatform_sandbox.kube.quantities import amount

Resources = dict[str, Decimal]
Object = Mapping[str, Any]


@dataclass
class Room:
    """A node, real or to come, with what is still free on it."""

    labels: Mapping[str, str]
    taints: Sequence[Object]
    free: Resources = field(default_factory=Resources)

    def take(self, pod: Object) -> bool:
        """Place a pod if it fits."""
        if not fits(pod, self):
            return False
        for name, asked in requests(pod).items():
            self.free[name] = self.free.get(name, Decimal(0)) - asked
        return True


def quantities(given: Mapping[str, Any]) -> Resources:
    """Amounts by resource, in base units; what is no quantity is left out."""
    return {name: found for name, text in given.items() if (found := amount(text)) is not None}


def requests(pod: Object) -> Resources:
    """What a pod asks of a node, and one of its `pods`."""
    spec = pod["spec"]
    total = _sum(spec.get("containers", ()))
    sidecars = Resources()
    peak = Resources()
    for container in spec.get("initContainers", ()):
        own = _requests(container)
        if container.get("restartPolicy") == "Always":
            sidecars = _plus(sidecars, own)
            own = sidecars
        else:
            own = _plus(sidecars, own)
        peak = {name: max(peak.get(name, Decimal(0)), own.get(name, Decimal(0))) for name in {*peak, *own}}
    total = _plus(total, sidecars)
    total = {name: max(total.get(name, Decimal(0)), peak.get(name, Decimal(0))) for name in {*total, *peak}}
    return _plus(total, {**quantities(spec.get("overhead", {})), "pods": Decimal(1)})


def _sum(containers: Sequence[Object]) -> Resources:
    total = Resources()
    for container in containers:
        total = _plus(total, _requests(container))
    return total


def _requests(container: Object) -> Resources:
    resources = container.get("resources", {})
    # A limit without a request is the request.
    return quantities({**resources.get("limits", {}), **resources.get("requests", {})})


def _plus(left: Resources, right: Resources) -> Resources:
    return {name: left.get(name, Decimal(0)) + right.get(name, Decimal(0)) for name in {*left, *right}}


def fits(pod: Object, room: Room) -> bool:
    """Whether the scheduler would place a pod there."""
    spec = pod["spec"]
    free = room.free
    return (
        all(asked <= free.get(name, Decimal(0)) for name, asked in requests(pod).items() if asked)
        and all(room.labels.get(key) == value for key, value in spec.get("nodeSelector", {}).items())
        and _affine(spec, room.labels)
        and all(
            tolerated(taint, spec.get("tolerations", ()))
            for taint in room.taints
            if taint["effect"] != "PreferNoSchedule"
        )
    )


def _affine(spec: Object, labels: Mapping[str, str]) -> bool:
    node = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = node.get("requiredDuringSchedulingIgnoredDuringExecution")
    if not required:
        return True
    terms = [term for term in required.get("nodeSelectorTerms", ()) if term.get("matchExpressions")]
    return any(all(_matches(one, labels) for one in term["matchExpressions"]) for term in terms)


def _matches(expression: Object, labels: Mapping[str, str]) -> bool:
    value, wanted = labels.get(expression["key"]), expression.get("values", ())
    match expression["operator"]:
        case "In":
            return value is not None and value in wanted
        case "NotIn":
            return value is None or value not in wanted
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case "Gt" | "Lt" as operator:
            if value is None or not re.fullmatch(r"-?\d+", value):
                return False
            return int(value) > int(wanted[0]) if operator == "Gt" else int(value) < int(wanted[0])
        case _:
            return False


def tolerated(taint: Object, tolerations: Sequence[Object]) -> bool:
    """Whether one of the tolerations matches a taint."""
    return any(
        (not one.get("effect") or one["effect"] == taint["effect"])
        and (
            (one.get("operator", "Equal") == "Exists" and one.get("key", "") in ("", taint["key"]))
            or (
                one.get("operator", "Equal") == "Equal"
                and one.get("key") == taint["key"]
                and one.get("value", "") == taint.get("value", "")
            )
        )
        for one in tolerations
    )
