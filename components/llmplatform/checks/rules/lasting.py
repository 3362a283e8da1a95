"""Warnings about data of a protected environment that little would be left of."""

from collections.abc import Iterator

from llmplatform.checks.problems import Problem
from llmplatform.checks.rules.cnpg import servers
from llmplatform.checks.rules.rule import whole
from llmplatform.specs.databases import NewPostgres
from llmplatform.specs.stack import AlicloudStack, Stack

_ACCEPT = "set it to true, or accept that"


def kept_vectors_are_safe(stack: Stack) -> Iterator[Problem]:
    """A warning: Milvus without backups, and with clients in clear text."""
    spec = stack.services.milvus
    if not stack.environment.protected or not spec.enabled or stack.platform.kind != "new":
        return
    if not spec.backups.enabled:
        yield Problem(
            "services.milvus.backups.enabled",
            "what is deleted by mistake is gone, and this environment is protected",
            _ACCEPT,
        )
    if not spec.tls:
        yield Problem(
            "services.milvus.tls",
            "passwords and vectors cross the network in clear text, and this environment is protected",
            _ACCEPT,
        )


def kept_experiments_are_safe(stack: Stack) -> Iterator[Problem]:
    """A warning: a server of MLflow's that stops with its zone, or is deleted without a copy."""
    wanted = stack.services.mlflow
    if not stack.environment.protected or not wanted.enabled or not isinstance(wanted.database, NewPostgres):
        return
    if not wanted.database.standby:
        yield Problem(
            "services.mlflow.database.standby",
            "MLflow stops with the zone of its server, and this environment is protected",
            _ACCEPT,
        )
    if wanted.database.last_backup is False and not isinstance(stack, AlicloudStack):
        yield Problem(
            "services.mlflow.database.last_backup",
            "with the server all its backups are deleted, and this environment is protected",
            _ACCEPT,
        )
    # On a volume, dumps would be no farther from its artifacts than the server's backups are.
    if not wanted.dumps.enabled and wanted.artifacts.kind != "volume":
        yield Problem(
            "services.mlflow.dumps.enabled",
            "the server's own backups are all that there is, and this environment is protected",
            _ACCEPT,
        )


def servers_are_not_taken_back(stack: Stack) -> Iterator[Problem]:
    """A warning: the machine of a server in the cluster is taken back within minutes."""
    for server in servers(stack):
        pool = server.spec.pool
        if pool and pool in stack.pools and stack.pools[pool].capacity != "on_demand":
            yield Problem(
                f"{server.path}.pool",
                f"pool '{pool}' has spot machines, which are taken back with the server on them",
                "use a pool on demand",
            )


def kept_artifacts_have_a_copy(stack: Stack) -> Iterator[Problem]:
    """Advice: the files of models on a volume are there once."""
    wanted = stack.services.mlflow
    if stack.environment.protected and wanted.enabled and wanted.artifacts.kind == "volume":
        yield Problem(
            "services.mlflow.artifacts",
            "the models' files are on one volume, which nothing here backs up, and this environment is protected",
            "copy them elsewhere on a schedule of your own",
        )


WARNINGS = whole(kept_vectors_are_safe, kept_experiments_are_safe, servers_are_not_taken_back)
ADVICE = whole(kept_artifacts_have_a_copy)
