"""Autoscaler of a model server: a ScaledObject of KEDA, or a HorizontalPodAutoscaler.

Dangerous to replace: nothing; without it the workload keeps its size.
KEDA makes a HorizontalPodAutoscaler of its own, which asks it for the triggers' values. Each value is the sum over all
servers, and its target is for one: servers that still start count as if they had answered, so that no more are added
for a load that they are about to take.
Sources: kedacore/keda v2.20.2, apis/keda/v1alpha1/scaledobject_types.go, pkg/scalers/prometheus_scaler.go and
cron_scaler.go (metadata), pkg/fallback/fallback.go; Kubernetes 1.35, autoscaling/v2.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from llmplatform.base.labels import SERIES_MODEL_LABEL
from llmplatform.catalog.engine_metrics import EngineMetrics, select
from llmplatform.specs.scaling import HpaScaling, KedaScaling, PodsMetric, ResourceMetric, ScaleDown, Scaling

FAILURES = 3
"""Answers without a value before the fallback, one every 15 s: `--horizontal-pod-autoscaler-sync-period`."""
UNCLAIMED = {"validations.keda.sh/hpa-ownership": "false"}
"""Lets KEDA take the Deployment over: Pulumi creates a ScaledObject before it deletes our HorizontalPodAutoscaler, and
KEDA's webhook refuses a Deployment that another one scales (apis/keda/v1alpha1/scaledobject_webhook.go, verifyHpas)."""

meta = kubernetes.meta.v1
scaling = kubernetes.autoscaling.v2


@dataclass(frozen=True, kw_only=True)
class AutoscalingArgs:
    """What is scaled, and by what."""

    metadata: meta.ObjectMetaArgs
    target: pulumi.Input[str]
    """Name of the workload; depends on it."""
    form: tuple[str, str] = ("apps/v1", "Deployment")
    """Its API version and kind. A replica of a LeaderWorkerSet is a whole group."""
    model: str
    """Value of the series' label."""
    most_replicas: int
    metrics: EngineMetrics | None
    """What the engine's series are called."""
    ranks: int = 1
    """Series of one server, each of a rank with a cache of its own."""
    prometheus_url: pulumi.Input[str] | None
    """Prometheus, as KEDA reaches it."""
    keda: pulumi.Resource | None = None
    """Release that installs KEDA; None if it exists already."""


def scaler(logical: str, args: AutoscalingArgs, spec: Scaling | None, opts: pulumi.ResourceOptions) -> None:
    """Registers what the settings ask for; nothing where the number is fixed. `logical`: name of the server."""
    if isinstance(spec, KedaScaling):
        scaled_object(f"{logical}-scaled-object", args, spec, opts)
    elif isinstance(spec, HpaScaling):
        autoscaler(f"{logical}-autoscaler", args, spec, opts)


def scaled_object(
    logical: str, args: AutoscalingArgs, spec: KedaScaling, opts: pulumi.ResourceOptions
) -> kubernetes.apiextensions.CustomResource:
    """Scales by waiting and running requests, by the use of the cache, and by the clock."""
    fallback = spec.fallback_replicas or spec.min_replicas
    api_version, kind = args.form
    return kubernetes.apiextensions.CustomResource(
        logical,
        api_version="keda.sh/v1alpha1",
        kind="ScaledObject",
        metadata=args.metadata,
        spec={
            "scaleTargetRef": {"apiVersion": api_version, "kind": kind, "name": args.target},
            "minReplicaCount": spec.min_replicas,
            "maxReplicaCount": args.most_replicas,
            # Without metrics nothing is removed: the load is not known to have gone.
            "fallback": {
                "failureThreshold": FAILURES,
                "replicas": fallback,
                "behavior": "currentReplicasIfHigher",
            },
            "advanced": {"horizontalPodAutoscalerConfig": {"behavior": _behavior(spec.scale_down)}},
            "triggers": triggers(args, spec),
        },
        # KEDA ends it, too: a ScaledObject without its operator keeps its finalizer, and its namespace.
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[args.keda] if args.keda else [])),
    )


