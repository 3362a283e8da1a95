"""Prometheus, Alertmanager and Grafana.

The CRDs (ServiceMonitor and others) are a separate release, so that dependent releases do not wait for Prometheus.
Prometheus' and Alertmanager's disks are deleted with their release; with full protection they stay. Dangerous to
replace: the release of the CRDs, because every monitor and rule is deleted with it, and the release of the stack,
because the metrics are deleted with it.
"""

from dataclasses import dataclass, replace

import pulumi
import pulumi_kubernetes as kubernetes
import pulumi_random as random

from llmplatform.addons import alerting, dashboards, keda
from llmplatform.addons.monitoring_values import PASSWORD_KEY, USER_KEY, values
from llmplatform.base import network_policy
from llmplatform.base.chart_values import Values
from llmplatform.base.component import PlatformComponent
from llmplatform.base.labels import labels
from llmplatform.base.namespace import Namespace
from llmplatform.base.network_policy import PROMETHEUS, PROMETHEUS_PORT, Allow, Openings, https
from llmplatform.base.ordering import after
from llmplatform.base.rules import PAGES, Rules, RulesArgs
from llmplatform.base.site import Pods, Rails, Site
from llmplatform.catalog.rules import Condition
from llmplatform.planning.backups import plan_backups
from llmplatform.planning.platform_rules import platform_rules
from llmplatform.specs.addons import Alerts, CertManager, ClusterAutoscaler, Keda
from llmplatform.specs.addons import Monitoring as Spec

STACK = "kube-prometheus-stack"
CRDS = "prometheus-operator-crds"
"""Charts: the programs, and their CRDs."""
ADMIN_SECRET = "grafana-admin"  # noqa: S105 the name of an object


@dataclass(frozen=True, kw_only=True)
class MonitoringArgs:
    """Arguments of `Monitoring`."""

    spec: Spec
    site: Site
    storage_class: pulumi.Input[str] | None = None
    """Class of volumes for one node. None: the cluster's default."""
    alert_receiver: pulumi.Input[str] | None = None
    """URL, key or password of the receiver of alerts; needed if the settings have one."""
    alert_pages: pulumi.Input[str] | None = None
    """The same of the receiver of pages."""
    alert_heartbeat: pulumi.Input[str] | None = None
    """URL of the heartbeat; needed if the settings want one."""

    def __post_init__(self) -> None:
        if self.spec.alerts and self.alert_receiver is None:
            raise ValueError("addons.monitoring.alerts: alerts need an address; set secrets.alert_receiver")
        if self.spec.alerts and self.spec.alerts.pages and self.alert_pages is None:
            raise ValueError("addons.monitoring.alerts.pages: pages need an address; set secrets.alert_pages")
        if self.spec.alerts and self.spec.alerts.heartbeat and self.alert_heartbeat is None:
            raise ValueError("addons.monitoring.alerts.heartbeat: it needs an address; set secrets.alert_heartbeat")


