"""GPU metrics if the cloud installs driver and device plugin."""

from typing import ClassVar

from llmplatform.specs.capability import Capability


class GpuMetrics(Capability):
    """Metrics of GPUs by NVIDIA's DCGM exporter. ACK itself installs driver and device plugin."""

    charts: ClassVar = ("dcgm-exporter",)
    namespaces: ClassVar = ("gpu-metrics",)
    needs_gpus: ClassVar = True
