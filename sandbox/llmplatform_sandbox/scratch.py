"""A state folder for one operation, removed at its end, however it ends."""

import os
import signal
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from llmplatform_sandbox.engine import belongs_to
from llmplatform_sandbox.paths import SandboxPaths
from llmplatform_sandbox.processes import start_time


@contextmanager
def scratch(prefix: str) -> Generator[SandboxPaths]:
    """A folder for temporary files; engines that an interruption left at work are ended before it is removed."""
    with tempfile.TemporaryDirectory(prefix=prefix) as folder:
        paths = SandboxPaths(Path(folder))
        try:
            yield paths
        finally:
            _end_engines(paths)


def _end_engines(paths: SandboxPaths) -> None:
    # What they write into a folder that is being removed would keep it there.
    for entry in Path("/proc").glob("[0-9]*"):
        pid = int(entry.name)
        if belongs_to(pid, paths):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            while start_time(pid):
                time.sleep(0.01)
