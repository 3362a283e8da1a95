"""Plays KServe's controller in its Standard mode: a Deployment and a Service for each InferenceService, and its status.

Its Go module is not served, so the real one does not run. Each rule names its function in kserve/kserve at v0.20.0,
below pkg/controller/v1beta1/inferenceservice where no other folder is named. Left out: predictors without a container
of their own, transformers, explainers, ingresses, KServe's own autoscalers and the injections of its pod webhook; an
InferenceService that asks for one of them stays without a status.
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any, Final

from llmplatform_sandbox.interfaces import Release
from llmplatform_sandbox.kube.client import Kube, Object
from llmplatform_sandbox.kube.errors import next_round_sees
from llmplatform_sandbox.kube.readiness import condition

CHART: Final = "kserve-resources"
_API, _KIND = "serving.kserve.io/v1beta1", "InferenceService"
_MANAGER: Final = "kserve-controller-manager"
_GENERATION: Final = "sandbox.llmplatform.dev/generation"
"""On what is made: the generation of its InferenceService. The real controller compares every field instead."""
_FINALIZER: Final = "inferenceservice.finalizers"
"""controller.go, Reconcile."""
_CONTAINER: Final = "kserve-container"
"""pkg/constants, InferenceServiceContainerName; predictor_custom.go, GetContainer."""
_DEFAULTS: Final = {"limits": {"cpu": "1", "memory": "2Gi"}, "requests": {"cpu": "1", "memory": "2Gi"}}
"""charts/kserve-resources/values.yaml, `kserve.inferenceservice.resources`."""
_FIELDS = """
annotations autoScaling batcher canaryTrafficPercent containerConcurrency deploymentStrategy labels logger
maxReplicas minReplicas name scaleMetric scaleMetricType scaleTarget storageUris timeout
"""
_EXTENSIONS: Final = frozenset(_FIELDS.split())
"""Fields of a predictor that are none of its pods' specification (pkg/apis/serving/v1beta1, ComponentExtensionSpec)."""


def play_inference_services(kube: Kube, releases: Sequence[Release]) -> None:
    """One round of the controller, while its release is there."""
    values = next((release.values for release in releases if release.chart == CHART), None)
    if values is None:
        return
    for service in kube.list(_API, _KIND, cached=True):
        with next_round_sees():
            _play(kube, values.get("kserve", {}), service)


def _play(kube: Kube, values: Mapping[str, Any], service: Object) -> None:
    metadata, predictor = service["metadata"], service["spec"]["predictor"]
    held = metadata.get("finalizers", [])
    if metadata.get("deletionTimestamp"):
        # What it owns is collected as garbage (controller.go, Reconcile).
        if _FINALIZER in held:
            _finalize(kube, service, [each for each in held if each != _FINALIZER])
        return
    if not _is_played(values, service):
        return
    if _FINALIZER not in held:
        _finalize(kube, service, [*held, _FINALIZER])
        return
    live = _kept(kube, deployment(values, service), service, scaled=_autoscaler(service) == "external")
    _kept(kube, service_of(predictor, service), service)
    status = {"deploymentMode": "Standard", "conditions": _conditions(service, live)}
    if observed := live.get("status", {}).get("observedGeneration"):
        status["observedGeneration"] = observed
    if status != {key: service.get("status", {}).get(key) for key in status}:
        kube.patch(service, {"status": status}, subresource="status")


def _is_played(values: Mapping[str, Any], service: Object) -> bool:
    mode = service["metadata"].get("annotations", {}).get("serving.kserve.io/deploymentMode")
    predictor, controller = service["spec"]["predictor"], values.get("controller", {})
    return (
        # utils/utils.go, GetDeploymentMode; the chart's own is Knative.
        (mode or controller.get("deploymentMode", "Knative")) in ("Standard", "RawDeployment")
        # reconcilers/autoscaler, createAutoscaler: of the others it makes an autoscaler.
        and _autoscaler(service) in ("external", "none")
        and controller.get("gateway", {}).get("disableIngressCreation") is True
        and any(each["name"] == _CONTAINER for each in predictor.get("containers") or [])
        and not {"transformer", "explainer", "canary"} & service["spec"].keys()
        and not {"batcher", "logger", "storageUris", "workerSpec"} & predictor.keys()
    )


def _autoscaler(service: Object) -> str:
    return service["metadata"].get("annotations", {}).get("serving.kserve.io/autoscalerClass", "hpa")


def _finalize(kube: Kube, service: Object, finalizers: Sequence[str]) -> None:
    version = service["metadata"]["resourceVersion"]
    kube.patch(service, {"metadata": {"finalizers": list(finalizers), "resourceVersion": version}})


def deployment(values: Mapping[str, Any], service: Object) -> Object:
    """The Deployment of a predictor: reconcilers/deployment, createRawDefaultDeployment."""
    predictor, described = service["spec"]["predictor"], _described(service)
    pods = deepcopy({key: value for key, value in predictor.items() if key not in _EXTENSIONS})
    _defaulted(pods["containers"][0], values)
    for container in pods["containers"]:
        # components/predictor.go, buildPredictorResources; utils/utils.go, AddEnvVarToPodSpec.
        name = {"name": "INFERENCE_SERVICE_NAME", "value": service["metadata"]["name"]}
        container["env"] = [*(each for each in container.get("env") or [] if each["name"] != name["name"]), name]
    spec: dict[str, Any] = {
        "selector": {"matchLabels": {"app": described["labels"]["app"]}},
        "template": {
            "metadata": {"labels": described["labels"], "annotations": described["annotations"]},
            "spec": pods,
        },
    }
    if strategy := predictor.get("deploymentStrategy"):
        spec["strategy"] = strategy
    if _autoscaler(service) == "none" and "minReplicas" in predictor:
        spec["replicas"] = predictor["minReplicas"]
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": described, "spec": spec}


