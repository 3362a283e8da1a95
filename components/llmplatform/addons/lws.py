"""LeaderWorkerSet: the controller of groups of pods, for replicas of models over several nodes.

Makes no LeaderWorkerSet; what does depends on `site.needs("leaderworkerset.x-k8s.io")`.
Dangerous to replace: nothing; its CRDs, and every LeaderWorkerSet with them, stay when the release is uninstalled, and
groups keep running. While it is gone, no pod of a group can be created: the API server asks its webhooks, about pods of
groups alone.
Source of ports, labels and keys: kubernetes-sigs/lws at v0.10.0, charts/lws/values.yaml and charts/lws/templates.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
from pydantic import Field

from llmplatform.base.chart_values import Resources, Values
from llmplatform.base.component import PlatformComponent
from llmplatform.base.network_policy import Allow, Openings, https
from llmplatform.base.ordering import after
from llmplatform.base.site import Rails, Site
from llmplatform.catalog.versions import CHARTS
from llmplatform.specs.addons import Lws as Spec

CHART = "lws"
(NAMESPACE,) = Spec.namespaces
WEBHOOK_PORT, METRICS_PORT = 9443, 8443
"""The chart's own: `service.port`, manager/service.yaml."""
_CONTROLLER: Mapping[str, str] = {"control-plane": "controller-manager"}
"""Label of the controller's pods: manager/deployment.yaml."""


class _Manager(Values):
    tag: str = f"v{CHARTS[CHART].version}"
    """The chart in the repository names the main branch; only the published one is certain to name the release."""
    pull_policy: str = "IfNotPresent"
    """Tags are releases; by default no pod starts while the registry is away."""


class _Image(Values):
    manager: _Manager = _Manager()


def _apart() -> dict[str, Any]:
    """Preferred, never required: a small cluster has one node for both pods. The chart has no topology spread."""
    term = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": dict(_CONTROLLER)}}
    preferred = [{"weight": 100, "podAffinityTerm": term}]
    return {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}}


class LwsValues(Values):
    """Values of the chart that we set."""

    replica_count: int = 2
    """One leads, and both answer as webhooks, while the other's node is drained."""
    image: _Image = _Image()
    priority_class_name: str = "system-cluster-critical"
    """While it waits for room, no group comes back."""
    affinity: dict[str, Any] = Field(default_factory=_apart)
    pod_security_context: dict[str, Any] = Field(default={"seccompProfile": {"type": "RuntimeDefault"}})
    """Pod Security `restricted` asks for it, and the chart has none."""
    resources: Resources = Resources.of("100m", "256Mi")
    """The chart's 1 CPU and 1 GiB are for thousands of groups."""
    enable_prometheus: bool


@dataclass(frozen=True, kw_only=True)
class LwsArgs:
    """Arguments of `Lws`."""

    site: Site
    spec: Spec


class Lws(PlatformComponent):
    """The controller and its webhooks in a namespace of their own."""

    namespace: pulumi.Output[str]
    """Its namespace; known when it is installed."""

    def __init__(self, name: str, args: LwsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:addons:Lws", name, opts)
        rails = Rails(namespace=NAMESPACE, openings=openings(), metrics=(METRICS_PORT,))
        # The engine has few slots: pods without a node must not hold those of the autoscaler that makes nodes.
        before = args.site.before_models
        installed = args.site.release(self, name, CHART, values(args.site), rails, depends_on=before)
        self.namespace = after(NAMESPACE, installed)
        self.finish()


def install(site: Site) -> Site:
    """The site with the CRD of groups, and what acts on it: a new controller or an existing one."""
    spec = site.wanted(Spec)
    if spec is None:
        return site
    made = Lws("lws", LwsArgs(spec=spec, site=site), site.opts) if spec.installed else None
    return site.with_crds(CHART, made)


def openings() -> Openings:
    """It asks the API server, which calls its webhooks from addresses that no selector names."""
    return {**https(), "allow-webhooks": Allow(direction="Ingress", ports=(WEBHOOK_PORT,))}


def values(site: Site) -> LwsValues:
    """Values of the release."""
    return LwsValues(enable_prometheus=site.scraped)
