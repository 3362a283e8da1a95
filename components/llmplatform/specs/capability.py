"""A capability: software that can be installed into a cluster, and what planning and checks know about it."""

from typing import ClassVar

from llmplatform.specs.section import Section


class Capability(Section):
    """Settings of a capability. Planning and checks read the class variables."""

    charts: ClassVar[tuple[str, ...]] = ()
    """Charts of the catalog that it installs."""
    namespaces: ClassVar[tuple[str, ...]] = ()
    """Its own namespaces; nothing else may have their names."""
    needs_gpus: ClassVar[bool] = False
    """Whether it is useless without GPUs."""

    enabled: bool = True

    @property
    def installed(self) -> bool:
        """Whether this stack installs it: it is enabled, and not an existing one."""
        return self.enabled

    @property
    def installed_charts(self) -> tuple[str, ...]:
        """Charts that these settings install."""
        return self.charts if self.installed else ()

    @property
    def made_namespaces(self) -> tuple[str, ...]:
        """Namespaces that these settings create."""
        return self.namespaces if self.installed else ()
