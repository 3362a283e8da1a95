"""Postgres within the cluster."""

from typing import ClassVar

from llmplatform.specs.capability import Capability

_OPERATOR, _PLUGIN = "cloudnative-pg", "plugin-barman-cloud"


class Cnpg(Capability):
    """CloudNativePG: makes Postgres servers within the cluster. They share its namespace, and it acts there alone."""

    charts: ClassVar = (_OPERATOR, _PLUGIN)
    namespaces: ClassVar = ("cnpg",)

    enabled: bool = False
    barman_cloud: bool = True
    """Also installs plugin-barman-cloud, which copies databases and their write-ahead log to a bucket. It needs
    `cert_manager`."""

    @property
    def installed_charts(self) -> tuple[str, ...]:
        """Charts that these settings install."""
        if not self.installed:
            return ()
        return self.charts if self.barman_cloud else (_OPERATOR,)
