"""Metrics of GPUs where the cloud brings driver and device plugin: NVIDIA's DCGM exporter, and nothing else.

The exporter rather than ACK's own (`ack-gpu-exporter`): it gives the names that the GPU operator gives on other clouds,
so that one set of rules and dashboards fits all, it needs no Prometheus of the cloud, and what it exports is a list in
this file. Two exporters on a node would count every GPU twice.
Dangerous to replace: nothing; metrics have a gap while it is gone.
Source of the names: the exporter's own list (NVIDIA/dcgm-exporter, etc/default-counters.csv), and go-dcgm's
`pkg/dcgm/const_fields.go`: a name that is not there ends the exporter at its start.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi

from llmplatform.addons.tolerations import on_gpu_nodes
from llmplatform.base.charts import Values, release
from llmplatform.base.component import PlatformComponent
from llmplatform.base.namespace import ADDON_DEFAULTS, Namespace, NamespaceArgs, addon_quota
from llmplatform.base.network_policy import https, scraped
from llmplatform.base.ordering import after
from llmplatform.base.pulling import login
from llmplatform.catalog.versions import CHARTS
from llmplatform.planning.pools import POOL_LABEL, PoolPlan
from llmplatform.specs.mirrors import Mirrors

NAMESPACE = "gpu-metrics"
PODS = 1000
"""One on each GPU node, and a second while it is replaced."""
METRICS_PORT = 9400
"""The chart's own, at its pinned version."""
IMAGE = "nvcr.io/nvidia/k8s/dcgm-exporter"

COUNTERS: Mapping[str, tuple[str, str]] = {
    "DCGM_FI_DEV_SM_CLOCK": ("gauge", "SM clock frequency (in MHz)."),
    "DCGM_FI_DEV_MEM_CLOCK": ("gauge", "Memory clock frequency (in MHz)."),
    "DCGM_FI_DEV_GPU_TEMP": ("gauge", "GPU temperature (in C)."),
    "DCGM_FI_DEV_MEMORY_TEMP": ("gauge", "Memory temperature (in C)."),
    "DCGM_FI_DEV_POWER_USAGE": ("gauge", "Power draw (in W)."),
    "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION": ("counter", "Total energy consumption since boot (in mJ)."),
    "DCGM_FI_DEV_PCIE_REPLAY_COUNTER": ("counter", "Total number of PCIe retries."),
    "DCGM_FI_DEV_GPU_UTIL": ("gauge", "GPU utilization (in %)."),
    "DCGM_FI_DEV_MEM_COPY_UTIL": ("gauge", "Memory utilization (in %)."),
    "DCGM_FI_DEV_FB_FREE": ("gauge", "Framebuffer memory free (in MiB)."),
    "DCGM_FI_DEV_FB_USED": ("gauge", "Framebuffer memory used (in MiB)."),
    "DCGM_FI_DEV_XID_ERRORS": ("gauge", "Value of the last XID error encountered."),
    "DCGM_EXP_XID_ERRORS_COUNT": ("counter", "XID errors of the last minutes; the value above stays for ever."),
    "DCGM_FI_DEV_ECC_SBE_VOL_TOTAL": ("counter", "Single-bit errors of memory since the driver was loaded."),
    "DCGM_FI_DEV_ECC_DBE_VOL_TOTAL": ("counter", "Double-bit errors of memory since the driver was loaded."),
    "DCGM_FI_DEV_ECC_DBE_AGG_TOTAL": ("counter", "Double-bit errors of memory in the GPU's life."),
    "DCGM_FI_DEV_POWER_VIOLATION": ("counter", "Time throttled for power (in ns)."),
    "DCGM_FI_DEV_THERMAL_VIOLATION": ("counter", "Time throttled for heat (in ns)."),
    "DCGM_FI_DEV_ROW_REMAP_PENDING": ("gauge", "Whether remapping of rows waits for a reset of the GPU."),
    "DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS": ("counter", "Remapped rows for uncorrectable errors."),
    "DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS": ("counter", "Remapped rows for correctable errors."),
    "DCGM_FI_DEV_ROW_REMAP_FAILURE": ("gauge", "Whether remapping of rows has failed."),
    "DCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL": ("counter", "NVLink bandwidth counters for all lanes."),
    "DCGM_FI_DEV_NVLINK_CRC_FLIT_ERROR_COUNT_TOTAL": ("counter", "Checksum errors of NVLink's flow control."),
    "DCGM_FI_DEV_NVLINK_REPLAY_ERROR_COUNT_TOTAL": ("counter", "Retries of NVLink."),
    "DCGM_FI_PROF_GR_ENGINE_ACTIVE": ("gauge", "Ratio of time the graphics engine is active."),
    "DCGM_FI_PROF_PIPE_TENSOR_ACTIVE": ("gauge", "Ratio of cycles the tensor pipe is active."),
    "DCGM_FI_PROF_DRAM_ACTIVE": ("gauge", "Ratio of cycles the device memory interface is active."),
    "DCGM_FI_PROF_PCIE_TX_BYTES": ("gauge", "Data sent over PCIe (in bytes a second)."),
    "DCGM_FI_PROF_PCIE_RX_BYTES": ("gauge", "Data received over PCIe (in bytes a second)."),
}
"""Metrics that are exported on every cloud, with type and meaning. Rules and dashboards query no others."""


