"""Rules about backups of Milvus."""

from collections.abc import Iterator

from llmplatform.checks.problems import Problem, counted
from llmplatform.checks.rules.rule import whole
from llmplatform.specs.objects import ExistingStore, NewStore
from llmplatform.specs.services import Milvus
from llmplatform.specs.stack import Stack

_HERE = "services.milvus.backups"
DEFAULT_DATABASE = "default"
WITNESS, DRILL_SUFFIX = "platform_backup", "_platform_drill"
"""Database of the mark that each backup writes, and ending of the collections that a drill restores and removes:
services/milvus/programs/witness.py, which runs in pods and imports nothing of ours."""


def _wanted(stack: Stack) -> Milvus | None:
    spec = stack.services.milvus
    return spec if spec.enabled and stack.platform.kind == "new" else None


def backups_are_in_another_bucket(stack: Stack) -> Iterator[Problem]:
    """A backup beside the data is lost with it."""
    spec = _wanted(stack)
    if spec is None or not spec.backups.enabled:
        return
    data, kept = spec.store, spec.backups.store
    if isinstance(data, ExistingStore) and isinstance(kept, ExistingStore) and data.bucket == kept.bucket:
        yield Problem(
            f"{_HERE}.store.bucket",
            f"'{kept.bucket}' is the bucket of the data, and backups in it are lost with it",
            "use another one, or write kind: new",
        )


def backups_outlive_their_time(stack: Stack) -> Iterator[Problem]:
    """A backup whose objects expire before it is removed cannot be restored, and is still listed."""
    spec = _wanted(stack)
    if spec is None or not spec.backups.enabled or not isinstance(spec.backups.store, NewStore):
        return
    days, kept = spec.backups.store.expire_days, spec.backups.keep_days
    if days is not None and days <= kept:
        yield Problem(
            f"{_HERE}.store.expire_days",
            f"after {counted(days, 'day')} its objects are gone, and a backup is kept for {kept}",
            f"write {kept + 1} or more, or remove it",
        )


def a_drill_has_backups(stack: Stack) -> Iterator[Problem]:
    """Without backups there is nothing to restore."""
    spec = _wanted(stack)
    if spec and spec.backups.drill.enabled and not spec.backups.enabled:
        yield Problem(
            f"{_HERE}.drill.enabled",
            "without backups there is nothing to restore",
            f"set {_HERE}.enabled to true, or this to false",
        )


def names_are_free(stack: Stack) -> Iterator[Problem]:
    """No database or collection is one that Milvus, the backups or the drills have for themselves."""
    spec = _wanted(stack)
    for number, name in enumerate(spec.databases if spec else ()):
        if name in (DEFAULT_DATABASE, WITNESS):
            owner = "which Milvus has in any case" if name == DEFAULT_DATABASE else "which backups write a mark in"
            yield Problem(
                f"services.milvus.databases[{number}]",
                f"'{name}' is a database {owner}",
                "remove it" if name == DEFAULT_DATABASE else "write another name",
            )
    for name, role in spec.roles.items() if spec else ():
        for number, grant in enumerate(role.grants):
            if grant.collection.endswith(DRILL_SUFFIX):
                yield Problem(
                    f"services.milvus.roles.{name}.grants[{number}].collection",
                    f"'{grant.collection}' would be removed: collections that end with '{DRILL_SUFFIX}' are a drill's",
                    "write another name",
                )


PROBLEMS = whole(backups_are_in_another_bucket, backups_outlive_their_time, a_drill_has_backups, names_are_free)
