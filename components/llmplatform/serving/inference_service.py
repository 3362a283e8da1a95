"""What keeps the pods of a model server in the place of a Deployment of ours: an InferenceService of KServe.

KServe's controller makes a Deployment and a Service `NAME-predictor` of it; everything else of a server stays ours.
Sources, kserve/kserve at v0.20.0: the pods have the predictor's labels and annotations and the container as it is
(pkg/controller/v1beta1/inferenceservice, components/predictor.go, buildPredictorResources and buildObjectMeta); the
Service leads from port 80 to the container's first port, and from each further one to itself, under the ports' names
(reconcilers/service/service_reconciler.go, createDefaultSvc). No storage initializer comes in without a `storageUri`.
"""

from collections.abc import Mapping
from typing import Any, cast

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi._types import input_type_to_dict  # pyright: ignore[reportPrivateImportUsage]

from llmplatform.base.ordering import after
from llmplatform.serving.workload import Workload, WorkloadArgs, patient, strategy

CONTAINER = "kserve-container"
"""Name of the server's container (pkg/apis/serving/v1beta1/predictor_custom.go, GetContainer)."""
PORT = 80
"""Port of the API at the Service (pkg/constants, CommonDefaultHttpPort)."""
DEPLOYMENT_MODE, AUTOSCALER = "serving.kserve.io/deploymentMode", "serving.kserve.io/autoscalerClass"

core = kubernetes.core.v1
meta = kubernetes.meta.v1


def predictor(model: str) -> str:
    """Name of the Deployment and the Service of a model (pkg/constants, PredictorServiceName)."""
    return f"{model}-predictor"


def workload(logical: str, args: WorkloadArgs, opts: pulumi.ResourceOptions) -> Workload:
    """Equal replicas, each within one node. `logical`: name of the server in the state."""
    plan, described = args.plan, args.metadata
    made = kubernetes.apiextensions.CustomResource(
        f"{logical}-inference-service",
        api_version="serving.kserve.io/v1beta1",
        kind="InferenceService",
        metadata=meta.ObjectMetaArgs(
            name=described.name,
            namespace=described.namespace,
            labels=described.labels,
            annotations={
                DEPLOYMENT_MODE: "Standard",
                # Without it KServe makes a HorizontalPodAutoscaler by CPU. `none` sets the number, `external` leaves it
                # to what scales the Deployment (reconcilers/hpa, shouldCreateHPA; createRawDefaultDeployment).
                AUTOSCALER: "external" if plan.spec.scaling else "none",
                # Pulumi waits for no custom resource by itself (pulumi-kubernetes 4.32, provider/pkg/metadata,
                # ReadyCondition).
                "pulumi.com/waitFor": "condition=Ready",
            },
        ),
        spec={
            "predictor": {
                "minReplicas": plan.least_replicas,
                "maxReplicas": plan.most_replicas,
                "deploymentStrategy": strategy(plan),
                **_pods(args.template),
            }
        },
        opts=pulumi.ResourceOptions.merge(opts, patient(args)),
    )
    name = after(predictor(plan.name), made)
    return Workload(target=name, service=name, port=PORT)


def _pods(template: core.PodTemplateSpecArgs) -> Mapping[str, Any]:
    """The pods' labels and annotations, and their specification beside them."""
    described, spec = cast(meta.ObjectMetaArgs, template.metadata), cast(core.PodSpecArgs, template.spec)
    return {"labels": described.labels, "annotations": described.annotations, **input_type_to_dict(spec)}
