"""Facts: GPUs, machines, models, versions, and what charts and engines accept.

Data files with source and date, and their readers.
"""

from llmplatform.catalog import engines, gpu_zones, gpus, instance_types, models, preparation, regions, versions
from llmplatform.catalog.chart_values import ChartKeys, CrdKind, chart_crds, chart_keys
from llmplatform.catalog.gpus import Gpu
from llmplatform.catalog.instance_types import InstanceType
from llmplatform.catalog.models import ModelShape

__all__ = [
    "ChartKeys",
    "CrdKind",
    "Gpu",
    "InstanceType",
    "ModelShape",
    "chart_crds",
    "chart_keys",
    "engines",
    "gpu_zones",
    "gpus",
    "instance_types",
    "models",
    "preparation",
    "regions",
    "versions",
]
