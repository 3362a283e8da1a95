"""KEDA: scales workloads by events and metrics, to zero and back, for what other capabilities declare to it.

Makes no ScaledObject; a capability that does depends on `site.needs("keda.sh")`.
Dangerous to replace: nothing; its CRDs, and every ScaledObject with them, stay when the release is uninstalled, and
workloads keep the size that they have while it is gone.
A trigger's Secret is in KEDA's own namespace, named by a ClusterTriggerAuthentication: KEDA reads no other.
Source of ports, labels and keys: kedacore/charts at v2.20.2, keda/values.yaml and keda/templates.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
from pydantic import Field

from llmplatform.base.chart_values import Resources, Switch, Values
from llmplatform.base.component import PlatformComponent
from llmplatform.base.network_policy import (
    PROMETHEUS_PORT,
    Allow,
    Openings,
    https,
    own_pods,
    prometheus,
    url_place,
)
from llmplatform.base.ordering import after
from llmplatform.base.site import GROUPS, Rails, Site
from llmplatform.catalog.chart_values import chart_crds
from llmplatform.specs.addons import Keda as Spec
from llmplatform.specs.addons import Lws, Monitoring

CHART = "keda"
WEBHOOK_PORT, METRICS_API_PORT, OPERATOR_PORT, METRICS_PORT = 9443, 6443, 9666, 8080
"""The chart's own: webhooks/service.yaml, `service.portHttpsTarget`, manager/service.yaml, `prometheus.*.port`."""
OPERATOR: Mapping[str, str] = {"app": "keda-operator"}
"""Labels of the operator's pods, which ask the sources of events: manager/deployment.yaml."""


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


def _spread(app: str) -> tuple[dict[str, Any], ...]:
    """Preferred, never required: a small cluster has one node for both pods. The chart labels pods by `app`."""
    return tuple(
        {
            "maxSkew": 1,
            "topologyKey": key,
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": {"app": app}},
            "matchLabelKeys": ["pod-template-hash"],
        }
        for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
    )


class _Spread(Values):
    """Without it both pods of a part may be on the node that is lost."""

    operator: tuple[dict[str, Any], ...] = _spread(OPERATOR["app"])
    metrics_server: tuple[dict[str, Any], ...] = _spread("keda-operator-metrics-apiserver")
    webhooks: tuple[dict[str, Any], ...] = _spread("keda-admission-webhooks")


class _Rbac(Values):
    enabled_custom_scaled_ref_kinds: bool = False
    """By default KEDA may read every object and patch every `scale`. Deployments and StatefulSets need no entry
    (manager/clusterrole.yaml)."""
    scaled_ref_kinds: tuple[dict[str, str], ...] | None = None
    """Further kinds that it scales, each by its group and, as `kind`, the plural that RBAC knows: the chart adds
    `/scale` to it. None: no others, with the switch above."""


class _Restrict(Values):
    secret: bool = True
    """By default it lists every Secret of the cluster."""


class _Restricted(Values):
    restrict: _Restrict = _Restrict()


class _Permissions(Values):
    operator: _Restricted = _Restricted()
    metric_server: _Restricted = _Restricted()


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
    topology_spread_constraints: _Spread = _Spread()
    rbac: _Rbac = _Rbac()
    permissions: _Permissions = _Permissions()
    resources: _Requests = _Requests()
    prometheus: _Prometheus


@dataclass(frozen=True, kw_only=True)
class KedaArgs:
    """Arguments of `Keda`."""

    site: Site
    spec: Spec
    prometheus_url: str | None = None
    """Address of an existing Prometheus that triggers ask."""


class Keda(PlatformComponent):
    """Operator, metrics server and webhooks in a namespace of their own."""

    namespace: pulumi.Output[str]
    """Its namespace; known when it is installed."""

    def __init__(self, name: str, args: KedaArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:addons:Keda", name, opts)
        space, site = args.spec.namespace, args.site
        asked = openings(site.scraper, args.prometheus_url)
        rails = Rails(namespace=space, openings=asked, metrics=(METRICS_PORT,))
        # The engine has few slots: pods without a node must not hold those of the autoscaler that makes nodes.
        installed = site.release(self, name, CHART, values(site), rails, depends_on=site.before_models)
        self.namespace = after(space, installed)
        self.finish()


def install(site: Site) -> Site:
    """The site with CRDs of scaling, and what acts on them: a new KEDA or an existing one."""
    spec = site.wanted(Spec)
    if spec is None:
        return site
    monitoring = site.wanted(Monitoring)
    args = KedaArgs(spec=spec, site=site, prometheus_url=monitoring.url if monitoring else None)
    made = Keda("keda", args, site.opts) if spec.installed else None
    return site.with_crds(CHART, made)


def openings(scraper: pulumi.Input[str] | None, url: str | None = None) -> Openings:
    """The API server calls webhooks and metrics from addresses that no selector names; the pods call each other.

    `scraper`: namespace of the Prometheus that triggers ask, which must admit `OPERATOR`. None: there is none.
    `url`: its address, if it is not that of a Prometheus that this platform installs.
    """
    return {
        **https(),
        **_queries(scraper, url),
        "allow-webhooks": Allow(direction="Ingress", ports=(WEBHOOK_PORT,)),
        "allow-metrics-api": Allow(direction="Ingress", ports=(METRICS_API_PORT,)),
        "allow-operator-in": Allow(direction="Ingress", peers=(own_pods(),), ports=(OPERATOR_PORT,)),
        "allow-operator-out": Allow(direction="Egress", peers=(own_pods(),), ports=(OPERATOR_PORT,)),
    }


def _queries(scraper: pulumi.Input[str] | None, url: str | None) -> Openings:
    if scraper is None:
        return {}
    peer, ports = url_place(url) if url else (prometheus(scraper), (PROMETHEUS_PORT,))
    return {"allow-prometheus": Allow(direction="Egress", peers=(peer,), ports=ports, pods=OPERATOR)}


def values(site: Site) -> KedaValues:
    """Values of the release."""
    metrics = _Metrics(enabled=site.scraped, service_monitor=Switch(enabled=site.scraped))
    rbac = _Rbac(enabled_custom_scaled_ref_kinds=True, scaled_ref_kinds=_groups()) if site.wanted(Lws) else _Rbac()
    return KedaValues(prometheus=_Prometheus(operator=metrics, metric_server=metrics, webhooks=metrics), rbac=rbac)


def _groups() -> tuple[dict[str, str], ...]:
    """Replicas over several nodes."""
    found = (each for each in chart_crds("lws") if each.group == GROUPS)
    return tuple({"apiGroup": each.group, "kind": each.plural} for each in found)
