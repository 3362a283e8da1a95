"""Which namespaces a stack's own pods run in."""

from collections.abc import Mapping

from llmplatform.addons import cert_manager, gpu_metrics, gpu_operator
from llmplatform.planning.charts import charts_by_addon
from llmplatform.specs.stack import Stack

_OF_CHARTS: Mapping[str, str] = {
    "cert-manager": cert_manager.NAMESPACE,
    "dcgm-exporter": gpu_metrics.NAMESPACE,
    "gpu-operator": gpu_operator.NAMESPACE,
    "cert-manager-alidns-webhook": "cert-manager-alidns-webhook",
}
"""Chart to the namespace that it is installed into, where that is one of ours."""


def namespaces(stack: Stack) -> tuple[str, ...]:
    """Namespaces of the models and of what is installed beneath them, sorted."""
    charts = [chart.name for charts in charts_by_addon(stack).values() for chart in charts]
    found = {stack.platform.models_namespace, *(_OF_CHARTS[name] for name in charts if name in _OF_CHARTS)}
    if stack.addons.monitoring.enabled:
        found.add(stack.addons.monitoring.namespace)
    return tuple(sorted(found))