class Monitoring(PlatformComponent):
    """Prometheus, Alertmanager and Grafana with their chart's rules and dashboards, in their own namespace."""

    namespace: pulumi.Output[str]
    """Namespace of the Prometheus that scrapes. Depends on the CRDs."""
    prometheus_url: pulumi.Output[str]
    """Address within the cluster."""
    grafana_secret: pulumi.Output[str]
    """Secret of Grafana's administrator, with `admin-user` and `admin-password`."""

    def __init__(self, name: str, args: MonitoringArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:addons:Monitoring", name, opts)
        self._logical, self._args = name, args
        rails = Rails(
            namespace=args.spec.namespace,
            # The node exporter reads the host.
            pod_security="privileged",
            pods=Pods(1000, "one on every node, and a dozen beside"),
            openings=openings(args.spec.alerts, args.site.wanted(Keda)),
        )
        space = args.site.namespace(self, name, rails)
        self.crds: pulumi.Resource = args.site.release(self, name, CRDS, Values(), space, role="crds")
        """Installs the CRDs of monitors: monitors depend on it."""
        secret = self._admin(space.name)
        installed = self._stack(space, secret, self._receiver(space.name))

        self.namespace = after(space.name, self.crds)
        address = f"http://{STACK}-prometheus.{args.spec.namespace}.svc:{PROMETHEUS_PORT}"
        self.prometheus_url = after(address, installed)
        self.grafana_secret = secret
        self.finish()

    def _admin(self, namespace: pulumi.Output[str]) -> pulumi.Output[str]:
        """The chart would generate another password at each update, and write it into the release."""
        password = random.RandomPassword(f"{self._logical}-grafana", length=32, special=False, opts=self.child())
        secret = kubernetes.core.v1.Secret(
            f"{self._logical}-grafana-secret",
            metadata=kubernetes.meta.v1.ObjectMetaArgs(
                name=ADMIN_SECRET, namespace=namespace, labels=labels("grafana", instance=self._logical)
            ),
            string_data={USER_KEY: "admin", PASSWORD_KEY: password.result},
            opts=self.child(),
        )
        return after(ADMIN_SECRET, secret)

    def _receiver(self, namespace: pulumi.Output[str]) -> pulumi.Output[str] | None:
        """The address is in its own Secret: chart values would show it in plain state."""
        alerts, address = self._args.spec.alerts, self._args.alert_receiver
        if alerts is None or address is None:
            return None
        addresses = {
            alerting.KEY: address,
            **({alerting.PAGES_KEY: self._args.alert_pages} if alerts.pages and self._args.alert_pages else {}),
            **({alerting.HEARTBEAT_KEY: beat} if alerts.heartbeat and (beat := self._args.alert_heartbeat) else {}),
        }
        secret = kubernetes.core.v1.Secret(
            f"{self._logical}-alert-receiver",
            metadata=kubernetes.meta.v1.ObjectMetaArgs(
                name=alerting.SECRET, namespace=namespace, labels=labels("alertmanager", instance=self._logical)
            ),
            string_data={key: pulumi.Output.secret(each) for key, each in addresses.items()},
            opts=self.child(),
        )
        return after(alerting.SECRET, secret)

    def _stack(
        self, space: Namespace, admin_secret: pulumi.Output[str], receiver: pulumi.Output[str] | None
    ) -> kubernetes.helm.v3.Release:
        wanted = values(
            self._args.spec,
            placeholders=[pool.placeholder for pool in self._args.site.pools if pool.spec.warm],
            keep_disks=self._args.site.environment.protected,
            models=self._args.site.models_home,
            admin_secret=admin_secret,
            receiver_secret=receiver,
            storage_class=self._args.storage_class,
        )
        # Its Prometheus and monitors are custom resources of the other release's CRDs.
        return self._args.site.release(self, self._logical, STACK, wanted, space, role="stack", depends_on=[self.crds])


def install(site: Site) -> Site:
    """The site with CRDs of monitors and a Prometheus that reads them: new or existing ones."""
    spec = site.wanted(Spec)
    if spec is None:
        return site
    if not spec.installed:
        _rules(site, spec, spec.namespace, None)
        dashboards.show(site, spec, spec.namespace)
        return replace(site.with_crds(CRDS, None), scraper=spec.namespace, prometheus_url=spec.url)
    args = MonitoringArgs(
        spec=spec,
        site=site,
        storage_class=site.cloud.block_class if site.cloud else None,
        alert_receiver=site.secrets.get("alert_receiver"),
        alert_pages=site.secrets.get("alert_pages"),
        alert_heartbeat=site.secrets.get("alert_heartbeat"),
    )
    made = Monitoring("monitoring", args, site.opts)
    _rules(site, spec, made.namespace, made.crds)
    dashboards.show(site, spec, made.namespace)
    outputs = {**site.outputs, "grafana_secret": made.grafana_secret}
    return replace(
        site.with_crds(CRDS, made.crds),
        scraper=made.namespace,
        prometheus_url=made.prometheus_url,
        outputs=outputs,
    )


def _rules(site: Site, spec: Spec, namespace: pulumi.Input[str], crds: pulumi.Resource | None) -> None:
    """The rules about the platform itself."""
    having: dict[Condition, bool] = {
        "autoscaler": site.wanted(ClusterAutoscaler) is not None and bool(site.cloud and site.cloud.autoscaler),
        "certificates": site.wanted(CertManager) is not None,
    }
    groups = platform_rules(
        site.pools,
        [condition for condition, there in having.items() if there],
        environment=site.environment.name,
        runbooks=spec.runbooks or PAGES,
        backups=plan_backups(site.sections),
        budget=spec.budget,
    )
    # Several platforms may share an existing Prometheus.
    wanted = RulesArgs(name=f"platform-{site.environment.name}", namespace=namespace, groups=groups, crds=crds)
    Rules("platform-rules", wanted, site.opts)


def openings(alerts: Alerts | None, scaling: Keda | None) -> Openings:
    """Only Prometheus connects everywhere; the operator's webhooks, which the API server would call, are off."""
    return {
        **_receiver(alerts),
        **_scaling(scaling),
        **https(),
        "allow-own-pods-in": Allow(direction="Ingress", peers=(network_policy.own_pods(),)),
        "allow-own-pods-out": Allow(direction="Egress", peers=(network_policy.own_pods(),)),
        # It scrapes every namespace, each kubelet and each node's exporter, on the ports in their monitors.
        "allow-scraping": Allow(
            direction="Egress",
            peers=(network_policy.every_namespace(), network_policy.elsewhere()),
            pods=PROMETHEUS,
        ),
    }


def _scaling(spec: Keda | None) -> Openings:
    """The opening for queries of KEDA, which is installed later; its own half is in its namespace."""
    if spec is None:
        return {}
    way = Allow(
        direction="Ingress",
        peers=(network_policy.pods(spec.namespace, keda.OPERATOR),),
        ports=(PROMETHEUS_PORT,),
        pods=PROMETHEUS,
    )
    return {"allow-scaling": way}


def _receiver(alerts: Alerts | None) -> Openings:
    """The openings to receivers in the cluster and to mail servers; others outside are reached by HTTPS."""
    found: Openings = {}
    for name, receiver in {"receiver": alerts, "pages": alerts.pages if alerts else None}.items():
        if receiver and receiver.inside:
            peers, port = (network_policy.namespace(receiver.inside.namespace),), receiver.inside.port
        elif receiver and receiver.email:
            peers, port = (network_policy.elsewhere(),), receiver.email.port
        else:
            continue
        way = Allow(direction="Egress", peers=peers, ports=(port,), pods={"app.kubernetes.io/name": "alertmanager"})
        found = {**found, f"allow-alert-{name}": way}
    return found
