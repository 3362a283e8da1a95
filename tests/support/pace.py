"""Whether something takes long, on a machine of any speed and under any load."""

import time

import yaml

LONGEST_SECONDS = 2.0
"""A user waits, and CI checks a fork's file before its own."""
LONGEST_READINGS = 20
"""The same on another machine: as many times as long as reading a file of the largest size takes there."""
_LARGEST = "{" + ", ".join(f"t{n}: x" for n in range(25_000)) + "}"


def slow(seconds: float) -> bool:
    """Whether a check took long, by the CPU time of this process."""
    return seconds > LONGEST_SECONDS and seconds > LONGEST_READINGS * _reading()


def _reading() -> float:
    started = time.process_time()
    yaml.load(_LARGEST, Loader=yaml.CSafeLoader)
    return time.process_time() - started
