"""KEDA: scales workloads by events and metrics, to zero and back, for what other capabilities declare to it.

Makes no ScaledObject; a capability that does depends on `site.needs("keda.sh")`.
Dangerous to replace: nothing; its CRDs, and every ScaledObject with them, stay when the release is uninstalled, and
workloads keep the size that they have while it is gone.
Source of ports and keys: kedacore/charts at v2.20.2, keda/values.yaml and keda/templates.
"""

from dataclasses import dataclass

import pulumi
from pydantic import Field

from llmplatform.base.chart_values import Resources, Switch, Values
from llmplatform.base.component import PlatformComponent
from llmplatform.base.network_policy import Allow, Openings, https, own_pods
from llmplatform.base.ordering import after
from llmplatform.base.site import Rails, Site
from llmplatform.specs.addons import Keda as Spec

CHART = "keda"
(NAMESPACE,) = Spec.namespaces
WEBHOOK_PORT, METRICS_API_PORT, OPERATOR_PORT, METRICS_PORT = 9443, 6443, 9666, 8080
"""The chart's own: webhooks/service.yaml, `service.portHttpsTarget`, manager/service.yaml, `prometheus.*.port`."""


class _Crds(Values):
    install: bool = True
    additional_annotations: dict[str, str] = Field(default={"helm.sh/resource-policy": "keep"})
    """They are templates of the chart: without this, uninstalling it would delete every ScaledObject."""


class _Image(Values):
    pull_policy: str = "IfNotPresent"
    """Tags are releases; by default no pod starts while the registry is away."""


class _Replicas(Values):
    replica_count: int = 2
    """One leads or answers while the other's node is drained (keda.sh, "Cluster", High Availability)."""


class _Budgets(Values):
    operator: dict[str, int] = Field(default={"maxUnavailable": 1})
    metric_server: dict[str, int] = Field(default={"maxUnavailable": 1})
    webhooks: dict[str, int] = Field(default={"maxUnavailable": 1})


class _Requests(Values):
    operator: Resources = Resources.of("100m", "128Mi")
    metric_server: Resources = Resources.of("50m", "96Mi")
    webhooks: Resources = Resources.of("20m", "48Mi")


class _Metrics(Values):
    enabled: bool
    service_monitor: Switch


class _Prometheus(Values):
    operator: _Metrics
    metric_server: _Metrics
    webhooks: _Metrics


class KedaValues(Values):
    """Values of the chart that we set."""

    priority_class_name: str = "system-cluster-critical"
    """While it waits for room, nothing is scaled: not even away from the nodes that are full."""
    crds: _Crds = _Crds()
    image: _Image = _Image()
    operator: _Replicas = _Replicas()
    metrics_server: _Replicas = _Replicas()
    webhooks: _Replicas = _Replicas()
    pod_disruption_budget: _Budgets = _Budgets()
    resources: _Requests = _Requests()
    prometheus: _Prometheus


@dataclass(frozen=True, kw_only=True)
class KedaArgs:
    """Arguments of `Keda`."""

    site: Site


class Keda(PlatformComponent):
    """Operator, metrics server and webhooks in a namespace of their own."""

    namespace: pulumi.Output[str]
    """Its namespace; known when it is installed."""

    def __init__(self, name: str, args: KedaArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:addons:Keda", name, opts)
        rails = Rails(namespace=NAMESPACE, openings=openings(), metrics=(METRICS_PORT,))
        installed = args.site.release(self, name, CHART, values(args.site), rails)
        self.namespace = after(NAMESPACE, installed)
        self.finish()


def install(site: Site) -> Site:
    """The site with CRDs of scaling, and what acts on them."""
    if site.wanted(Spec) is None:
        return site
    return site.with_crds(CHART, Keda("keda", KedaArgs(site=site), site.opts))


def openings() -> Openings:
    """The API server calls webhooks and metrics from addresses that no selector names; the pods call each other."""
    return {
        **https(),
        "allow-webhooks": Allow(direction="Ingress", ports=(WEBHOOK_PORT,)),
        "allow-metrics-api": Allow(direction="Ingress", ports=(METRICS_API_PORT,)),
        "allow-operator-in": Allow(direction="Ingress", peers=(own_pods(),), ports=(OPERATOR_PORT,)),
        "allow-operator-out": Allow(direction="Egress", peers=(own_pods(),), ports=(OPERATOR_PORT,)),
    }


def values(site: Site) -> KedaValues:
    """Values of the release."""
    metrics = _Metrics(enabled=site.scraped, service_monitor=Switch(enabled=site.scraped))
    return KedaValues(prometheus=_Prometheus(operator=metrics, metric_server=metrics, webhooks=metrics))
