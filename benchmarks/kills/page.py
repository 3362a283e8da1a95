"""Writes the results of the kills into `docs/recovering.md`, between two marks."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from benchmarks.kills.summary import TITLES, killed, lines
from benchmarks.page import between
from benchmarks.platforms import ROOT

PAGE = ROOT / "docs" / "recovering.md"


def write(result: Mapping[str, Any]) -> None:
    """Bring the page up to date."""
    between(PAGE, "kills", text(result))


def text(result: Mapping[str, Any]) -> str:
    """The table, with the machine and the killed processes."""
    lives, machine = result["lives"], result["machine"]
    victims = Counter(victim for life in lives for kill in life["kills"] for victim in kill["killed"])
    said = ", ".join(f"{victim} {count} times" for victim, count in victims.most_common())
    return "\n".join(
        [
            (
                f"{killed(lives)} kills, {result['date'][:10]}, revision `{result['revision']}`, seed "
                f"{result['seed']}; "
                f"{machine['processors']} processors, {machine['memory_gib']} GiB, {machine['system']}. "
                f"Killed were (several at a time): {said}."
            ),
            "",
            f"| {' | '.join(TITLES)} |",
            f"|---|{'--:|' * (len(TITLES) - 1)}",
            *(f"| {' | '.join(cells)} |" for cells in lines(lives)),
            "",
        ]
    )