class _Image(Values):
    repository: str


class ExporterMonitor(Values):
    """How the exporter is scraped: the same on every cloud, so that one set of rules and dashboards fits all."""

    enabled: bool
    interval: str = "15s"
    honor_labels: bool = True
    """Namespace and pod are those that have the GPU; else Prometheus would write the exporter's over them."""
    relabelings: tuple[dict[str, str], ...] = ({"targetLabel": "job", "replacement": "dcgm-exporter"},)


class GpuMetricsValues(Values):
    """Values of the chart that we set."""

    fullname_override: str = "dcgm-exporter"
    image: _Image | None
    image_pull_secrets: tuple[dict[str, str], ...] | None
    affinity: dict[str, Any]
    tolerations: tuple[dict[str, str], ...]
    service_monitor: ExporterMonitor
    custom_metrics: str


@dataclass(frozen=True, kw_only=True)
class GpuMetricsArgs:
    """Arguments of `GpuMetrics`."""

    pools: tuple[PoolPlan, ...]
    """Pools of the cluster; the exporter runs on those with GPUs, of which there is at least one."""
    charts_dir: str
    mirrors: Mirrors = field(default_factory=Mirrors)
    registry_password: pulumi.Input[str] | None = None
    """Password of the mirrors' login. None: there is no login."""
    monitoring_namespace: pulumi.Input[str] | None = None
    """Namespace of the Prometheus that scrapes the metrics. None: nobody does."""
    monitoring_kinds: pulumi.Resource | None = None
    """What brings the kind ServiceMonitor; None when it is there already."""


class GpuMetrics(PlatformComponent):
    """The exporter in a namespace of its own."""

    namespace: pulumi.Output[str]

    def __init__(self, name: str, args: GpuMetricsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:addons:GpuMetrics", name, opts)
        rails = NamespaceArgs(
            namespace=NAMESPACE,
            # It reads the devices and the kubelet's list of who has them.
            pod_security="privileged",
            quota=addon_quota(PODS),
            container_defaults=ADDON_DEFAULTS,
            login=login(args.mirrors, args.registry_password),
            openings={**https(), **scraped(args.monitoring_namespace, METRICS_PORT)},
        )
        space = Namespace(f"{name}-space", rails, self.child())
        installed = release(
            f"{name}-release",
            CHARTS["dcgm-exporter"],
            values(args),
            namespace=space.name,
            charts_dir=args.charts_dir,
            # Its ServiceMonitor is of a kind that monitoring brings.
            opts=self.child(depends_on=[args.monitoring_kinds] if args.monitoring_kinds else []),
        )
        self.namespace = after(space.name, installed)
        self.finish()


def counters() -> str:
    """The exporter's list: one line for each metric."""
    return "".join(f"{name}, {kind}, {meaning}\n" for name, (kind, meaning) in COUNTERS.items())


def values(args: GpuMetricsArgs) -> GpuMetricsValues:
    """Values of the release."""
    image = args.mirrors.image(IMAGE)
    return GpuMetricsValues(
        image=_Image(repository=image) if image != IMAGE else None,
        image_pull_secrets=tuple({"name": each} for each in args.mirrors.pull_secrets) or None,
        affinity=_on_pools([pool for pool in args.pools if pool.gpu]),
        tolerations=on_gpu_nodes(args.pools),
        service_monitor=ExporterMonitor(enabled=args.monitoring_namespace is not None),
        custom_metrics=counters(),
    )


def _on_pools(pools: list[PoolPlan]) -> dict[str, Any]:
    """Affinity to nodes of the pools: on any other node the exporter finds no GPU and ends again and again."""
    ours = [pool.name for pool in pools if pool.selector == {POOL_LABEL: pool.name}]
    among: list[Mapping[str, list[str]]] = [{POOL_LABEL: ours}] if ours else []
    among += [{key: [value] for key, value in pool.selector.items()} for pool in pools if pool.name not in ours]
    terms = [
        {"matchExpressions": [{"key": key, "operator": "In", "values": values} for key, values in each.items()]}
        for each in among
    ]
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}}
