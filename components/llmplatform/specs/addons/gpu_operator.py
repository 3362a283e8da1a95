"""GPUs if the node image includes only driver and toolkit."""

from typing import ClassVar

from llmplatform.specs.capability import Capability


class GpuOperator(Capability):
    """NVIDIA's device plugin, feature discovery and GPU metrics. Driver and toolkit are in the node image."""

    charts: ClassVar = ("gpu-operator",)
    namespaces: ClassVar = ("gpu-operator",)
    needs_gpus: ClassVar = True
