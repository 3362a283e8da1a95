"""When an object of the Kubernetes API is ready: the await rules of Pulumi's Kubernetes provider.

Source: pulumi-kubernetes, provider/pkg/await, read at commit 94977969 (July 2026, after 4.32.0). A rule looks at the
live object (and at the cluster if the object alone does not tell) and answers None when ready, or the reason in a few
words. A kind without a rule is ready once the API server has it. Of permanent failures, only a Job ends a wait early.
One difference: the real provider's time for a Job or a pod begins again with each event (job.go, pod.go, `Await`), and
informers/factory.go makes one a minute, so that longer waits never end; here they end.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from llmplatform_sandbox.controllers.table import unanswered
from llmplatform_sandbox.kube.client import Kube, Object
from llmplatform_sandbox.kube.errors import KubeError

DEFAULT_TIMEOUT: Final = 600.0
"""Seconds."""
WAIT_FOR: Final = "pulumi.com/waitFor"


class NeverReady(Exception):
    """Further waiting is useless; the message says why."""


Rule = Callable[[Kube, Object], str | None]


def waiting_for(kube: Kube, obj: Object) -> str | None:
    """None if the object is ready, or nothing here would ever make it so, else what it waits for.

    Raises `NeverReady` if it has failed permanently.
    """
    wanted = obj["metadata"].get("annotations", {}).get(WAIT_FOR, "")
    if wanted:
        return None if unanswered(obj) else _named(obj, wanted)
    rule = _RULES.get((obj["apiVersion"].partition("/")[0] if "/" in obj["apiVersion"] else "", obj["kind"]))
    return rule(kube, obj) if rule else None


def not_awaited(obj: Object) -> str:
    """Why an object that asks to be waited for is not; empty where it is."""
    found = unanswered(obj) if obj["metadata"].get("annotations", {}).get(WAIT_FOR) else ""
    return f"not awaited: {found}" if found else ""


def _named(obj: Object, wanted: str) -> str | None:
    """The conditions that the object itself names, one or a JSON array, in the place of its kind's rule.

    provider/pkg/metadata/overrides.go, `ReadyCondition`; provider/pkg/await/condition/custom.go and `checkCondition`.
    """
    missing = [found for each in _listed(wanted) if (found := _condition_missing(obj, each))]
    return "; ".join(missing) or None


def _listed(wanted: str) -> list[str]:
    try:
        found = json.loads(wanted)
    except json.JSONDecodeError:
        return [wanted]
    if not isinstance(found, list) or not found:
        raise NeverReady(f"{WAIT_FOR}: '{wanted}' is neither a condition nor a list of conditions")
    return [str(each) for each in found]


def _condition_missing(obj: Object, wanted: str) -> str | None:
    prefix, _, named = wanted.partition("=")
    if prefix != "condition":
        raise NeverReady(f"{WAIT_FOR}: '{wanted}' is not simulated; of its forms only 'condition=' is")
    type_, _, status = named.partition("=")
    found, generation = condition(obj, type_), obj["metadata"].get("generation", 0)
    observed = found.get("observedGeneration", obj.get("status", {}).get("observedGeneration", generation))
    if found and observed < generation:
        return f"{type_} is of an earlier generation"
    if found.get("status") == (status or "True"):
        return None
    return (
        f"{type_} is {found.get('status', 'not reported')}{f' ({reason})' if (reason := found.get('reason')) else ''}"
    )


def condition(obj: Mapping[str, Any], type_: str) -> dict[str, Any]:
    """A status condition by its type; empty if the object has none."""
    return next((c for c in obj.get("status", {}).get("conditions") or [] if c.get("type") == type_), {})


def _observed(obj: Object) -> bool:
    return obj.get("status", {}).get("observedGeneration", 0) >= obj["metadata"].get("generation", 0)


def _deployment(kube: Kube, obj: Object) -> str | None:
    status, wanted = obj.get("status", {}), obj["spec"].get("replicas", 1)
    if not _observed(obj):
        return "the controller has not seen it yet"
    updated, available = status.get("updatedReplicas", 0), status.get("availableReplicas", 0)
    if updated < wanted or available < wanted or status.get("replicas", 0) > updated:
        progressing = condition(obj, "Progressing")
        stuck = f" ({progressing['reason']})" if progressing.get("status") == "False" else ""
        return f"{min(updated, available)} of {wanted} updated replicas available{stuck}"
    return None if wanted == 0 or condition(obj, "Available").get("status") == "True" else "not yet Available"


def warnings_of(obj: Object) -> list[str]:
    """The provider's warnings of a Deployment: while it waits, and of one without replicas.

    provider/pkg/await/deployment.go: `processDeploymentEvent` and `checkReplicaSetStatus`.
    """
    if obj["kind"] != "Deployment":
        return []
    found = [condition(obj, name) for name in ("Progressing", "Available")]
    said = [f"[{each['reason']}] {each.get('message', '')}" for each in found if each.get("status") == "False"]
    if obj["spec"].get("replicas") == 0:
        said.append(f'Replicas scaled to 0 for Deployment "{obj["metadata"]["name"]}"')
    return said


def _stateful_set(kube: Kube, obj: Object) -> str | None:
    status, spec = obj.get("status", {}), obj["spec"]
    wanted, strategy = spec.get("replicas", 1), spec.get("updateStrategy", {})
    if not _observed(obj):
        return "the controller has not seen it yet"
    ready = status.get("readyReplicas", 0)
    if ready < wanted:
        return f"{ready} of {wanted} replicas ready"
    if strategy.get("type") == "OnDelete" or strategy.get("rollingUpdate", {}).get("partition"):
        return None
    updated = status.get("updatedReplicas", 0)
    return None if updated >= wanted else f"{updated} of {wanted} replicas updated"


def _daemon_set(kube: Kube, obj: Object) -> str | None:
    status = obj.get("status", {})
    if not _observed(obj):
        return "the controller has not seen it yet"
    wanted, ready = status.get("desiredNumberScheduled", 0), status.get("numberReady", 0)
    if obj["spec"].get("updateStrategy", {}).get("type") != "OnDelete":
        ready = min(ready, status.get("updatedNumberScheduled", 0))
    return None if ready >= wanted else f"{ready} of {wanted} pods ready"


_ENDS: Final = frozenset({"BackoffLimitExceeded", "DeadlineExceeded"})
"""Why a Job has failed, if that ends a wait (checker/job/check.go, `collectJobConditionErrors`)."""


def _job(kube: Kube, obj: Object) -> str | None:
    """Waits for a suspended Job, or one with another failure, like for a running one (`jobStarted`, `jobComplete`)."""
    failed, status = condition(obj, "Failed"), obj.get("status", {})
    if failed.get("status") == "True":
        reason = f"failed: {failed.get('reason', '')} {failed.get('message', '')}".strip()
        if failed.get("reason") in _ENDS:
            raise NeverReady(reason)
        return f"{reason}; Pulumi's provider waits on after it"
    if status.get("startTime") and condition(obj, "Complete").get("status") == "True":
        return None
    return f"not complete: {status.get('active', 0)} pods active, {status.get('succeeded', 0)} succeeded"


def runs_or_failed(kube: Kube, api_version: str, name: str, namespace: str) -> bool:
    """Whether a Job that asks for another in its place, as long as it is not complete, gets one.

    pulumi-kubernetes 4.34.2, provider/pkg/provider/provider.go, `Diff`: of a Job alone, running or failed, and not
    where the cluster or the Job cannot be read.
    """
    try:
        live = kube.get(api_version, "Job", name, namespace)
    except KubeError:
        return False
    return live is not None and condition(live, "Complete").get("status") != "True"


def _pod(kube: Kube, obj: Object) -> str | None:
    phase = obj.get("status", {}).get("phase", "Pending")
    if phase == "Succeeded" or condition(obj, "Ready").get("status") == "True":
        return None
    return f"phase {phase}, not Ready"


def _service(kube: Kube, obj: Object) -> str | None:
    spec = obj["spec"]
    if spec.get("type") == "LoadBalancer" and not obj.get("status", {}).get("loadBalancer", {}).get("ingress"):
        return "the load balancer has no address yet"
    if spec.get("type") == "ExternalName" or not spec.get("selector") or spec.get("clusterIP") == "None":
        return None
    # The real provider waits for a first pod behind the Service; `pulumi.com/skipAwait` avoids that.
    name, namespace = obj["metadata"]["name"], obj["metadata"]["namespace"]
    label = {"labelSelector": f"kubernetes.io/service-name={name}"}
    for piece in kube.list("discovery.k8s.io/v1", "EndpointSlice", namespace, cached=True, **label):
        if any(endpoint.get("conditions", {}).get("ready") for endpoint in piece.get("endpoints") or []):
            return None
    return "no ready pod behind it"


def _ingress(kube: Kube, obj: Object) -> str | None:
    addressed = obj.get("status", {}).get("loadBalancer", {}).get("ingress")
    return None if addressed else "no controller has given it an address"


def _claim(kube: Kube, obj: Object) -> str | None:
    if obj.get("status", {}).get("phase") == "Bound":
        return None
    class_name = obj["spec"].get("storageClassName")
    found = kube.get("storage.k8s.io/v1", "StorageClass", class_name) if class_name else None
    if found and found.get("volumeBindingMode") == "WaitForFirstConsumer":
        return None
    return "not bound"


def _volume(kube: Kube, obj: Object) -> str | None:
    phase = obj.get("status", {}).get("phase", "Pending")
    return None if phase in ("Available", "Bound") else f"phase {phase}"


def _definition(kube: Kube, obj: Object) -> str | None:
    refused = condition(obj, "NamesAccepted")
    if refused.get("status") == "False":
        return f"its names are refused: {refused.get('message', '')}"
    return None if condition(obj, "Established").get("status") == "True" else "not yet Established"


def _namespace(kube: Kube, obj: Object) -> str | None:
    phase = obj.get("status", {}).get("phase")
    return None if phase == "Active" else f"phase {phase}"


_RULES: Final[Mapping[tuple[str, str], Rule]] = {
    ("apps", "Deployment"): _deployment,
    ("apps", "StatefulSet"): _stateful_set,
    ("apps", "DaemonSet"): _daemon_set,
    ("batch", "Job"): _job,
    ("", "Pod"): _pod,
    ("", "Service"): _service,
    ("networking.k8s.io", "Ingress"): _ingress,
    ("", "PersistentVolumeClaim"): _claim,
    ("", "PersistentVolume"): _volume,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): _definition,
    ("", "Namespace"): _namespace,
}
