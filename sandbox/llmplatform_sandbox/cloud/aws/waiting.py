"""What behaviours of EKS share."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any


def other_minor(inputs: Mapping[str, Any], minor: str) -> Sequence[tuple[str, str]]:
    """What is wrong with a Kubernetes version that the sandbox does not run."""
    version = inputs.get("version")
    if isinstance(version, str) and version != minor:
        return [
            (
                "version",
                f"{version}: the sandbox runs Kubernetes {minor}; write {minor}, or try this version on a real account",
            )
        ]
    return []


def wait(ready: Callable[[], bool], seconds: float) -> bool:
    """Look until it is so, or the seconds are over."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True