def triggers(args: AutoscalingArgs, spec: KedaScaling) -> list[dict[str, Any]]:
    """The triggers of a ScaledObject. Raises ValueError for an engine without metrics, or without a Prometheus."""
    names = args.metrics
    if names is None or names.requests_running is None:
        raise ValueError(f"{args.model}: its server exposes no number of requests to scale by")
    if args.prometheus_url is None:
        raise ValueError(f"{args.model}: KEDA has no Prometheus to ask")
    requests = [each for each in (names.requests_running, names.requests_waiting) if each]
    asked = [_prometheus("requests", args, requests, spec.requests)]
    if names.kv_cache_usage:
        asked.append(_prometheus("kv-cache", args, (names.kv_cache_usage,), spec.kv_cache * args.ranks))
    return [
        *asked,
        *(
            {
                "type": "cron",
                "name": f"schedule-{number}",
                "metadata": {
                    "timezone": schedule.timezone,
                    "start": schedule.start,
                    "end": schedule.end,
                    "desiredReplicas": str(schedule.replicas),
                },
            }
            for number, schedule in enumerate(spec.schedules)
        ),
    ]


def _prometheus(name: str, args: AutoscalingArgs, series: Sequence[str], threshold: float) -> dict[str, Any]:
    """A trigger on a sum of series over all servers. If one series is missing, the query is empty."""
    query = pulumi.Output.from_input(args.metadata.namespace).apply(
        lambda namespace: " + ".join(
            f"sum({select(each, {'namespace': str(namespace), SERIES_MODEL_LABEL: args.model})})" for each in series
        )
    )
    return {
        "type": "prometheus",
        "name": name,
        "metricType": "AverageValue",
        "metadata": {
            "serverAddress": args.prometheus_url,
            "query": query,
            "threshold": f"{threshold:g}",
            # By default a metric that vanishes is a load of 0, and servers are removed.
            "ignoreNullValues": "false",
        },
    }


def autoscaler(
    logical: str, args: AutoscalingArgs, spec: HpaScaling, opts: pulumi.ResourceOptions
) -> scaling.HorizontalPodAutoscaler:
    """Scales by CPU, memory, and metrics of an adapter."""
    named, (api_version, kind) = args.metadata, args.form
    return scaling.HorizontalPodAutoscaler(
        logical,
        metadata=meta.ObjectMetaArgs(
            name=named.name, namespace=named.namespace, labels=named.labels, annotations=UNCLAIMED
        ),
        spec=scaling.HorizontalPodAutoscalerSpecArgs(
            scale_target_ref=scaling.CrossVersionObjectReferenceArgs(
                api_version=api_version, kind=kind, name=args.target
            ),
            min_replicas=spec.min_replicas,
            max_replicas=args.most_replicas,
            metrics=[_metric(each) for each in spec.metrics],
            behavior=_behavior(spec.scale_down),
        ),
        opts=opts,
    )


def _metric(metric: ResourceMetric | PodsMetric) -> scaling.MetricSpecArgs:
    if isinstance(metric, ResourceMetric):
        target = scaling.MetricTargetArgs(type="Utilization", average_utilization=metric.utilization)
        return scaling.MetricSpecArgs(
            type="Resource", resource=scaling.ResourceMetricSourceArgs(name=metric.name, target=target)
        )
    target = scaling.MetricTargetArgs(type="AverageValue", average_value=f"{round(metric.average * 1000)}m")
    named = scaling.MetricIdentifierArgs(name=metric.name)
    return scaling.MetricSpecArgs(type="Pods", pods=scaling.PodsMetricSourceArgs(metric=named, target=target))


def _behavior(down: ScaleDown) -> Any:
    """Up at once, and twice as many or four more within 15 s; down slowly, a server a minute at least."""
    quarter = {"periodSeconds": 15}
    return {
        "scaleUp": {
            "stabilizationWindowSeconds": 0,
            "selectPolicy": "Max",
            "policies": [{"type": "Percent", "value": 100, **quarter}, {"type": "Pods", "value": 4, **quarter}],
        },
        "scaleDown": {
            "stabilizationWindowSeconds": down.window_seconds,
            "selectPolicy": "Max",
            "policies": [{"type": "Percent", "value": down.percent_per_minute, "periodSeconds": 60}],
        },
    }
