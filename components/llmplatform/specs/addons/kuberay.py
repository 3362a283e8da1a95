"""Ray clusters for models that Ray Serve serves."""

from typing import ClassVar, Literal

from llmplatform.specs.capability import Capability
from llmplatform.specs.vocabulary.names import Name


class Kuberay(Capability):
    """KubeRay: makes Ray clusters, for models behind Ray Serve. It acts in the models' namespace alone."""

    charts: ClassVar = ("kuberay-operator",)
    namespaces: ClassVar = ("kuberay",)

    enabled: bool = False
    kind: Literal["new", "existing"] = "new"
    """`new` installs it. `existing` uses the operator of the cluster, which has to watch the models' namespace; only
    `namespace` applies."""
    namespace: Name = "kuberay"
    """Its namespace: a new one, or that of an existing operator, which the models' Ray clusters then admit."""

    @property
    def installed(self) -> bool:
        """Whether this stack installs it."""
        return self.enabled and self.kind == "new"

    @property
    def made_namespaces(self) -> tuple[str, ...]:
        """The namespace in the settings."""
        return (self.namespace,) if self.installed else ()
