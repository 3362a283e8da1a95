"""A state folder for one operation, removed at its end, however it ends."""

import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from llmplatform_sandbox.paths import SandboxPaths
from llmplatform_sandbox.processes import end_engines


@contextmanager
def scratch(prefix: str) -> Generator[SandboxPaths]:
    """A folder for temporary files; engines that an interruption left at work are ended before it is removed."""
    with tempfile.TemporaryDirectory(prefix=prefix) as folder:
        paths = SandboxPaths(Path(folder))
        try:
            yield paths
        finally:
            # What they write into a folder that is being removed would keep it there.
            end_engines(paths)
