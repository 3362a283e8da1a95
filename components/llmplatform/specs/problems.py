"""How a fault in a stack file is told: one line with the path, what is wrong, and what to write instead."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches


@dataclass(frozen=True, order=True)
class Problem:
    """One fault."""

    path: str
    """Where, as in the file: `models.qwen3-8b.pool`."""
    fault: str
    """What is wrong."""
    remedy: str
    """What to write instead."""

    def __str__(self) -> str:
        """The one line that a user sees."""
        return f"{self.path}: {self.fault}; {self.remedy}".replace("\n", " ")


class InvalidStack(Exception):
    """The settings are wrong; nothing has been created."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def nearest(word: str, choices: Iterable[str]) -> str | None:
    """The choice that `word` is probably a typo of, whatever its case; None if it resembles none."""
    by_folded = {choice.lower(): choice for choice in choices}
    found = get_close_matches(word.lower(), by_folded, n=3, cutoff=0.6)
    # Letters in the wrong order are the likeliest slip, which the ratio of common parts does not see.
    found.sort(key=lambda choice: sorted(choice) != sorted(word.lower()))
    return by_folded[found[0]] if found else None


def suggestion(word: str, choices: Sequence[str], otherwise: str | None = None) -> str:
    """A remedy: the nearest choice, else `otherwise`, else all choices."""
    near = nearest(word, choices)
    if near:
        return f"did you mean '{near}'?"
    return otherwise or f"use {listed(choices)}"


def listed(words: Sequence[object], last: str = "or") -> str:
    """The words, in quotes where they are text, as a sentence enumerates them."""
    quoted = [f"'{word}'" if isinstance(word, str) else str(word) for word in words]
    if len(quoted) < 2:
        return "".join(quoted) or "nothing"
    return f"{', '.join(quoted[:-1])} {last} {quoted[-1]}"
