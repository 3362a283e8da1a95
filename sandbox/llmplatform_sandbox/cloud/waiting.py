"""Waits for slow actions of a cloud."""

import time
from collections.abc import Callable


def wait(ready: Callable[[], bool], seconds: float) -> bool:
    """Look until it is true, or the time is over."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True
