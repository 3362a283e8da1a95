"""Waiting for what takes a cloud a while."""

import time
from collections.abc import Callable


def wait(ready: Callable[[], bool], seconds: float) -> bool:
    """Look until it is so, or the seconds are over."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True
