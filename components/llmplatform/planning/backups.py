"""Backups that the platform makes on a schedule, and the age from which on the newest is too old.

Those of managed servers are made by the cloud, which tells Prometheus nothing of them.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from llmplatform.specs.addons import Cnpg
from llmplatform.specs.databases import InClusterPostgres
from llmplatform.specs.section import Section
from llmplatform.specs.services import Milvus, Mlflow


@dataclass(frozen=True, kw_only=True)
class Backup:
    """What makes backups: a CronJob, or a server of Postgres within the cluster."""

    namespace: str
    name: str
    oldest_hours: int
    """Age of the newest backup, in hours, from which on something is wrong."""


@dataclass(frozen=True, kw_only=True)
class Backups:
    """All of a stack."""

    jobs: tuple[Backup, ...] = ()
    servers: tuple[Backup, ...] = ()


def plan_backups(sections: Iterable[Section]) -> Backups:
    """The backups of the services that these settings install."""
    jobs: list[Backup] = []
    servers: list[Backup] = []
    for spec in sections:
        if isinstance(spec, Milvus) and spec.installed and spec.backups.enabled:
            hours = spec.backups.drill.oldest_hours
            jobs.append(Backup(namespace=spec.namespaces[0], name="milvus-backup", oldest_hours=hours))
        if isinstance(spec, Mlflow) and spec.installed:
            if spec.dumps.enabled:
                hours = spec.dumps.drill.newest_hours
                jobs.append(Backup(namespace=spec.namespaces[0], name="mlflow-dump", oldest_hours=hours))
            server = spec.database
            if isinstance(server, InClusterPostgres) and server.backups:
                hours = server.backups.oldest_hours
                servers.append(Backup(namespace=Cnpg.namespaces[0], name=server.name or "mlflow", oldest_hours=hours))
    return Backups(jobs=tuple(jobs), servers=tuple(servers))
