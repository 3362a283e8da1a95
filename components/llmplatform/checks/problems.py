"""A problem of a stack file, as one line: path, fault and remedy."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import cast

_LONGEST = 80
"""Characters of a value to show; longer values are cut."""
_QUOTED = re.compile(rf"(?<![^\s(])'([^']{{{_LONGEST + 40},}})'")
_WORD = re.compile(rf"\S{{{_LONGEST + 80},}}")

_CHOICES = 12
"""Longest list of choices in a message."""


@dataclass(frozen=True, order=True)
class Problem:
    """One fault and its remedy."""

    path: str
    """Path in the file: `models.qwen3-8b.pool`."""
    fault: str
    """What is wrong."""
    remedy: str
    """What to write instead."""

    def __str__(self) -> str:
        """The one line that a user sees."""
        return f"{_one_line(self.path)}: {_one_line(f'{self.fault}; {self.remedy}')}"


def _one_line(text: str) -> str:
    """The text on one line: long values are cut, and control characters are escaped."""
    line = _QUOTED.sub(lambda found: f"'{found[1][:_LONGEST]}…'", " ".join(text.split("\n")))
    line = _WORD.sub(lambda found: f"{found[0][:_LONGEST]}…", line)
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in line)


class InvalidStack(Exception):
    """The settings are wrong; nothing has been created."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def nearest(word: str, choices: Iterable[str]) -> str | None:
    """The choice that `word` is probably a typo of, regardless of case; None if none is similar."""
    by_folded = {choice.lower(): choice for choice in choices}
    found = get_close_matches(word.lower(), by_folded, n=3, cutoff=0.6)
    # Transposed letters are the most common typo, and the ratio of common parts misses them.
    found.sort(key=lambda choice: sorted(choice) != sorted(word.lower()))
    return by_folded[found[0]] if found else None


def suggestion(word: str, choices: Sequence[str], otherwise: str | None = None) -> str:
    """A remedy: the nearest choice, else `otherwise`, else all choices, or the most similar if there are many."""
    near = nearest(word, choices)
    if near:
        return f"did you mean '{near}'?"
    if otherwise or len(choices) <= _CHOICES:
        return otherwise or f"use {listed(choices)}"
    return f"use one of {len(choices)}, such as {listed(get_close_matches(word, choices, n=6, cutoff=0))}"


def listed(words: Sequence[object], last: str = "or") -> str:
    """The words as a list in a sentence; text is quoted."""
    quoted = [f"'{word}'" if isinstance(word, str) else str(word) for word in words]
    if len(quoted) < 2:
        return "".join(quoted) or "nothing"
    return f"{', '.join(quoted[:-1])} {last} {quoted[-1]}"


def counted(number: int, word: str) -> str:
    """A number of things: `1 day`, `2 days`."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def shown(value: object) -> str:
    """A value as shown in a sentence."""
    if isinstance(value, Mapping):
        return "a group of keys"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "a list"
    return str(value).lower() if isinstance(value, bool) else f"'{value}'" if isinstance(value, str) else str(value)


QUOTED_FLAG = """'--flag={"key": 1}'"""
"""A flag whose value is JSON, as YAML takes it for text."""


def is_flag(value: object) -> bool:
    """Whether YAML made a group of keys of a flag with a value in JSON."""
    return isinstance(value, Mapping) and any(str(key).startswith("--") for key in cast(Mapping[object, object], value))
