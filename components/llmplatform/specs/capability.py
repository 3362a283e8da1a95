"""What can be installed into a cluster, with what must be known of it beforehand."""

from typing import ClassVar

from llmplatform.specs.section import Section


class Capability(Section):
    """Settings of something that a stack installs. The class variables are what planning and checks know of it."""

    charts: ClassVar[tuple[str, ...]] = ()
    """Charts of the catalog that it installs."""
    namespaces: ClassVar[tuple[str, ...]] = ()
    """Namespaces that it makes for itself; nothing else may have their names."""
    needs_gpus: ClassVar[bool] = False
    """Whether a cluster without GPUs has no use for it."""

    enabled: bool = True

    @property
    def installed(self) -> bool:
        """Whether this stack installs it: it is enabled, and not in the cluster already."""
        return self.enabled

    @property
    def installed_charts(self) -> tuple[str, ...]:
        """Charts that these settings install."""
        return self.charts if self.installed else ()

    @property
    def made_namespaces(self) -> tuple[str, ...]:
        """Namespaces that these settings make."""
        return self.namespaces if self.installed else ()
