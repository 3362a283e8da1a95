"""Rules about services and what they stand on."""

from collections.abc import Iterator

from llmplatform.checks.problems import Problem, counted
from llmplatform.checks.rules.rule import whole
from llmplatform.specs.objects import NewStore
from llmplatform.specs.services import Mlflow, MlflowPostgres, Volume
from llmplatform.specs.services.mlflow import ADMINISTRATOR
from llmplatform.specs.stack import AlicloudStack, Stack

_MLFLOW = "services.mlflow"


def mlflow_has_a_database(stack: Stack) -> Iterator[Problem]:
    """MLflow has a Postgres, and the password of its user."""
    wanted = stack.services.mlflow
    if not wanted.enabled:
        return
    if wanted.database is None:
        yield Problem(
            f"{_MLFLOW}.database",
            "MLflow keeps experiments and models in a Postgres, and none is named",
            "write kind: new, in_cluster or existing, or set services.mlflow.enabled to false",
        )
    elif isinstance(wanted.database, MlflowPostgres) and stack.secrets.mlflow_database_password is None:
        yield Problem(
            f"{_MLFLOW}.database",
            "its user needs a password, and secrets.mlflow_database_password is not set",
            "run pulumi config set --secret --path 'llmplatform:secrets.mlflow_database_password'",
        )


def mlflow_has_two_databases(stack: Stack) -> Iterator[Problem]:
    """Both of MLflow's parts have migrations of their own: in one database their tables could collide."""
    names = stack.services.mlflow.databases
    if names.experiments == names.users:
        yield Problem(
            f"{_MLFLOW}.databases.users",
            f"'{names.users}' is the database of the experiments",
            "write another name",
        )


def mlflow_reaches_its_artifacts(stack: Stack) -> Iterator[Problem]:
    """MLflow's client of OSS, boto3, knows no RAM role of a service account."""
    wanted = stack.services.mlflow
    if isinstance(stack, AlicloudStack) and wanted.enabled and not isinstance(wanted.artifacts, Volume):
        yield Problem(
            f"{_MLFLOW}.artifacts",
            "MLflow's client of OSS needs a permanent key, and knows no RAM role of a service account",
            "write kind: volume",
        )


def mlflow_users_are_not_the_administrator(stack: Stack) -> Iterator[Problem]:
    """MLflow makes the administrator itself."""
    if ADMINISTRATOR in stack.services.mlflow.users:
        yield Problem(
            f"{_MLFLOW}.users.{ADMINISTRATOR}",
            "MLflow has this user in any case, and its password is in the Secret mlflow-admin",
            "write another name",
        )


def mlflow_users_have_one_secret_in_a_namespace(stack: Stack) -> Iterator[Problem]:
    """Each user's Secret is in MLflow's own namespace in any case."""
    for name, user in stack.services.mlflow.users.items():
        for number, namespace in enumerate(user.namespaces):
            if namespace in Mlflow.namespaces:
                yield Problem(
                    f"{_MLFLOW}.users.{name}.namespaces[{number}]",
                    f"the Secret of every user is in '{namespace}' in any case",
                    "remove it",
                )


def mlflow_drills_have_dumps(stack: Stack) -> Iterator[Problem]:
    """A drill restores a dump of ours."""
    dumps = stack.services.mlflow.dumps
    if not dumps.enabled and "enabled" in dumps.drill.model_fields_set and dumps.drill.enabled:
        yield Problem(
            f"{_MLFLOW}.dumps.drill.enabled",
            "a drill restores the newest dump, and dumps are off",
            "set services.mlflow.dumps.enabled to true, or remove it",
        )


def mlflow_dumps_leave_the_volume(stack: Stack) -> Iterator[Problem]:
    """A warning: dumps on the artifacts' volume are lost with it."""
    wanted = stack.services.mlflow
    if wanted.enabled and wanted.dumps.enabled and isinstance(wanted.artifacts, Volume):
        yield Problem(
            f"{_MLFLOW}.dumps",
            "they are on the volume of the artifacts, and are lost with it",
            "copy them elsewhere, or let the database's owner dump it and set enabled to false",
        )


def mlflow_artifacts_expire(stack: Stack) -> Iterator[Problem]:
    """A warning: an expired artifact is missing from its run or its model."""
    wanted = stack.services.mlflow
    if wanted.enabled and isinstance(wanted.artifacts, NewStore) and (days := wanted.artifacts.expire_days):
        yield Problem(
            f"{_MLFLOW}.artifacts.expire_days",
            f"after {counted(days, 'day')} the artifacts of every run and model are gone, and MLflow still lists them",
            "remove it, or accept that",
        )


PROBLEMS = whole(
    mlflow_has_a_database,
    mlflow_has_two_databases,
    mlflow_reaches_its_artifacts,
    mlflow_users_are_not_the_administrator,
    mlflow_users_have_one_secret_in_a_namespace,
    mlflow_drills_have_dumps,
)
WARNINGS = whole(mlflow_dumps_leave_the_volume, mlflow_artifacts_expire)
