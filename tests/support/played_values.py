"""Values of series that are replayed, a minute apart, over a morning with its peak."""

import math
from collections.abc import Callable
from itertools import accumulate

from support.replay import Values

MINUTES = 360


def load(minute: int) -> float:
    """Requests a second of a server: a morning with its peak after two thirds of the time."""
    return 0.6 + 2.4 * math.exp(-(((minute - MINUTES * 0.7) / 90) ** 2)) + 0.15 * math.sin(minute / 7)


def gauge(value: Callable[[int], float]) -> Values:
    """A value each minute."""
    return [value(minute) for minute in range(MINUTES + 1)]


def counter(per_minute: Callable[[int], float]) -> Values:
    """A sum each minute."""
    return list(accumulate(map(per_minute, range(MINUTES + 1))))


def phases(*values: tuple[int, float | None], last: float) -> Values:
    """Values for some minutes each, and the last until the end."""
    found = [value for minutes, value in values for _ in range(minutes)]
    return [*found, *[last] * (MINUTES + 1 - len(found))]


def lasting(value: float) -> Values:
    """One value, all the time."""
    return phases(last=value)


def since(minute: int, values: Values) -> Values:
    return [None] * minute + list(values[minute:])
