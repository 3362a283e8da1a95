"""Grafana's dashboards about what is installed: a ConfigMap each, which the sidecar of Grafana's pod reads.

Safe to replace: a dashboard is away for a minute. Its address has its name, and stays.
Source: kube-prometheus-stack 88.5.3, values.yaml, `grafana.sidecar.dashboards` (`label`, `searchNamespace`).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes

from llmplatform.base.component import PlatformComponent
from llmplatform.base.labels import labels
from llmplatform.base.ordering import after
from llmplatform.base.site import Site
from llmplatform.catalog.dashboards import dashboard
from llmplatform.specs.addons import ClusterAutoscaler, Monitoring
from llmplatform.specs.services import Mlflow

LABEL = {"grafana_dashboard": "1"}
"""By which the sidecar finds them in every namespace."""


@dataclass(frozen=True, kw_only=True)
class DashboardsArgs:
    """Arguments of `Dashboards`."""

    name: str
    """Beginning of the objects' names."""
    namespace: pulumi.Input[str]
    """Existing namespace of the objects."""
    shown: tuple[str, ...]
    """Names of the dashboards."""


class Dashboards(PlatformComponent):
    """Dashboards for the Grafana of the cluster."""

    namespace: pulumi.Output[str]
    """Namespace of the dashboards."""

    def __init__(self, name: str, args: DashboardsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:addons:Dashboards", name, opts)
        made = [
            kubernetes.core.v1.ConfigMap(
                f"{name}-{each}",
                metadata=kubernetes.meta.v1.ObjectMetaArgs(
                    name=f"{args.name}-{each}",
                    namespace=args.namespace,
                    labels={**labels("dashboards", instance=args.name), **LABEL},
                ),
                data={f"llmplatform-{each}.json": dashboard(each)},
                opts=self.child(),
            )
            for each in args.shown
        ]
        self.namespace = after(args.namespace, *made)
        self.finish()


def show(site: Site, spec: Monitoring, namespace: pulumi.Input[str]) -> None:
    """The dashboards about what the site has, if the settings want them."""
    if not spec.shows:
        return
    wanted = DashboardsArgs(name=f"dashboards-{site.environment.name}", namespace=namespace, shown=tuple(_shown(site)))
    Dashboards("dashboards", wanted, site.opts)


def _shown(site: Site) -> Iterator[str]:
    """The dashboards that have something to show."""
    yield from ("fleet", "model", "capacity")
    if any(pool.gpu for pool in site.pools):
        yield "gpus"
    if site.wanted(ClusterAutoscaler) and site.cloud and site.cloud.autoscaler:
        yield "autoscaler"
    if site.wanted(Mlflow):
        yield "mlflow"
