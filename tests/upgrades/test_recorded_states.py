"""Stacks as former versions left them: what the code of today would do to each, judged by the real engine.

`make record-states` records the current version's; see scripts/record_states.py.
"""

from dataclasses import replace
from pathlib import Path

import pytest
from support.announcements import announcements, unannounced
from support.program import ROOT, STACKS

from llmplatform_sandbox.diff.difference import preview_on
from llmplatform_sandbox.diff.plan import Plan
from llmplatform_sandbox.diff.states import State, read_state
from llmplatform_sandbox.diff.texts import what_happens
from llmplatform_sandbox.progress import silent
from llmplatform_sandbox.project import read_project
from llmplatform_sandbox.toolchain import PULUMI, ensure

pytestmark = pytest.mark.sandbox

STATES = Path(__file__).parent / "states"
RECORDED = sorted(STATES.glob("*/*.json.gz"))
REMEDY = """
Keep them where they are: an alias for what was renamed, the former default for what was changed. What has to be
replaced or deleted is announced in CHANGELOG.md, under "Effect on existing stacks" of the version to come:
    - **replaces** `TYPE NAME` in STACKS: why, and what a user does about it
As long as that version is not released, `make record-states` records its states anew instead.
"""


def plan_on(state: State, stack: str) -> Plan:
    return preview_on(state, read_project(ROOT), stack, ensure([PULUMI]), silent)


def name_of(file: Path) -> str:
    return f"{file.parent.name} {file.name.removesuffix('.json.gz')}"


def test_every_committed_stack_was_recorded() -> None:
    missing = [stack for stack in STACKS if not list(STATES.glob(f"*/{stack}.json.gz"))]
    assert not missing, f"`make record-states` records {missing}"


@pytest.mark.parametrize("file", RECORDED, ids=name_of)
def test_nothing_that_exists_is_replaced_or_deleted_unannounced(file: Path) -> None:
    version, stack = name_of(file).split()
    state = read_state(file)
    plan = plan_on(state, stack)
    assert plan.unchanged + len(plan.changes) >= len(state.resources), "the whole state was looked at"
    lost = unannounced(plan, stack, announcements((ROOT / "CHANGELOG.md").read_text(), version))
    said = [f"{one.type} {one.name} {what_happens(one)}" for one in lost]
    assert not said, "\n".join([f"{len(said)} resources of a {stack} of {version}:", *said, REMEDY])


@pytest.mark.parametrize("file", RECORDED[:1], ids=name_of)
def test_a_resource_that_the_program_has_forgotten_is_found_out(file: Path) -> None:
    _, stack = name_of(file).split()
    state = read_state(file)
    template = next(one for one in state.resources if one["type"] == "random:index/randomPassword:RandomPassword")
    forgotten = {**template, "urn": f"{template['urn']}-of-old"}
    resources = [*state.resources, forgotten]
    plan = plan_on(replace(state, deployment={**state.deployment, "resources": resources}), stack)
    lost = unannounced(plan, stack, [])
    assert [(one.op, one.urn) for one in lost] == [("delete", forgotten["urn"])]
