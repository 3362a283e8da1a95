"""Rules about backups that are rarer than they have to be, and about drills that find none that is new enough."""

from collections.abc import Iterator

from llmplatform.checks.problems import Problem, counted
from llmplatform.checks.rules.rule import whole
from llmplatform.planning.backups import plan_backups
from llmplatform.specs.stack import Stack
from llmplatform.specs.vocabulary.times import longest_pause, oldest


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


def drills_find_a_new_backup(stack: Stack) -> Iterator[Problem]:
    """A drill fails if the newest backup is too old, though all have succeeded."""
    if stack.platform.kind != "new":
        return
    for backup in plan_backups([stack.services.milvus, stack.services.mlflow]).jobs:
        age = oldest(backup.schedule, backup.drill) if backup.drill else 0
        if backup.drill and age >= backup.oldest_hours:
            yield Problem(
                backup.setting,
                f"when the drill runs, the newest backup is up to {counted(age, 'hour')} old, and then it fails",
                f"write more than {age}, or a drill that comes sooner after a backup",
            )


PROBLEMS = whole(drills_find_a_new_backup)
WARNINGS = whole(the_newest_backup_is_never_too_old)
