"""What runs in the cluster beneath the models: installed here, or by another stack."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pulumi

from archives import CHARTS
from foundation import Foundation
from llmplatform import addons
from llmplatform.base.namespace import INTERNAL, Namespace, NamespaceArgs
from llmplatform.base.site import MONITORS, Site
from llmplatform.planning.pools import GPU_RESOURCE, PoolPlan, gpu_capacity
from llmplatform.specs.addons import AlicloudAddons, ClusterAutoscaler, ExistingIssuer
from llmplatform.specs.cluster import ExistingCluster
from llmplatform.specs.platform import ExistingPlatform
from llmplatform.specs.stack import Stack
from settings import Secrets


@dataclass(frozen=True, kw_only=True)
class Platform:
    """What the models find in the cluster."""

    models_namespace: pulumi.Output[str]
    monitoring_namespace: pulumi.Output[str] | None
    """Namespace of the Prometheus that scrapes; None where nobody does."""
    monitoring_kinds: pulumi.Resource | None
    """What brings the kind ServiceMonitor; None where it is there already, or nobody scrapes."""
    grafana_secret: pulumi.Output[str] | None
    certificate_issuer: pulumi.Output[str] | None
    """ClusterIssuer; None where there is none, or another stack's."""


def install(
    stack: Stack,
    pools: tuple[PoolPlan, ...],
    foundation: Foundation,
    secrets: Secrets,
    inside: pulumi.ResourceOptions,
) -> Platform:
    """The platform that a stack file asks for. `inside` has the providers of the cluster."""
    if isinstance(stack.platform, ExistingPlatform):
        scraper = stack.platform.monitoring_namespace
        return Platform(
            models_namespace=pulumi.Output.from_input(stack.platform.models_namespace),
            monitoring_namespace=pulumi.Output.from_input(scraper) if scraper else None,
            monitoring_kinds=None,
            grafana_secret=None,
            certificate_issuer=None,
        )
    layer = _Layer(stack, pools, foundation, secrets, inside)
    # Servers wait for nodes, and hold as many of the engine's slots as there are: what makes nodes cannot come later.
    models = layer.models_namespace(after=[*layer.cluster_autoscaler(), *layer.gpus()])
    issuer = layer.certificates(models)
    return Platform(
        models_namespace=models,
        monitoring_namespace=layer.scraper,
        monitoring_kinds=layer.kinds,
        grafana_secret=layer.monitoring.grafana_secret if layer.monitoring else None,
        certificate_issuer=issuer,
    )


def gpu_quota(pools: tuple[PoolPlan, ...]) -> dict[str, str]:
    """Nobody can ask for more GPUs than the pools can grow to. Without a GPU pool there is nothing to bound."""
    if not any(pool.gpu for pool in pools):
        return {}
    return {f"requests.{GPU_RESOURCE}": str(gpu_capacity(pools))}


class _Layer:
    """The add-ons of one cluster: each depends on the CRDs of monitors, and on none of the others.

    The models' namespace depends on those that make nodes, so that whatever is put into it does, too.
    """

    def __init__(
        self,
        stack: Stack,
        pools: tuple[PoolPlan, ...],
        foundation: Foundation,
        secrets: Secrets,
        inside: pulumi.ResourceOptions,
    ) -> None:
        self.stack, self.foundation, self.secrets = stack, foundation, secrets
        self.site = Site(
            environment=stack.environment,
            pools=pools,
            mirrors=stack.mirrors,
            charts_dir=CHARTS,
            registry_password=secrets.registry_password,
            opts=inside,
        )
        wanted = stack.addons.monitoring
        self.monitoring = self._monitoring() if wanted.installed else None
        self.kinds = self.monitoring.crds if self.monitoring else None
        there = pulumi.Output.from_input(wanted.namespace) if wanted.enabled else None
        self.scraper = self.monitoring.namespace if self.monitoring else there
        self.site = replace(self.site, scraper=self.scraper, crds={MONITORS: self.kinds})

    def _monitoring(self) -> addons.Monitoring:
        args = addons.MonitoringArgs(
            spec=self.stack.addons.monitoring,
            site=self.site,
            storage_class=self.foundation.block_class,
            alert_receiver=self.secrets.alert_receiver,
        )
        return addons.Monitoring("monitoring", args, self.site.opts)

    def models_namespace(self, *, after: Sequence[pulumi.Resource]) -> pulumi.Output[str]:
        args = NamespaceArgs(
            namespace=self.stack.platform.models_namespace,
            quota={**INTERNAL, **gpu_quota(self.site.pools)},
            container_defaults={"cpu": "100m", "memory": "128Mi"},
            after=after,
        )
        return Namespace("models", args, self.site.opts).name

    def gpus(self) -> list[pulumi.Resource]:
        if not any(pool.gpu for pool in self.site.pools):
            return []
        wanted = self.stack.addons
        # ACK brings driver and device plugin: a second owner of either would break its nodes.
        if isinstance(wanted, AlicloudAddons):
            if not wanted.gpu_metrics.enabled:
                return []
            return [addons.GpuMetrics("gpu-metrics", addons.GpuMetricsArgs(site=self.site), self.site.opts)]
        if not wanted.gpu_operator.enabled:
            return []
        return [addons.GpuOperator("gpu-operator", addons.GpuOperatorArgs(site=self.site), self.site.opts)]

    def cluster_autoscaler(self) -> list[pulumi.Resource]:
        cloud, spec = self.foundation.autoscaler, self.stack.addons.cluster_autoscaler
        if cloud is None or not isinstance(spec, ClusterAutoscaler) or not spec.enabled:
            return []
        args = addons.ClusterAutoscalerArgs(
            spec=spec,
            site=self.site,
            region=self.stack.cloud.region,
            kubernetes_version=self.stack.cluster.kubernetes_version,
            cluster_name=self.foundation.cluster_name,
            identity=cloud.identity,
            group_names=cloud.group_names,
            other_groups=isinstance(self.stack.cluster, ExistingCluster),
        )
        return [addons.ClusterAutoscaler("autoscaler", args, self.site.opts)]

    def certificates(self, namespace: pulumi.Output[str]) -> pulumi.Output[str] | None:
        wanted = self.stack.addons
        if not wanted.cert_manager.enabled:
            return None
        issuer = self._issuer()
        if wanted.gateway.host:
            certificate = addons.CertificateArgs(host=wanted.gateway.host, namespace=namespace, issuer=issuer)
            addons.Certificate("gateway", certificate, self.site.opts)
        return issuer

    def _issuer(self) -> pulumi.Output[str]:
        wanted = self.stack.addons.cert_manager
        if isinstance(wanted.issuer, ExistingIssuer):
            return pulumi.Output.from_input(wanted.issuer.name)
        args = addons.CertManagerArgs(spec=wanted, site=self.site, challenge=self.foundation.challenge)
        return addons.CertManager("cert-manager", args, self.site.opts).issuer
