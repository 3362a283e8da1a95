"""A stack that is killed at random moments of up, change and destroy, and has to recover by itself each time.

The moments are drawn from a seed, the same in every run unless LLMPLATFORM_KILL_SEED gives another, so that a failure
is the fault of a change. `make kills` draws new ones, hundreds of times.
"""

import os
from pathlib import Path

from benchmarks.kills.life import Life
from support.program import ROOT

SEED = int(os.environ.get("LLMPLATFORM_KILL_SEED", "157597"))
TIMEOUT = 900
"""Seconds within which a life is over; it usually takes one or two minutes."""


def survives(folder: Path, stack: str, kills: int, phases: tuple[str, ...]) -> None:
    """Live one life of a stack, and raise AssertionError with all that was seen when it did not recover."""
    said: list[str] = []
    record = Life(ROOT, folder / stack, stack, SEED, kills, said.append, phases).run()
    log = "\n".join([f"LLMPLATFORM_KILL_SEED={SEED}", *said, *record.problems])
    assert record.problems == [], log
    assert len(record.kills) == kills, f"only a kill that struck a process counts\n{log}"
    assert record.inventories, f"no run has seen that the account is empty\n{log}"
