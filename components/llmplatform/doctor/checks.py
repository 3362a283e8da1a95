"""What a check is, and what it finds.

A check asks an account by the names of its actions, which are those that a policy grants: what it declares is all that
it may ask, and the documented policy is made of it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from llmplatform.doctor.wanted import Wanted

Level = Literal["green", "yellow", "red"]
LEVELS: tuple[Level, ...] = ("green", "yellow", "red")
"""From good to bad."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that a check says."""

    level: Level
    text: str
    remedy: str = ""
    """What to do about it; empty where nothing is wrong."""


def green(text: str) -> Finding:
    """All is well, or nothing has to be."""
    return Finding(level="green", text=text)


def yellow(text: str, remedy: str) -> Finding:
    """It works for now, or could not be found out."""
    return Finding(level="yellow", text=text, remedy=remedy)


def red(text: str, remedy: str) -> Finding:
    """`pulumi up` would fail, or make what does not work."""
    return Finding(level="red", text=text, remedy=remedy)


_LONGEST = 300
"""Characters that are shown of what a service said."""


def one_line(said: object) -> str:
    """What a service said, on one line and not longer than a reader reads."""
    text = " ".join(str(said).split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


class Ask(Protocol):
    """An account, asked by an action; answers as the service documents them, all pages of a list together."""

    def __call__(self, action: str, /, **parameters: Any) -> Any:
        """The answer. Raises `Denied`, `Absent` or `NoAnswer`."""
        ...


class Denied(Exception):
    """The credentials may not ask this."""

    def __init__(self, action: str) -> None:
        super().__init__(f"the credentials may not {action}")
        self.action = action


class Absent(Exception):
    """What was asked for by its name is not there."""


class NoAnswer(Exception):
    """Nothing can be told from what the service said, if it said anything."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """One question about an environment."""

    name: str
    title: str
    """What it looks at, in a few words."""
    finds: str
    """What would happen without it."""
    actions: tuple[str, ...] = ()
    """What it may ask of an account; none for a check that asks nobody."""
    provider: Literal["aws", "alicloud", ""] = ""
    """Cloud that it is of; empty: of any."""
    gate: bool = False
    """Whether the account is asked nothing else where this one finds something red."""
    run: Callable[[Wanted, Ask], Iterable[Finding]]

    @property
    def offline(self) -> bool:
        """Whether it asks nobody."""
        return not self.provider


@dataclass(frozen=True, kw_only=True)
class Result:
    """A check and what it found; nothing where it was not run."""

    check: Check
    findings: tuple[Finding, ...] = ()
    skipped: str = ""
    """Why it was not run."""
    seconds: float = field(default=0.0, compare=False)

    @property
    def level(self) -> Level | None:
        """The worst of its findings; None where it was not run."""
        found = {finding.level for finding in self.findings}
        return next((level for level in reversed(LEVELS) if level in found), None)
