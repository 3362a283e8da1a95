"""NVIDIA's GPU operator: device plugin, feature discovery and GPU metrics.

Driver and container toolkit come with the node image. A second owner of `nvidia.com/gpu` on a node is an error, so the
device plugin is left to node images that bring their own.
Dangerous to replace: nothing; but while it is gone no new GPU pod starts.
"""

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import pulumi
from pydantic import Field

from llmplatform.addons.gpu_metrics import ExporterMonitor, counters
from llmplatform.addons.tolerations import Tolerations, on_gpu_nodes
from llmplatform.base.charts import Values, release
from llmplatform.base.component import PlatformComponent
from llmplatform.base.namespace import ADDON_DEFAULTS, Namespace, NamespaceArgs, addon_quota
from llmplatform.base.network_policy import https, scraped
from llmplatform.base.ordering import after
from llmplatform.base.pulling import login
from llmplatform.catalog.versions import CHARTS
from llmplatform.planning.pools import PoolPlan, further_taints, has_device_plugin
from llmplatform.specs.mirrors import Mirrors

NAMESPACE = "gpu-operator"
PODS = 2000
"""A dozen on each GPU node, one on every other."""
METRICS_PORT, EXPORTER_PORT = 8080, 9400
"""The chart's own, at its pinned version: the operator's and the exporter's."""
NVIDIA = "nvcr.io/nvidia"
FEATURE_DISCOVERY = "registry.k8s.io/nfd/node-feature-discovery"


class _Pulled(Values):
    repository: str | None = None
    image_pull_secrets: tuple[str, ...] | None = None


class _Component(_Pulled):
    enabled: bool | None = None


class _Operator(_Pulled):
    upgrade_crd: bool = Field(default=True, serialization_alias="upgradeCRD")
    """Helm itself never upgrades these."""
    cleanup_crd: bool = Field(default=False, serialization_alias="cleanupCRD")


class _EnvVar(Values):
    name: str
    value: str


class _PluginCheck(Values):
    env: tuple[_EnvVar, ...] = (_EnvVar(name="WITH_WORKLOAD", value="false"),)
    """The check must not take the GPU that a model waits for."""


class _Validator(_Pulled):
    plugin: _PluginCheck = _PluginCheck()


class _Counters(Values):
    name: str
    """Another list has another name: pods of the exporter do not see that a list has changed."""
    create: bool = True
    data: str


class _DcgmExporter(_Pulled):
    service_monitor: ExporterMonitor
    config: _Counters


class _Image(Values):
    repository: str


class _OnNodes(Values):
    tolerations: Tolerations


class _FeatureDiscovery(Values):
    image: _Image | None
    image_pull_secrets: tuple[dict[str, str], ...] | None
    worker: _OnNodes | None
    """It labels the nodes on which all the others are started."""


class GpuOperatorValues(Values):
    """Values of the chart that we set."""

    driver: _Component = _Component(enabled=False)
    toolkit: _Component = _Component(enabled=False)
    """Installing it over the image's own breaks the container runtime of every new node."""
    device_plugin: _Component
    mig_manager: _Component = _Component(enabled=False)
    """It restarts nodes to divide GPUs; no pool asks for that."""
    cc_manager: _Component = _Component(enabled=False)
    """It sets GPUs to confidential computing, which pods without confidential machines cannot use."""
    kata_sandbox_device_plugin: _Component = _Component(enabled=False)
    """For pods in machines of their own, which no pool has."""
    gfd: _Component
    daemonsets: _OnNodes | None
    operator: _Operator
    validator: _Validator
    dcgm_exporter: _DcgmExporter
    node_feature_discovery: _FeatureDiscovery | None = Field(serialization_alias="node-feature-discovery")


@dataclass(frozen=True, kw_only=True)
class GpuOperatorArgs:
    """Arguments of `GpuOperator`."""

    pools: tuple[PoolPlan, ...]
    charts_dir: str
    mirrors: Mirrors = field(default_factory=Mirrors)
    registry_password: pulumi.Input[str] | None = None
    """Password of the mirrors' login. None: there is no login."""
    monitoring_namespace: pulumi.Input[str] | None = None
    """Namespace of the Prometheus that scrapes GPU metrics. None: nobody does."""
    monitoring_kinds: pulumi.Resource | None = None
    """What brings the kind ServiceMonitor; None when it is there already."""


class GpuOperator(PlatformComponent):
    """The operator in a namespace of its own."""

    namespace: pulumi.Output[str]

    def __init__(self, name: str, args: GpuOperatorArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:addons:GpuOperator", name, opts)
        rails = NamespaceArgs(
            namespace=NAMESPACE,
            # Its DaemonSets mount the host.
            pod_security="privileged",
            quota=addon_quota(PODS),
            container_defaults=ADDON_DEFAULTS,
            login=login(args.mirrors, args.registry_password),
            # Operator, DaemonSets and node feature discovery all speak through the API server.
            openings={**https(), **scraped(args.monitoring_namespace, METRICS_PORT, EXPORTER_PORT)},
        )
        space = Namespace(f"{name}-space", rails, self.child())
        kinds = [args.monitoring_kinds] if args.monitoring_kinds else []
        installed = release(
            f"{name}-release",
            CHARTS["gpu-operator"],
            values(args),
            namespace=space.name,
            charts_dir=args.charts_dir,
            # The operator silently makes no ServiceMonitor when the kind is missing at its start.
            opts=self.child(depends_on=kinds),
        )
        self.namespace = after(space.name, installed)
        self.finish()


def brings_device_plugin(pools: tuple[PoolPlan, ...]) -> bool:
    """Whether any GPU pool's image lacks a device plugin. Bottlerocket carries its own."""
    return any(pool.gpu and not has_device_plugin(pool.spec) for pool in pools)


def values(args: GpuOperatorArgs) -> GpuOperatorValues:
    """Values of the release."""

    def mirrored(folder: str) -> str | None:
        moved = args.mirrors.image(folder)
        return moved if moved != folder else None

    def pulled(folder: str = NVIDIA) -> dict[str, Any]:
        return {"repository": mirrored(folder), "image_pull_secrets": secrets or None}

    secrets, discovery, exported = args.mirrors.pull_secrets, mirrored(FEATURE_DISCOVERY), counters()
    # By itself the chart bears the taint of GPU nodes alone, in both places.
    tainted = _OnNodes(tolerations=on_gpu_nodes(args.pools)) if further_taints(args.pools) else None
    return GpuOperatorValues(
        device_plugin=_Component(enabled=brings_device_plugin(args.pools), **pulled()),
        gfd=_Component(enabled=True, **pulled()),
        daemonsets=tainted,
        operator=_Operator(**pulled()),
        validator=_Validator(**pulled()),
        dcgm_exporter=_DcgmExporter(
            **pulled(f"{NVIDIA}/k8s"),
            service_monitor=ExporterMonitor(enabled=args.monitoring_namespace is not None),
            config=_Counters(name=f"gpu-counters-{sha256(exported.encode()).hexdigest()[:8]}", data=exported),
        ),
        node_feature_discovery=_FeatureDiscovery(
            image=_Image(repository=discovery) if discovery else None,
            image_pull_secrets=tuple({"name": each} for each in secrets) or None,
            worker=tainted,
        )
        if discovery or tainted or secrets
        else None,
    )