def _defaulted(container: dict[str, Any], values: Mapping[str, Any]) -> None:
    """The webhook's defaults for the first container: inference_service_defaults.go, setResourceRequirementDefaults."""
    given = values.get("inferenceservice", {}).get("resources", {})
    for kind, defaults in _DEFAULTS.items():
        wanted = {name: amount for name, amount in {**defaults, **given.get(kind, {})}.items() if amount}
        resources = container.setdefault("resources", {})
        resources[kind] = {**wanted, **resources.get(kind, {})}


def service_of(predictor: Mapping[str, Any], service: Object) -> Object:
    """The Service of a predictor: reconcilers/service, createDefaultSvc."""
    described = _described(service)
    ports = predictor["containers"][0].get("ports") or [{"name": described["name"], "containerPort": 8080}]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": described,
        "spec": {
            "selector": {"app": described["labels"]["app"]},
            "ports": [_port(each, number=each["containerPort"] if index else 80) for index, each in enumerate(ports)],
        },
    }


def _port(port: Mapping[str, Any], *, number: int) -> dict[str, Any]:
    """reconcilers/service: the first port is that of HTTP; isGrpcPort, getAppProtocol."""
    name = port.get("name", "")
    found = {"port": number, "targetPort": port["containerPort"], "protocol": port.get("protocol", "TCP")}
    grpc = {"appProtocol": "kubernetes.io/h2c"} if "grpc" in name or "h2c" in name else {}
    return {**({"name": name} if name else {}), **found, **grpc}


def _described(service: Object) -> dict[str, Any]:
    """Metadata of the Deployment and the Service: components/predictor.go, buildObjectMeta.

    The pods have its labels and annotations (createRawDefaultDeployment); `app`: pkg/constants, GetRawServiceLabel.
    """
    metadata, predictor = service["metadata"], service["spec"]["predictor"]
    parts = [metadata["name"], *([predictor["name"]] if predictor.get("name") else []), "predictor"]
    name = "-".join(parts)
    return {
        "name": name,
        "namespace": metadata["namespace"],
        "labels": {
            **metadata.get("labels", {}),
            **predictor.get("labels", {}),
            "serving.kserve.io/inferenceservice": metadata["name"],
            "component": "predictor",
            "app": f"isvc.{name}",
        },
        "annotations": {**metadata.get("annotations", {}), **predictor.get("annotations", {})},
        "ownerReferences": [
            {
                "apiVersion": _API,
                "kind": _KIND,
                "name": metadata["name"],
                "uid": metadata["uid"],
                "controller": True,
                "blockOwnerDeletion": True,
            }
        ],
    }


def _kept(kube: Kube, wanted: Object, service: Object, *, scaled: bool = False) -> Object:
    """The live object, made or changed where the InferenceService has another generation.

    `scaled`: something else owns the number of replicas (reconcilers/deployment, Reconcile).
    """
    metadata = wanted["metadata"]
    live = kube.get(wanted["apiVersion"], wanted["kind"], metadata["name"], metadata["namespace"])
    generation = str(service["metadata"]["generation"])
    if live and live["metadata"].get("annotations", {}).get(_GENERATION) == generation:
        return live
    if live and scaled:
        wanted["spec"]["replicas"] = live["spec"]["replicas"]
    marked = {**metadata, "annotations": {**metadata["annotations"], _GENERATION: generation}}
    return kube.apply({**wanted, "metadata": marked}, manager=_MANAGER)


def _conditions(service: Object, live: Object) -> list[dict[str, Any]]:
    """PredictorReady, IngressReady, and Ready, which is both (inference_service_status.go, conditionSet).

    Without ingresses IngressReady holds at once (reconcilers/ingress, kube_ingress_reconciler.go, Reconcile).
    """
    state, reason = _predictor_ready(live)
    found = {"IngressReady": ("True", ""), "PredictorReady": (state, reason), "Ready": (state, reason)}
    return [_condition(service, name, state, reason) for name, (state, reason) in found.items()]


def _predictor_ready(live: Object) -> tuple[str, str]:
    """Status and reason: pkg/apis/serving/v1beta1, inference_service_status.go, PropagateRawStatus."""
    available, progressing = condition(live, "Available"), condition(live, "Progressing")
    failed = condition(live, "ReplicaFailure")
    if failed.get("status") == "True":
        return "False", failed.get("reason", "")
    if available.get("status") == "False":
        return "False", available.get("reason", "")
    if progressing.get("status") == "False" and progressing.get("message"):
        return "False", progressing.get("reason", "")
    if progressing.get("status") == "True" and progressing.get("reason") == "NewReplicaSetAvailable":
        return "True", progressing["reason"]
    if available.get("status") == "True":
        return "True", available.get("reason", "")
    return ("Unknown", progressing.get("reason", "")) if progressing.get("status") == "True" else ("False", "")


def _condition(service: Object, name: str, state: str, reason: str) -> dict[str, Any]:
    before = condition(service, name)
    rest = {"reason": reason} if reason else {}
    if before.get("status") == state and before.get("reason", "") == reason:
        return before
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"type": name, "status": state, **rest, "lastTransitionTime": now}
