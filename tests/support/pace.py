"""Waiting, and whether something takes long, on a machine of any speed and under any load."""

import time
from collections.abc import Callable
from typing import TypeVar

import yaml

T = TypeVar("T")
PATIENCE = 300.0
"""Seconds within which anything has happened; most takes three on an idle machine."""

CHECK_SECONDS = 2.0
"""Longest check of a stack file: a user waits for it."""
_READINGS_PER_SECOND = 10
"""An idle machine reads six of the largest files in one."""
_LARGEST = "{" + ", ".join(f"t{n}: x" for n in range(25_000)) + "}"


def eventually(look: Callable[[], T], what: str, every: float = 0.1) -> T:
    """The first true answer. `what`: the error if there is none. `every`: seconds between two looks."""
    deadline = time.monotonic() + PATIENCE
    while not (found := look()):
        assert time.monotonic() < deadline, what
        time.sleep(every)
    return found


def slow(seconds: float, longest: float = CHECK_SECONDS) -> bool:
    """Whether something took longer than that here, and than what takes as long on an idle machine.

    `seconds`: CPU time of this process.
    """
    return seconds > longest and seconds > longest * _READINGS_PER_SECOND * _reading()


def _reading() -> float:
    started = time.process_time()
    yaml.load(_LARGEST, Loader=yaml.CSafeLoader)
    return time.process_time() - started
