"""Backups that the platform makes on a schedule, and the age from which on the newest is too old.

Those of managed servers are made by the cloud, which tells Prometheus nothing of them.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from llmplatform.specs.addons import Cnpg
from llmplatform.specs.databases import ClusterBackups, InClusterPostgres
from llmplatform.specs.section import Section
from llmplatform.specs.services import Dumps, Milvus, MilvusBackups, Mlflow
from llmplatform.specs.vocabulary.times import Moment


@dataclass(frozen=True, kw_only=True)
class Backup:
    """What makes backups: a CronJob, or a server of Postgres within the cluster."""

    namespace: str
    name: str
    oldest_hours: int
    """Age of the newest backup, in hours, from which on something is wrong."""
    setting: str
    """Where the stack file says so."""
    schedule: Moment
    drill: Moment | None = None
    """When the newest one is restored for a test, which fails if it is too old."""


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
            jobs.append(_of_milvus(spec.backups))
        if isinstance(spec, Mlflow) and spec.installed:
            if spec.dumps.enabled:
                jobs.append(_of_mlflow(spec.dumps))
            if isinstance(spec.database, InClusterPostgres) and spec.database.backups:
                servers.append(_of_server(spec.database.name or "mlflow", spec.database.backups))
    return Backups(jobs=tuple(jobs), servers=tuple(servers))


def _of_milvus(spec: MilvusBackups) -> Backup:
    return Backup(
        namespace=Milvus.namespaces[0],
        name="milvus-backup",
        oldest_hours=spec.drill.oldest_hours,
        setting="services.milvus.backups.drill.oldest_hours",
        schedule=spec.schedule,
        drill=spec.drill.schedule if spec.drill.enabled else None,
    )


def _of_mlflow(spec: Dumps) -> Backup:
    return Backup(
        namespace=Mlflow.namespaces[0],
        name="mlflow-dump",
        oldest_hours=spec.drill.newest_hours,
        setting="services.mlflow.dumps.drill.newest_hours",
        schedule=spec.schedule,
        drill=spec.drill.schedule if spec.drill.enabled else None,
    )


def _of_server(name: str, spec: ClusterBackups) -> Backup:
    return Backup(
        namespace=Cnpg.namespaces[0],
        name=name,
        oldest_hours=spec.oldest_hours,
        setting="services.mlflow.database.backups.oldest_hours",
        schedule=spec.schedule,
    )
