"""Scaling of workloads by events."""

from typing import ClassVar, Literal

from llmplatform.specs.capability import Capability
from llmplatform.specs.vocabulary.names import Name


class Keda(Capability):
    """KEDA: scales workloads by events and metrics, to zero and back.

    It serves `external.metrics.k8s.io`, which a cluster has once: switch it off where another adapter does.
    """

    charts: ClassVar = ("keda",)
    namespaces: ClassVar = ("keda",)

    kind: Literal["new", "existing"] = "new"
    """`new` installs it. `existing` uses the KEDA of the cluster; only `namespace` applies."""
    namespace: Name = "keda"
    """Its namespace: a new one, or that of an existing KEDA, whose operator Prometheus then admits."""

    @property
    def installed(self) -> bool:
        """Whether this stack installs it."""
        return self.enabled and self.kind == "new"

    @property
    def made_namespaces(self) -> tuple[str, ...]:
        """The namespace in the settings."""
        return (self.namespace,) if self.installed else ()
