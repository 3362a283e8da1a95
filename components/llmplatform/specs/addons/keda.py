"""Scaling of workloads by events."""

from typing import ClassVar

from llmplatform.specs.capability import Capability


class Keda(Capability):
    """KEDA: scales workloads by events and metrics, to zero and back.

    It serves `external.metrics.k8s.io`, which a cluster has once: switch it off where another adapter does.
    """

    charts: ClassVar = ("keda",)
    namespaces: ClassVar = ("keda",)
