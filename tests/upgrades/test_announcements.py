"""The lines of the changelog that announce what happens to existing stacks."""

import pytest
from support.announcements import announcements, unannounced
from support.program import ROOT

from llmplatform_sandbox.diff.plan import Op, Plan, ResourceChange

CHANGELOG = """# Changelog

## Unreleased

### Effect on existing stacks

- **replaces** `aws:eks/nodeGroup:NodeGroup gpu-*` in dev, prod: another image; drain the pool first
- **deletes** `kubernetes:core/v1:ConfigMap *-old`: no program reads it
- Labels are added to everything.

### Added

- **replaces** nothing; this is another section.

## 0.1.0

### Effect on existing stacks

- **deletes** `aws:ec2/vpc:Vpc core-vpc`: a former version's
"""


def change(op: Op, type_: str, name: str) -> ResourceChange:
    return ResourceChange(urn=f"urn:pulumi:s::p::{type_}::{name}", type=type_, name=name, component="stack", op=op)


POOL = change("replace", "aws:eks/nodeGroup:NodeGroup", "gpu-spot")
OLD = change("delete", "kubernetes:core/v1:ConfigMap", "settings-old")
NETWORK = change("delete", "aws:ec2/vpc:Vpc", "core-vpc")
MADE = change("create", "aws:ec2/vpc:Vpc", "other-vpc")


def left(stack: str, since: str = "0.1.0") -> list[str]:
    plan = Plan(changes=(POOL, OLD, NETWORK, MADE), unchanged=0)
    return [one.name for one in unannounced(plan, stack, announcements(CHANGELOG, since))]


def test_an_announced_change_passes_in_the_stacks_that_are_named() -> None:
    assert left("prod") == ["core-vpc"], "what a former version announced holds no more"
    assert left("dev-ack") == ["gpu-spot", "core-vpc"]


def test_a_version_that_is_not_released_has_nothing_after_it() -> None:
    assert left("prod", since="0.2.0") == ["gpu-spot", "settings-old", "core-vpc"]


def test_an_announcement_is_of_one_kind_of_change() -> None:
    deleted = change("delete", POOL.type, POOL.name)
    plan = Plan(changes=(deleted,), unchanged=0)
    assert unannounced(plan, "prod", announcements(CHANGELOG, "0.1.0")) == [deleted]


def test_an_unreadable_line_is_refused() -> None:
    with pytest.raises(ValueError, match="write - \\*\\*replaces\\*\\*"):
        announcements(CHANGELOG.replace("`kubernetes:core/v1:ConfigMap *-old`", "the old map"), "0.1.0")


def test_the_changelog_itself_can_be_read() -> None:
    announcements((ROOT / "CHANGELOG.md").read_text(), "0.0.0")
