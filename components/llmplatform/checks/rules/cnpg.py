"""Rules about Postgres within the cluster."""

from collections.abc import Iterator
from dataclasses import dataclass

from llmplatform.checks.problems import Problem, suggestion
from llmplatform.checks.rules.placement import is_cpu, shape
from llmplatform.checks.rules.rule import whole
from llmplatform.specs.databases import InClusterPostgres
from llmplatform.specs.objects import NewStore
from llmplatform.specs.stack import AlicloudStack, Stack


@dataclass(frozen=True)
class Server:
    """A server that a service asks for."""

    path: str
    name: str
    spec: InClusterPostgres


def servers(stack: Stack) -> Iterator[Server]:
    """Servers within the cluster that services ask for."""
    mlflow = stack.services.mlflow
    if stack.platform.kind == "new" and mlflow.enabled and isinstance(mlflow.database, InClusterPostgres):
        yield Server("services.mlflow.database", mlflow.database.name or "mlflow", mlflow.database)


def plugin_has_certificates(stack: Stack) -> Iterator[Problem]:
    """The operator and its plugin prove themselves to each other by certificates of cert-manager."""
    cnpg = stack.addons.cnpg
    if stack.platform.kind == "new" and cnpg.enabled and cnpg.barman_cloud and not stack.addons.cert_manager.enabled:
        yield Problem(
            "addons.cnpg.barman_cloud",
            "its certificates come from cert-manager, and addons.cert_manager is off",
            "set addons.cert_manager.enabled to true, or this to false",
        )


def operator_is_there(stack: Stack) -> Iterator[Problem]:
    """Something makes the servers."""
    for server in servers(stack):
        if not stack.addons.cnpg.enabled:
            yield Problem(
                f"{server.path}.kind",
                "addons.cnpg makes servers within the cluster, and is off",
                "set addons.cnpg.enabled to true",
            )


def writes_can_be_confirmed(stack: Stack) -> Iterator[Problem]:
    """With one instance gone, enough followers are left to confirm a write."""
    for server in servers(stack):
        wanted, instances = server.spec.confirmed_by, server.spec.instances
        if wanted and wanted > instances - 2:
            yield Problem(
                f"{server.path}.synchronous",
                f"with one of {instances} instances gone, no {wanted} are left to confirm a write, and all writes wait",
                f"write {wanted + 2} or more instances, or 0",
            )


def backups_have_a_bucket(stack: Stack) -> Iterator[Problem]:
    """The plugin is there, and works with the cloud's buckets.

    Its lists take no further argument, and so have the bucket in the path (cloudnative-pg/barman-cloud,
    pkg/command/backuplist.go), which OSS refuses; barman's client takes no token of RRSA.
    """
    for server in servers(stack):
        asked = [name for name in ("backups", "restore_from") if getattr(server.spec, name) is not None]
        for name in asked:
            if isinstance(stack, AlicloudStack):
                yield Problem(
                    f"{server.path}.{name}",
                    "the backup plugin works with no bucket of OSS",
                    "remove it; the service's own dumps remain, or write kind: new",
                )
            elif not stack.addons.cnpg.barman_cloud:
                yield Problem(
                    f"{server.path}.{name}",
                    "addons.cnpg.barman_cloud makes and restores backups, and is off",
                    "set addons.cnpg.barman_cloud to true, or remove it",
                )


def backups_never_expire(stack: Stack) -> Iterator[Problem]:
    """The plugin deletes what is too old, and needs the copy before that and its log."""
    for server in servers(stack):
        backups = server.spec.backups
        if backups and isinstance(backups.store, NewStore) and backups.store.expire_days:
            yield Problem(
                f"{server.path}.backups.store.expire_days",
                "an object that expires is a part of a backup, which can then not be restored",
                "remove it: keep_days says when backups go",
            )


def restored_servers_are_new(stack: Stack) -> Iterator[Problem]:
    """A restored server is another one than the lost one, and its volume is no smaller."""
    for server in servers(stack):
        restored = server.spec.restore_from
        if restored is None:
            continue
        # Whatever the store: the bucket of its backups can be named there as well.
        own = restored.environment in (None, stack.environment.name)
        if own and restored.server == server.name:
            yield Problem(
                f"{server.path}.restore_from.server",
                f"'{server.name}' is this server: nothing is restored in place, and its archive takes no second one",
                f"write another {server.path}.name",
            )
        if restored.store is None and server.spec.backups is None:
            yield Problem(
                f"{server.path}.restore_from.store",
                "neither it nor backups names a bucket",
                "write the bucket that the backups are in",
            )
        if restored.storage_gib and restored.storage_gib > server.spec.storage_gib:
            yield Problem(
                f"{server.path}.storage_gib",
                f"{server.spec.storage_gib} GiB may not hold the data of a volume of {restored.storage_gib}",
                f"write {restored.storage_gib} or more",
            )


def pool_exists(stack: Stack) -> Iterator[Problem]:
    """Its pool is one of the stack, without GPUs."""
    for server in servers(stack):
        pool = server.spec.pool
        if pool is None:
            continue
        without_gpus = [name for name in stack.pools if is_cpu(stack, stack.pools[name])]
        if pool not in stack.pools:
            yield Problem(f"{server.path}.pool", f"there is no pool '{pool}'", suggestion(pool, without_gpus))
        elif pool not in without_gpus and shape(stack, stack.pools[pool]):
            yield Problem(
                f"{server.path}.pool", f"pool '{pool}' has GPUs, which Postgres leaves idle", "use a pool without GPUs"
            )


def restores_end_at_a_moment(stack: Stack) -> Iterator[Problem]:
    """A warning: Postgres takes a gap in the log for its end."""
    for server in servers(stack):
        if server.spec.restore_from and server.spec.restore_from.until is None:
            yield Problem(
                f"{server.path}.restore_from.until",
                "without a moment a gap in the log is taken for its end, and later writes are missing unnoticed",
                "write the last moment that must be there",
            )


def kept_servers_are_backed_up(stack: Stack) -> Iterator[Problem]:
    """A warning: volumes are all that there is of it."""
    for server in servers(stack):
        if stack.environment.protected and server.spec.backups is None and not isinstance(stack, AlicloudStack):
            yield Problem(
                f"{server.path}.backups",
                "the volumes of its instances are all that there is of this database",
                "write backups, or accept that",
            )


PROBLEMS = whole(
    plugin_has_certificates,
    operator_is_there,
    writes_can_be_confirmed,
    backups_have_a_bucket,
    backups_never_expire,
    restored_servers_are_new,
    pool_exists,
)
WARNINGS = whole(restores_end_at_a_moment, kept_servers_are_backed_up)
