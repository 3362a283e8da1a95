"""A check and its findings.

A check calls an account by action names, which are also those of a policy. It may call only the actions that it
declares, and the documented policy is made of them.
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
    """One finding of a check."""

    level: Level
    text: str
    remedy: str = ""
    """What to do; empty without a fault."""


def green(text: str) -> Finding:
    """No fault."""
    return Finding(level="green", text=text)


def yellow(text: str, remedy: str) -> Finding:
    """It works for now, or could not be found out."""
    return Finding(level="yellow", text=text, remedy=remedy)


def red(text: str, remedy: str) -> Finding:
    """`pulumi up` would fail, or its result would not work."""
    return Finding(level="red", text=text, remedy=remedy)


_LONGEST = 300
"""Characters of a service's message to show."""


def one_line(said: object) -> str:
    """A service's message, shortened, on one line."""
    text = " ".join(str(said).split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


class Ask(Protocol):
    """An account, called by actions; answers have the documented form, with all pages of a list."""

    def __call__(self, action: str, /, **parameters: Any) -> Any:
        """The answer. Raises `Denied`, `Absent` or `NoAnswer`."""
        ...


class Denied(Exception):
    """The credentials may not call this."""

    def __init__(self, action: str) -> None:
        super().__init__(f"the credentials may not {action}")
        self.action = action


class Absent(Exception):
    """The named object does not exist."""


class NoAnswer(Exception):
    """The service's answer is missing or useless."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """One question about an environment."""

    name: str
    title: str
    """Its subject, in a few words."""
    finds: str
    """What would happen without it."""
    actions: tuple[str, ...] = ()
    """Actions that it may call; empty for a check without an account."""
    provider: Literal["aws", "alicloud", ""] = ""
    """Its cloud; empty: any."""
    gate: bool = False
    """Whether a red finding skips all other checks of the account."""
    run: Callable[[Wanted, Ask], Iterable[Finding]]

    @property
    def offline(self) -> bool:
        """Whether it needs no account."""
        return not self.provider


@dataclass(frozen=True, kw_only=True)
class Result:
    """A check and its findings; none if it was skipped."""

    check: Check
    findings: tuple[Finding, ...] = ()
    skipped: str = ""
    """Why it was skipped."""
    seconds: float = field(default=0.0, compare=False)

    @property
    def level(self) -> Level | None:
        """The worst of its findings; None if it was skipped."""
        found = {finding.level for finding in self.findings}
        return next((level for level in reversed(LEVELS) if level in found), None)
