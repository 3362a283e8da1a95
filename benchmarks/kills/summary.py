"""The results of the lives, a line for each stack and one for all."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

TITLES = ("Stack", "Lives", "Kills", "Runs", "Converged", "Orphans", "Duplicates", "Seen empty", "Minutes")
"""*Seen empty*: how often the account was empty at the end, of how often the life ended."""

Life = Mapping[str, Any]


def lines(lives: Sequence[Life]) -> Iterator[tuple[str, ...]]:
    """Cells in the order of `TITLES`."""
    stacks = sorted({each["stack"] for each in lives})
    for stack in stacks:
        yield stack, *_figures([each for each in lives if each["stack"] == stack])
    if len(stacks) > 1:
        yield "all", *_figures(lives)


def killed(lives: Sequence[Life]) -> int:
    """Kills that struck a process."""
    return sum(len(each["kills"]) for each in lives)


def _figures(lives: Sequence[Life]) -> tuple[str, ...]:
    problems = [line for each in lives for line in each["problems"]]
    converged = sum(1 for each in lives if not each["problems"])
    return (
        str(len(lives)),
        str(killed(lives)),
        str(sum(each["runs"] for each in lives)),
        f"{100 * converged / len(lives):.0f} %",
        str(sum(1 for line in problems if "orphan" in line)),
        str(sum(1 for line in problems if "duplicate" in line)),
        f"{sum(each['inventories'] for each in lives)} of {sum(each['downs'] for each in lives)}",
        f"{sum(each['seconds'] for each in lives) / 60:.1f}",
    )
