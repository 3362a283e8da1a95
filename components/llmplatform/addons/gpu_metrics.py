"""Metrics of GPUs if the cloud installs driver and device plugin: NVIDIA's DCGM exporter, and nothing else.

The exporter rather than ACK's own (`ack-gpu-exporter`): its names are those of the GPU operator on other clouds, so
that one set of rules and dashboards fits all; it needs no Prometheus of the cloud; and this file lists its metrics. Two
exporters on a node would count every GPU twice. Safe to replace: metrics have a gap meanwhile.
Source of the names: the exporter's own list (NVIDIA/dcgm-exporter, etc/default-counters.csv), and go-dcgm's
`pkg/dcgm/const_fields.go`: an unknown name ends the exporter at its start.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pulumi

from llmplatform.addons.tolerations import on_gpu_nodes
from llmplatform.base.chart_values import ServiceMonitor, Values
from llmplatform.base.component import PlatformComponent
from llmplatform.base.network_policy import https
from llmplatform.base.ordering import after
from llmplatform.base.site import Pods, Rails, Site
from llmplatform.planning.pools import POOL_LABEL, PoolPlan
from llmplatform.specs.addons import GpuMetrics as Spec

(NAMESPACE,) = Spec.namespaces
METRICS_PORT = 9400
"""The chart's own, at its pinned version."""

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
"""Metrics on every cloud, with type and meaning. Rules and dashboards query no others."""


class ExporterMonitor(ServiceMonitor):
    """How the exporter is scraped: the same on every cloud, so that one set of rules and dashboards fits all."""

    interval: str | None = "15s"
    honor_labels: bool = True
    """Namespace and pod are those that use the GPU; else Prometheus would replace them with the exporter's."""
    relabelings: tuple[dict[str, str], ...] = ({"targetLabel": "job", "replacement": "dcgm-exporter"},)


class GpuMetricsValues(Values):
    """Values of the chart that we set."""

    fullname_override: str = "dcgm-exporter"
    affinity: dict[str, Any]
    tolerations: tuple[dict[str, str], ...]
    service_monitor: ExporterMonitor
    custom_metrics: str


@dataclass(frozen=True, kw_only=True)
class GpuMetricsArgs:
    """Arguments of `GpuMetrics`."""

    site: Site
    """The exporter runs on its pools with GPUs; it has at least one."""


class GpuMetrics(PlatformComponent):
    """The exporter in its own namespace."""

    namespace: pulumi.Output[str]

    def __init__(self, name: str, args: GpuMetricsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:addons:GpuMetrics", name, opts)
        rails = Rails(
            namespace=NAMESPACE,
            # It reads the devices and the kubelet's list of their users.
            pod_security="privileged",
            pods=Pods(1000, "one on each GPU node, and a second while it is replaced"),
            openings=https(),
            metrics=(METRICS_PORT,),
        )
        installed = args.site.release(self, name, "dcgm-exporter", values(args.site), rails)
        self.namespace = after(NAMESPACE, installed)
        self.finish()


def install(site: Site) -> Site:
    """The site with metrics of its GPUs."""
    if site.wanted(Spec) is None:
        return site
    made = GpuMetrics("gpu-metrics", GpuMetricsArgs(site=site), site.opts)
    return replace(site, before_models=(*site.before_models, made))


def counters() -> str:
    """The exporter's list: one line for each metric."""
    return "".join(f"{name}, {kind}, {meaning}\n" for name, (kind, meaning) in COUNTERS.items())


def values(site: Site) -> GpuMetricsValues:
    """Values of the release."""
    return GpuMetricsValues(
        affinity=_on_pools([pool for pool in site.pools if pool.gpu]),
        tolerations=on_gpu_nodes(site.pools),
        service_monitor=ExporterMonitor(enabled=site.scraped),
        custom_metrics=counters(),
    )


def _on_pools(pools: list[PoolPlan]) -> dict[str, Any]:
    """Affinity to nodes of the pools: on any other node the exporter finds no GPU and restarts for ever."""
    ours = [pool.name for pool in pools if pool.selector == {POOL_LABEL: pool.name}]
    among: list[Mapping[str, list[str]]] = [{POOL_LABEL: ours}] if ours else []
    among += [{key: [value] for key, value in pool.selector.items()} for pool in pools if pool.name not in ours]
    terms = [
        {"matchExpressions": [{"key": key, "operator": "In", "values": values} for key, values in each.items()]}
        for each in among
    ]
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}}
