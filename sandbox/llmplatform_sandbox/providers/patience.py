"""Retries a call to a cloud, as the SDKs below the real providers do: with growing pauses, and a limit.

AWS: provider argument `maxRetries`, 25 by default, for throttled calls and 5xx. Alibaba Cloud: `max_retry_timeout` and
the lists of retryable codes in terraform-provider-alicloud, connectivity/client.go. Pauses here are a hundredth of
theirs.
"""

import time
from collections.abc import Callable
from typing import TypeVar

from llmplatform_sandbox.cloud.requests import Transient, Unanswered

T = TypeVar("T")
_TRIES = 8
_FIRST_PAUSE, _LONGEST_PAUSE = 0.01, 0.2


def patiently(call: Callable[[], T], *, repeatable: bool) -> T:
    """The result of the first successful try. `repeatable`: whether the call may be carried out twice.

    Raises the error of the last try.
    """
    pause = _FIRST_PAUSE
    for _ in range(_TRIES - 1):
        try:
            return call()
        except Transient:
            pass
        except Unanswered:
            if not repeatable:
                raise
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)
    return call()
