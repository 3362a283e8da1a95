"""Rules about servers of Postgres that are made from backups."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from llmplatform.checks.problems import Problem
from llmplatform.checks.rules import clusters
from llmplatform.checks.rules.cnpg import servers
from llmplatform.checks.rules.rule import whole
from llmplatform.specs.objects import NewStore
from llmplatform.specs.stack import Stack


def another_stacks_backups_have_a_bucket(stack: Stack) -> Iterator[Problem]:
    """A new bucket has nothing of another stack."""
    for server in servers(stack):
        restored, backups = server.spec.restore_from, server.spec.backups
        if restored is None or restored.store or backups is None or not isinstance(backups.store, NewStore):
            continue
        if restored.environment not in (None, stack.environment.name):
            yield Problem(
                f"{server.path}.restore_from.store",
                f"the bucket of backups is this stack's own, and has none of environment '{restored.environment}'",
                "write the bucket that they are in",
            )


def restores_end_in_the_past(stack: Stack) -> Iterator[Problem]:
    """A warning: a log that ends before the moment ends the restore with an error."""
    for server in servers(stack):
        until = server.spec.restore_from.until if server.spec.restore_from else None
        # Some zones of the world are a day ahead.
        if until and datetime.fromisoformat(until).date() > clusters.today() + timedelta(days=1):
            yield Problem(
                f"{server.path}.restore_from.until",
                f"{until} is still to come: no log reaches it, and the restore would fail",
                "write a moment that has passed",
            )


PROBLEMS = whole(another_stacks_backups_have_a_bucket)
WARNINGS = whole(restores_end_in_the_past)
