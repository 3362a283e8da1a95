"""Rules about backups of Milvus."""

from collections.abc import Iterator

from llmplatform.checks.problems import Problem
from llmplatform.checks.rules.rule import whole
from llmplatform.specs.objects import ExistingStore, NewStore
from llmplatform.specs.services import Milvus
from llmplatform.specs.stack import Stack

_HERE = "services.milvus.backups"


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
            f"after {days} days its objects are gone, and a backup is kept for {kept}",
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


PROBLEMS = whole(backups_are_in_another_bucket, backups_outlive_their_time, a_drill_has_backups)
