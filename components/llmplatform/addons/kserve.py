"""KServe in its Standard mode: Deployments, Services and nothing of Knative.

Makes no InferenceService; a capability that does depends on `site.needs("serving.kserve.io")`.
Dangerous to replace: the release of the CRDs. They are its templates and take no annotation, so that uninstalling it
deletes every InferenceService, and every server with them.
Its one controller also admits the pods of every InferenceService (`failurePolicy: Fail`): while it is away, none
starts. The chart has no value for its replicas or its priority.
Source of ports, labels and keys: kserve/kserve at v0.20.0, charts/kserve-resources, files/kserve/resources.yaml and
files/common/configmap-patch.yaml.
"""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes

from llmplatform.base.chart_values import Resources, Values
from llmplatform.base.component import PlatformComponent
from llmplatform.base.labels import labels
from llmplatform.base.network_policy import Allow, Openings, https
from llmplatform.base.ordering import after
from llmplatform.base.site import CERTIFICATES, MONITORS, Rails, Site
from llmplatform.specs.addons import Kserve as Spec

CRDS, CONTROLLER = Spec.charts
(NAMESPACE,) = Spec.namespaces
WEBHOOK_PORT, METRICS_PORT = 9443, 8080
METRICS = "metrics"
"""Name of that port of its pod (files/kserve/deployment-patch.yaml)."""
PODS = {"control-plane": "kserve-controller-manager"}
"""Labels of its pod."""


class _Gateway(Values):
    """No way from outside: the platform's own gateway leads to models, whatever makes their pods."""

    disable_ingress_creation: bool = True
    disable_istio_virtual_host: bool = True
    domain: str = "svc.cluster.local"
    domain_template: str = "{{ .Name }}.{{ .Namespace }}.{{ .IngressDomain }}"
    """By default name and namespace are one label of the domain, and a service whose label is longer than 63 letters is
    never made (reconcilers/ingress/domain.go, GenerateDomainName)."""


class _Controller(Values):
    deployment_mode: str = "Standard"
    """By default an InferenceService is one of Knative."""
    gateway: _Gateway = _Gateway()
    image_pull_policy: str = "IfNotPresent"
    metrics_bind_address: str = "0.0.0.0"  # noqa: S104 its network policy says who reaches it
    """By default only a proxy beside it reads them, which asks callers for rights in the cluster."""
    resources: Resources = Resources(
        requests={"cpu": "100m", "memory": "300Mi"}, limits={"cpu": "1", "memory": "600Mi"}
    )
    """By default it has 100m at most, and each pod of a model waits for its webhook."""


class _Predictors(Values):
    """Defaults of every predictor: none (inference_service_defaults.go, setResourceRequirementDefaults).

    The chart's own limit of one CPU is below what our servers request, and the API server refuses such a pod.
    """

    resources: Resources = Resources(requests={"cpu": "", "memory": ""}, limits={"cpu": "", "memory": ""})


class _Security(Values):
    auto_mount_service_account_token: bool = False


class _Kserve(Values):
    controller: _Controller = _Controller()
    inferenceservice: _Predictors = _Predictors()
    security: _Security = _Security()


class KserveValues(Values):
    """Values of the chart that we set."""

    kserve: _Kserve = _Kserve()


@dataclass(frozen=True, kw_only=True)
class KserveArgs:
    """Arguments of `Kserve`."""

    spec: Spec
    site: Site


class Kserve(PlatformComponent):
    """CRDs, controller and webhooks in a namespace of their own."""

    namespace: pulumi.Output[str]
    """Its namespace; known when it is installed."""

    def __init__(self, name: str, args: KserveArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:addons:Kserve", name, opts)
        site = args.site
        home = site.namespace(self, name, Rails(namespace=NAMESPACE, openings=openings(), metrics=(METRICS_PORT,)))
        crds = site.release(self, name, CRDS, Values(), home, role="crds")
        # The engine has few slots: a pod without a node must not hold those of the autoscaler that makes nodes.
        before = [crds, *site.needs(CERTIFICATES), *site.before_models]
        installed = site.release(self, name, CONTROLLER, KserveValues(), home, depends_on=before)
        if site.scraped:
            self._monitor(name, after(NAMESPACE, installed, *site.needs(MONITORS)))
        self.namespace = after(NAMESPACE, installed)
        self.finish()

    def _monitor(self, name: str, namespace: pulumi.Output[str]) -> None:
        """The chart has none, and its Service of metrics leads to the proxy."""
        kubernetes.apiextensions.CustomResource(
            f"{name}-monitor",
            api_version="monitoring.coreos.com/v1",
            kind="PodMonitor",
            metadata=kubernetes.meta.v1.ObjectMetaArgs(
                name=CONTROLLER, namespace=namespace, labels=labels(NAMESPACE, instance=name)
            ),
            spec={"selector": {"matchLabels": PODS}, "podMetricsEndpoints": [{"port": METRICS, "interval": "30s"}]},
            opts=self.child(),
        )


def install(site: Site) -> Site:
    """The site with CRDs of KServe and what acts on them, where the settings ask for it."""
    spec = site.wanted(Spec)
    if spec is None:
        return site
    return site.with_crds(CRDS, Kserve("kserve", KserveArgs(spec=spec, site=site), site.opts))


def openings() -> Openings:
    """The API server calls webhooks from addresses that no selector names; the controller calls the API server."""
    return {**https(), "allow-webhooks": Allow(direction="Ingress", ports=(WEBHOOK_PORT,))}
