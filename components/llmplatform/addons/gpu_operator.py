"""NVIDIA's GPU operator: device plugin, feature discovery and GPU metrics.

Driver and container toolkit are in the node image. A second owner of `nvidia.com/gpu` on a node is an error, so nodes
whose image includes a device plugin keep that one. Safe to replace, except that no new GPU pod starts meanwhile.
"""

from dataclasses import dataclass, replace
from hashlib import sha256

import pulumi
from pydantic import Field

from llmplatform.addons.gpu_metrics import ExporterMonitor, counters
from llmplatform.addons.tolerations import on_gpu_nodes
from llmplatform.base.chart_values import Switch, Tolerations, Values
from llmplatform.base.component import PlatformComponent
from llmplatform.base.network_policy import https
from llmplatform.base.ordering import after
from llmplatform.base.site import Pods, Rails, Site
from llmplatform.planning.pools import PoolPlan, further_taints, has_device_plugin
from llmplatform.specs.addons import GpuOperator as Spec

(NAMESPACE,) = Spec.namespaces
METRICS_PORT, EXPORTER_PORT = 8080, 9400
"""The chart's own, at its pinned version: the operator's and the exporter's."""


class _Operator(Values):
    upgrade_crd: bool = Field(default=True, serialization_alias="upgradeCRD")
    """Helm itself never upgrades these."""
    cleanup_crd: bool = Field(default=False, serialization_alias="cleanupCRD")


class _EnvVar(Values):
    name: str
    value: str


class _PluginCheck(Values):
    env: tuple[_EnvVar, ...] = (_EnvVar(name="WITH_WORKLOAD", value="false"),)
    """The check must not use the GPU that a model waits for."""


class _Validator(Values):
    plugin: _PluginCheck = _PluginCheck()


class _Counters(Values):
    name: str
    """Named after its content: pods of the exporter do not notice a changed list."""
    create: bool = True
    data: str


class _DcgmExporter(Values):
    service_monitor: ExporterMonitor
    config: _Counters


class _FeatureDiscovery(Values):
    worker: Tolerations
    """It labels the nodes for all other parts."""


class GpuOperatorValues(Values):
    """Values of the chart that we set."""

    driver: Switch = Switch(enabled=False)
    toolkit: Switch = Switch(enabled=False)
    """Installing it over the image's own breaks the container runtime of every new node."""
    device_plugin: Switch
    mig_manager: Switch = Switch(enabled=False)
    """It restarts nodes to divide GPUs, which no pool asks for."""
    cc_manager: Switch = Switch(enabled=False)
    """It sets GPUs to confidential computing, which needs confidential machines."""
    kata_sandbox_device_plugin: Switch = Switch(enabled=False)
    """For pods in virtual machines, which no pool has."""
    gfd: Switch = Switch()
    daemonsets: Tolerations | None
    operator: _Operator = _Operator()
    validator: _Validator = _Validator()
    dcgm_exporter: _DcgmExporter
    node_feature_discovery: _FeatureDiscovery | None = Field(serialization_alias="node-feature-discovery")


@dataclass(frozen=True, kw_only=True)
class GpuOperatorArgs:
    """Arguments of `GpuOperator`."""

    site: Site


class GpuOperator(PlatformComponent):
    """The operator in its own namespace."""

    namespace: pulumi.Output[str]

    def __init__(self, name: str, args: GpuOperatorArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:addons:GpuOperator", name, opts)
        rails = Rails(
            namespace=NAMESPACE,
            # Its DaemonSets mount the host.
            pod_security="privileged",
            pods=Pods(2000, "a dozen on each GPU node, one on every other"),
            # Operator, DaemonSets and node feature discovery all call the API server.
            openings=https(),
            metrics=(METRICS_PORT, EXPORTER_PORT),
        )
        installed = args.site.release(self, name, "gpu-operator", values(args.site), rails)
        self.namespace = after(NAMESPACE, installed)
        self.finish()


def install(site: Site) -> Site:
    """The site with GPUs for pods."""
    if site.wanted(Spec) is None:
        return site
    made = GpuOperator("gpu-operator", GpuOperatorArgs(site=site), site.opts)
    return replace(site, before_models=(*site.before_models, made))


def brings_device_plugin(pools: tuple[PoolPlan, ...]) -> bool:
    """Whether any GPU pool's image lacks a device plugin. Bottlerocket includes one."""
    return any(pool.gpu and not has_device_plugin(pool.spec) for pool in pools)


def values(site: Site) -> GpuOperatorValues:
    """Values of the release."""
    exported = counters()
    # By default the chart tolerates only the taint of GPU nodes, in both places.
    tainted = Tolerations(tolerations=on_gpu_nodes(site.pools)) if further_taints(site.pools) else None
    return GpuOperatorValues(
        device_plugin=Switch(enabled=brings_device_plugin(site.pools)),
        daemonsets=tainted,
        dcgm_exporter=_DcgmExporter(
            service_monitor=ExporterMonitor(enabled=site.scraped),
            config=_Counters(name=f"gpu-counters-{sha256(exported.encode()).hexdigest()[:8]}", data=exported),
        ),
        node_feature_discovery=_FeatureDiscovery(worker=tainted) if tainted else None,
    )
