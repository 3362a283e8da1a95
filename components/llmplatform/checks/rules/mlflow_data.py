"""Rules about MLflow's databases and dumps: names that are free, and dumps that stay as long as they should."""

from collections.abc import Iterator

from llmplatform.checks.problems import Problem, counted, listed
from llmplatform.checks.rules.rule import whole
from llmplatform.specs.databases import InClusterPostgres, PreparedPostgres
from llmplatform.specs.objects import NewStore
from llmplatform.specs.stack import Stack

_HERE = "services.mlflow"
_RESTORED = "_restored"
"""Ending of the databases that the Job `mlflow-restore` makes beside the ones of a dump."""
_LONGEST = 63
"""Bytes of a name in Postgres, which cuts longer ones (documentation, "Identifiers and Key Words")."""
_TAKEN = ("postgres", "template0", "template1", "rdsadmin", "admin")
"""Databases that Postgres and RDS make themselves, and a name that both clouds reserve."""
_OF_OUR_ADMINISTRATOR = "platform"


def _names(stack: Stack) -> dict[str, str]:
    """Paths of the two names."""
    wanted = stack.services.mlflow
    if not wanted.enabled:
        return {}
    names = wanted.databases
    return {f"{_HERE}.databases.experiments": names.experiments, f"{_HERE}.databases.users": names.users}


def databases_are_free(stack: Stack) -> Iterator[Problem]:
    """Neither is a database that a new server has already."""
    server = stack.services.mlflow.database
    if not isinstance(server, PreparedPostgres):
        return
    taken = (*_TAKEN, _OF_OUR_ADMINISTRATOR) if isinstance(server, InClusterPostgres) else _TAKEN
    for path, name in _names(stack).items():
        if name in taken:
            yield Problem(
                path, f"'{name}' is a database of the server itself", f"write anything but {listed(taken, 'and')}"
            )


def databases_can_be_restored(stack: Stack) -> Iterator[Problem]:
    """A dump is restored into a database beside the live one, of the same name with an ending."""
    names = _names(stack)
    if not stack.services.mlflow.dumps.enabled:
        return
    room = _LONGEST - len(_RESTORED)
    for path, name in names.items():
        if len(name) > room:
            yield Problem(
                path,
                f"it has {len(name)} characters, and a restored database is called so with '{_RESTORED}' after it",
                f"write at most {room}",
            )
        if name.removesuffix(_RESTORED) in names.values() and name.endswith(_RESTORED):
            yield Problem(
                path,
                f"a dump of '{name.removesuffix(_RESTORED)}' is restored into a database of that name",
                "write another name",
            )


def dumps_outlive_their_time(stack: Stack) -> Iterator[Problem]:
    """A dump whose objects expire before it is removed cannot be restored, and is still listed."""
    wanted = stack.services.mlflow
    if not wanted.enabled or not wanted.dumps.enabled or not isinstance(wanted.artifacts, NewStore):
        return
    days, kept = wanted.artifacts.expire_days, wanted.dumps.keep_days
    if days is not None and days <= kept:
        yield Problem(
            f"{_HERE}.artifacts.expire_days",
            f"after {counted(days, 'day')} its objects are gone, and a dump beside the artifacts is kept for {kept}",
            f"write {kept + 1} or more, or remove it",
        )


PROBLEMS = whole(databases_are_free, databases_can_be_restored, dumps_outlive_their_time)
