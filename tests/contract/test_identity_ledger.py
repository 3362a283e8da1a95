"""The ledger of URNs: what is deployed is found again by its URN, so a line that vanishes replaces a user's resource.

After a change that is meant: `PYTHONPATH=tests python tests/contract/test_identity_ledger.py` writes the ledger anew,
the diff is reviewed, renames carry aliases, and the changelog says what happens to existing stacks.
"""

from collections.abc import Collection, Sequence
from functools import cache
from pathlib import Path

import pulumi
import pulumi_aws as aws
import pytest
import yaml
from support.program import ROOT, STACKS, run_program

from llmplatform.testing import RecordingEngine, Registered
from llmplatform.testing.aliases import known_as

LEDGER = Path(__file__).parent / "urns"
REMEDY = """
Each of these would be deleted, and made anew under its new name, in every deployed stack. Where one was renamed or
moved, give what it is now an alias:
    pulumi.ResourceOptions(parent=self, aliases=[pulumi.Alias(name="OLD NAME")])        # or type_=, or parent=
Where it is gone for good, say so in CHANGELOG.md under "Effect on existing stacks":
    - **deletes** `TYPE NAME` in STACKS: why, and what a user does about it
Then write the ledger anew: PYTHONPATH=tests python tests/contract/test_identity_ledger.py
"""


LEDGERS = {
    **{stack: Path(f"Pulumi.{stack}.yaml") for stack in STACKS},
    **{
        f"{file.parent.name}-{file.name.split('.')[1]}": file.relative_to(ROOT)
        for file in sorted(ROOT.glob("examples/*/Pulumi.*.yaml"))
    },
}
"""Each ledger's stack file: the committed stacks of the platform, and those of the examples."""


WARNED = {f"engines-{kind}{cloud}" for kind in ("sglang", "tgi", "trtllm") for cloud in ("", "-ack")}
"""Ledgers of stacks whose users are meant to be warned."""


@cache
def registered(ledger: str, *, preview: bool = False) -> list[Registered]:
    file = ROOT / LEDGERS[ledger]
    project = yaml.safe_load((file.parent / "Pulumi.yaml").read_text())
    return run_program(
        yaml.safe_load(file.read_text())["config"],
        file.name.split(".")[1],
        preview=preview,
        main=(file.parent / project.get("main", ".")).resolve(),
        project=project["name"],
        may_warn=ledger in WARNED or ledger.startswith("multi-node"),
    ).registered


def vanished(ledger: Collection[str], found: Sequence[Registered]) -> list[str]:
    """URNs of the ledger that no resource has, or answers to by an alias."""
    return sorted(set(ledger) - known_as(found))


@pytest.mark.parametrize("stack", LEDGERS)
def test_no_urn_of_a_committed_stack_vanishes_without_an_alias(stack: str) -> None:
    ledger = (LEDGER / f"{stack}.txt").read_text().splitlines()
    lost = vanished(ledger, registered(stack))
    assert not lost, "\n".join([f"{len(lost)} URNs of {stack} are gone and no alias leads to them:", *lost, REMEDY])


@pytest.mark.parametrize("stack", LEDGERS)
def test_every_urn_of_a_committed_stack_is_in_the_ledger(stack: str) -> None:
    found = [each.urn for each in registered(stack)]
    assert len(found) == len(set(found)), "two resources share a URN"
    added = sorted(set(found) - set((LEDGER / f"{stack}.txt").read_text().splitlines()))
    assert not added, f"the ledger does not know these; run python {Path(__file__).name}: {added}"


@pytest.mark.parametrize("stack", LEDGERS)
def test_a_preview_registers_the_same_resources_as_an_update(stack: str) -> None:
    preview = {each.urn for each in registered(stack, preview=True)}
    assert preview == {each.urn for each in registered(stack)}, (
        "a resource depends on a value that only an update knows"
    )


class Group(pulumi.ComponentResource):
    """Two children, one of them in a group of its own."""

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None, depth: int = 1) -> None:
        super().__init__("test:index:Group", name, None, opts)
        inside = pulumi.ResourceOptions(parent=self)
        aws.ec2.Vpc(f"{name}-vpc", cidr_block="10.0.0.0/16", opts=inside)
        if depth:
            Group(f"{name}-inner", inside, depth - 1)


def urns_of(name: str, *aliases: str | pulumi.Alias) -> list[Registered]:
    return RecordingEngine().run(lambda: Group(name, pulumi.ResourceOptions(aliases=list(aliases)))).registered


def test_a_component_that_is_renamed_takes_all_below_it_along_by_one_alias() -> None:
    ledger = [each.urn for each in urns_of("old")]
    assert vanished(ledger, urns_of("new")) == sorted(ledger), "without an alias everything is another resource"
    assert vanished(ledger, urns_of("new", pulumi.Alias(name="old"))) == []


def test_an_alias_by_its_urn_counts_as_well() -> None:
    ledger = ["urn:pulumi:test::llmplatform::pkg:index:Former::once"]
    assert vanished(ledger, urns_of("new")) == ledger
    assert vanished(ledger, urns_of("new", ledger[0])) == []


def test_an_alias_to_another_name_saves_nothing() -> None:
    ledger = [each.urn for each in urns_of("old")]
    assert vanished(ledger, urns_of("new", pulumi.Alias(name="older"))) == sorted(ledger)


if __name__ == "__main__":
    LEDGER.mkdir(exist_ok=True)
    for each in LEDGERS:
        (LEDGER / f"{each}.txt").write_text("\n".join(sorted(one.urn for one in registered(each))) + "\n")
