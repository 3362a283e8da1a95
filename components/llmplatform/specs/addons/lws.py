"""Groups of pods for models that are larger than a node."""

from typing import ClassVar, Literal

from llmplatform.specs.capability import Capability


class Lws(Capability):
    """LeaderWorkerSet: starts, restarts and updates the pods of a replica over several nodes as one group.

    Models with `pipeline_parallel` over several nodes need it.
    """

    charts: ClassVar = ("lws",)
    namespaces: ClassVar = ("lws-system",)

    enabled: bool = False
    kind: Literal["new", "existing"] = "new"
    """`new` installs it. `existing` uses the controller of the cluster, v0.9 or later."""

    @property
    def installed(self) -> bool:
        """Whether this stack installs it."""
        return self.enabled and self.kind == "new"
