"""Progress of a long operation, as plain data: a terminal, a log and a test read the same events."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class PhaseStarted:
    """A part of the operation begins: tools, control plane, world, plan, engine, settle."""

    phase: str
    text: str


@dataclass(frozen=True, kw_only=True)
class PhaseEnded:
    """The part of the operation ended; not sent if it failed."""

    phase: str
    seconds: float


@dataclass(frozen=True, kw_only=True)
class ToolWork:
    """A tool is downloaded, or built from its Go module; sent at the start, repeatedly, and at the end."""

    doing: Literal["download", "build"]
    tool: str
    version: str
    seconds: float
    received: int = 0
    """Downloaded bytes."""
    done: bool = False


@dataclass(frozen=True, kw_only=True)
class ResourceStep:
    """The engine begins or ends one step on one resource."""

    op: str
    """Engine's word: create, update, delete, replace, same, read, refresh …"""
    type: str
    name: str
    urn: str
    state: str
    """`started`, `done` or `failed`."""
    seconds: float = 0.0
    parent: str = ""
    """URN of its component."""


@dataclass(frozen=True, kw_only=True)
class Output:
    """A line that the engine or the program wrote for people."""

    text: str
    severity: str = "info"


Event = PhaseStarted | PhaseEnded | ToolWork | ResourceStep | Output
Report = Callable[[Event], None]
"""Receiver of events; called from several threads."""


def silent(_event: Event) -> None:
    """A receiver that ignores events."""


def errors_only(report: Report) -> Report:
    """A receiver that passes only errors on."""

    def receive(event: Event) -> None:
        if isinstance(event, Output) and event.severity == "error":
            report(event)

    return receive


class Lines(io.TextIOBase):
    """A text stream that reports each line that a program prints."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._rest = ""

    def write(self, text: str, /) -> int:
        """Report the complete lines."""
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._report(Output(text=line))
        return len(text)
