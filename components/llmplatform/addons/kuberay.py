"""KubeRay: makes Ray clusters in the models' namespace, for models that Ray Serve serves.

Makes no Ray cluster; what does depends on `site.needs("ray.io")`.
Dangerous to replace: nothing; the models' pods stay while it is gone, and so do its CRDs, which Helm neither deletes
nor upgrades: apply those of a new chart by hand before its release (docs/engines.md).
In the models' namespace it reads, creates, changes and deletes Secrets and Roles, and binds them: of each cluster it
makes a Secret with the token that its pods ask for, and of a scaled one a Role with the rights of its autoscaler.
Source of ports, labels and keys: ray-project/kuberay at v1.7.0, helm-chart/kuberay-operator.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pulumi

from llmplatform.base.chart_values import Resources, Text, Values
from llmplatform.base.component import PlatformComponent
from llmplatform.base.network_policy import Allow, Openings, https, pods
from llmplatform.base.ordering import after
from llmplatform.base.site import Rails, Site
from llmplatform.catalog import engines
from llmplatform.specs.addons import Kuberay as Spec

CHART = "kuberay-operator"
METRICS_PORT = 8080
"""templates/deployment.yaml, port `http`."""
HEADS: Mapping[str, str] = {"ray.io/node-type": "head"}
"""Labels of the pods that it asks: controllers/ray/common/pod.go, `labelPod`."""
DASHBOARD = engines.facts("ray_serve").server.ports["dashboard"]
"""Where it asks them. The proxies of Ray Serve it asks only on heads that serve requests
(controllers/ray/rayservice_controller.go, updateHeadPodServeLabel)."""
GATES = {
    "RayClusterStatusConditions": True,
    "RayJobDeletionPolicy": True,
    "RayMultiHostIndexing": True,
    # It moves traffic by a Gateway, which no Ray cluster here asks for.
    "RayServiceIncrementalUpgrade": False,
}
"""As the chart's defaults, but for one. A list in values takes the place of the chart's."""


class _Image(Values):
    pull_policy: str = "IfNotPresent"


class _Monitor(Values):
    enabled: bool


class _Metrics(Values):
    service_monitor: _Monitor


class KuberayValues(Values):
    """Values of the chart that we set."""

    image: _Image = _Image()
    priority_class_name: str = "system-cluster-critical"
    """While it waits for room, no pod of a model is replaced."""
    single_namespace_install: bool = True
    """Roles in the watched namespaces. By default it has its rights, which include all Secrets, in the whole
    cluster."""
    watch_namespace: list[Text]
    feature_gates: tuple[dict[str, Any], ...] = tuple({"name": name, "enabled": on} for name, on in GATES.items())
    metrics: _Metrics
    resources: Resources = Resources.of("100m", "256Mi", most_memory="512Mi")
    """Without the chart's limit of 0.1 CPU: throttled, it loses its lease and starts anew."""


@dataclass(frozen=True, kw_only=True)
class KuberayArgs:
    """Arguments of `Kuberay`."""

    spec: Spec
    site: Site


class Kuberay(PlatformComponent):
    """The operator in a namespace of its own."""

    namespace: pulumi.Output[str]
    """Its namespace; known when it is installed."""

    def __init__(self, name: str, args: KuberayArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:addons:Kuberay", name, opts)
        space, site = args.spec.namespace, args.site
        rails = Rails(namespace=space, openings=openings(site.models_namespace), metrics=(METRICS_PORT,))
        # The engine has few slots: pods without a node must not hold those of the autoscaler that makes nodes.
        installed = site.release(self, name, CHART, values(site), rails, depends_on=site.before_models)
        self.namespace = after(space, installed)
        self.finish()


def install(site: Site) -> Site:
    """The site with CRDs of Ray, and what acts on them: a new operator or an existing one."""
    spec = site.wanted(Spec)
    if spec is None:
        return site
    made = Kuberay("kuberay", KuberayArgs(spec=spec, site=site), site.opts) if spec.installed else None
    return replace(site.with_crds(CHART, made), ray_operator=made.namespace if made else spec.namespace)


def openings(models: pulumi.Input[str]) -> Openings:
    """The API server, and the heads of the models' Ray clusters. `models`: their namespace."""
    heads = Allow(direction="Egress", peers=(pods(models, HEADS),), ports=(DASHBOARD,))
    return {**https(), "allow-ray-heads": heads}


def values(site: Site) -> KuberayValues:
    """Values of the release."""
    return KuberayValues(
        watch_namespace=[pulumi.Output.from_input(site.models_namespace)],
        metrics=_Metrics(service_monitor=_Monitor(enabled=site.scraped)),
    )
