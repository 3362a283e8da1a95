"""An interruption that reaches the engine, too.

Ctrl-C in a terminal goes to the whole process group. A signal to this process alone (`kill -INT`, a CI runner) does not
reach the engine, whose output the Automation API reads on and on, so that this process would not end before it.
"""

import os
import signal
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress

from llmplatform_sandbox.paths import SandboxPaths
from llmplatform_sandbox.processes import engines

_GRACE = 5.0
"""Seconds in which an engine that has got the signal by itself begins to end; a second one would not let it end in
order."""
_POLL = 0.1


@contextmanager
def passed_on(paths: SandboxPaths) -> Generator[None]:
    """While this holds, an engine of the state folder that an interruption did not reach gets it."""

    def interrupt(_number: int, _frame: object) -> None:
        threading.Thread(target=_interrupt, args=(paths,), daemon=True).start()
        raise KeyboardInterrupt

    # An ignored signal stays ignored, and so does the handler of another caller.
    if (
        threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    ):
        yield
        return
    signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _interrupt(paths: SandboxPaths) -> None:
    struck = engines(paths)
    deadline = time.monotonic() + _GRACE
    while time.monotonic() < deadline:
        struck = [pid for pid in struck if pid in engines(paths)]
        time.sleep(_POLL)
    for pid in struck:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGINT)
