"""Where Prometheus finds the metrics of a model server: a ServiceMonitor, or a PodMonitor."""

from collections.abc import Mapping

import pulumi
import pulumi_kubernetes as kubernetes

from llmplatform.base.labels import MODEL_LABEL
from llmplatform.serving.engines.contract import Metrics


def monitor(
    logical: str,
    metadata: kubernetes.meta.v1.ObjectMetaArgs,
    selector: Mapping[str, str],
    metrics: Metrics,
    crds: pulumi.Resource | None,
    opts: pulumi.ResourceOptions,
    *,
    of_pods: bool = False,
) -> kubernetes.apiextensions.CustomResource:
    """The monitor of the Services that `selector` matches, or of the pods themselves.

    `crds`: release of its CRD; None if the cluster has it.
    """
    endpoints = [
        {
            "port": metrics.port,
            "path": metrics.path,
            "interval": "15s",
            "scrapeTimeout": "10s",
            # A loading server does not answer, and is not down.
            "relabelings": [{"sourceLabels": ["__meta_kubernetes_pod_ready"], "regex": "true", "action": "keep"}],
        }
    ]
    labelled, asked = ("podTargetLabels", "podMetricsEndpoints") if of_pods else ("targetLabels", "endpoints")
    return kubernetes.apiextensions.CustomResource(
        logical,
        api_version="monitoring.coreos.com/v1",
        kind="PodMonitor" if of_pods else "ServiceMonitor",
        metadata=metadata,
        spec={
            "selector": {"matchLabels": selector},
            # One scrape job for all models; a label tells them apart.
            "jobLabel": "app.kubernetes.io/name",
            labelled: [MODEL_LABEL],
            asked: endpoints,
        },
        # The API server does not know the CRD before; no output of the release says so.
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[crds] if crds else [])),
    )
