"""A warning about backups that are rarer than they have to be."""

from collections.abc import Iterator

from llmplatform.checks.problems import Problem, counted
from llmplatform.checks.rules.rule import whole
from llmplatform.planning.backups import plan_backups
from llmplatform.specs.stack import Stack
from llmplatform.specs.vocabulary.times import longest_pause


def the_newest_backup_is_never_too_old(stack: Stack) -> Iterator[Problem]:
    """A warning: an alert fires, and a drill fails, between two backups that have both succeeded."""
    if stack.platform.kind != "new":
        return
    planned = plan_backups([stack.services.milvus, stack.services.mlflow])
    for backup in (*planned.jobs, *planned.servers):
        pause = longest_pause(backup.schedule)
        if pause >= backup.oldest_hours:
            yield Problem(
                backup.setting,
                f"after {counted(backup.oldest_hours, 'hour')} an alert fires, and backups are up to {pause:,} apart",
                f"write more than {pause}, or a schedule that comes more often",
            )


WARNINGS = whole(the_newest_backup_is_never_too_old)
