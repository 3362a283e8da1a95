"""What any process of the machine can read: command lines of the others, and files."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def watched_commands(seen: set[bytes]) -> Iterator[None]:
    """Collects the command line of every process that runs meanwhile, ten times a second."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.1):
            seen.update(content(path) for path in Path("/proc").glob("[0-9]*/cmdline"))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # A process that has ended meanwhile.
        return b""
