"""One command at a time works on a sandbox: the kernel releases the lock when its process ends, in any way."""

import fcntl
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from llmplatform_sandbox.errors import SandboxError
from llmplatform_sandbox.paths import SandboxPaths


def _file(paths: SandboxPaths) -> Path:
    return paths.run / "lock"


def at_work(paths: SandboxPaths) -> bool:
    """Whether a command works on a sandbox now."""
    with _file(paths).open("a") as file:
        try:
            # Shared, so that two readers do not take each other for a command.
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


@contextmanager
def alone(paths: SandboxPaths, stack: str) -> Generator[None]:
    """Work on a sandbox exclusively. Raises `SandboxError` if another command does."""
    with _file(paths).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SandboxError(f"{stack}: another command is at work on this sandbox; wait for it to end") from None
        yield
