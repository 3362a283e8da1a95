"""The ledger of URNs: what is deployed is found again by its URN, so a line that vanishes replaces somebody's resource.

After a change that is meant: `python tests/contract/test_identity_ledger.py` writes the ledger anew, the diff is
reviewed, renames carry aliases, and the changelog says what happens to existing stacks.
"""

from pathlib import Path

import pytest
from program import STACKS, run_program, stack_config

LEDGER = Path(__file__).parent / "urns"


def urns(stack: str) -> list[str]:
    return sorted(each.urn for each in run_program(stack_config(stack), stack).registered)


@pytest.mark.parametrize("stack", STACKS)
def test_every_urn_of_a_committed_stack_is_in_the_ledger_and_none_has_vanished(stack: str) -> None:
    found = urns(stack)
    assert len(found) == len(set(found)), "two resources share a URN"
    ledger = (LEDGER / f"{stack}.txt").read_text().splitlines()
    vanished = sorted(set(ledger) - set(found))
    assert not vanished, f"these would be deleted and made anew in every deployed stack: {vanished}"
    added = sorted(set(found) - set(ledger))
    assert not added, f"the ledger does not know these; run python {Path(__file__).name}: {added}"


@pytest.mark.parametrize("stack", STACKS)
def test_a_preview_registers_the_same_resources_as_an_update(stack: str) -> None:
    preview = {each.urn for each in run_program(stack_config(stack), stack, preview=True).registered}
    assert preview == set(urns(stack)), "a resource depends on a value that only an update knows"


if __name__ == "__main__":
    LEDGER.mkdir(exist_ok=True)
    for each in STACKS:
        (LEDGER / f"{each}.txt").write_text("\n".join(urns(each)) + "\n")
