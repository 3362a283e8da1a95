"""Everything is killed at random moments of up, change and destroy, and the next run recovers by itself.

The moments are drawn from a seed, the same in every run unless LLMPLATFORM_KILL_SEED gives another, so that a failure
is the fault of a change. `make kills` draws new ones, hundreds of times.
"""

import os
from pathlib import Path

import pytest
from program import ROOT

from benchmarks.kills.life import Life

pytestmark = [pytest.mark.sandbox, pytest.mark.timeout(900)]

SEED = int(os.environ.get("LLMPLATFORM_KILL_SEED", "157597"))


@pytest.mark.parametrize(
    ("stack", "kills", "phases"),
    [("dev", 12, ("up", "change", "down")), ("dev-ack", 8, ("up", "down"))],
)
def test_a_stack_survives_kills_at_any_moment(tmp_path: Path, stack: str, kills: int, phases: tuple[str, ...]) -> None:
    said: list[str] = []
    record = Life(ROOT, tmp_path / stack, stack, SEED, kills, said.append, phases).run()
    log = "\n".join([f"LLMPLATFORM_KILL_SEED={SEED}", *said, *record.problems])
    assert record.problems == [], log
    assert len(record.kills) >= kills // 2, f"too few kills struck to show anything\n{log}"
