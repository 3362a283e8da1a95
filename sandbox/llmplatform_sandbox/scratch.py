"""A state folder for one operation, removed at its end, however it ends."""

import signal
import tempfile
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from llmplatform_sandbox.paths import SandboxPaths
from llmplatform_sandbox.processes import end_engines

_REQUESTS_TO_END = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def scratch(prefix: str) -> Generator[SandboxPaths]:
    """A temporary folder; engines that an interruption left running are ended before it is removed."""
    with tidy_when_ended(), tempfile.TemporaryDirectory(prefix=prefix) as folder:
        # TMPDIR may be relative, and the engine works in another folder.
        paths = SandboxPaths(Path(folder).resolve())
        try:
            yield paths
        finally:
            # Files that they write into a folder during its removal would keep it.
            end_engines(paths)


@contextmanager
def tidy_when_ended() -> Generator[None]:
    """Turn a request to end into an interruption, so that every folder is removed on the way out."""

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # An ignored signal stays ignored: `nohup` lets a command outlive its terminal.
    heeded = [number for number in _REQUESTS_TO_END if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, interrupt) for number in heeded}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
