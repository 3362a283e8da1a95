"""Errors of the machine as sentences, and the width of a line."""

import errno
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

LOG_WIDTH = 240
"""Columns without a terminal: logs are searched by line."""
_REMEDIES = {
    errno.ENOSPC: "free some space (it goes on from there)",
    errno.EDQUOT: "free some space (it goes on from there)",
    errno.EACCES: "make it writable for you",
    errno.EPERM: "make it writable for you",
    errno.EROFS: "use a folder that can be written to",
    errno.ENOTDIR: "something above it is a file; name a folder (HOME, XDG_CACHE_HOME, --project)",
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
}
"""Errors of the machine, and the remedy for each."""


def refusal(error: OSError) -> str | None:
    """The sentence for an error; None for a fault of the program."""
    if error.errno not in _REMEDIES:
        return None
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{error.strerror}; {_REMEDIES[error.errno]}, and run the same command again"


@contextmanager
def refusals_of_the_machine() -> Generator[None]:
    """End the process with a sentence if the machine refuses something, output included."""
    try:
        try:
            yield
        finally:
            # Output that is not written before the interpreter ends is lost silently.
            if sys.stdout:  # pyright: ignore[reportUnnecessaryComparison] None where the shell has closed it.
                sys.stdout.flush()
    except BrokenPipeError:
        sys.stdout = None  # The reader has closed the pipe.
        sys.exit(1)
    except OSError as error:
        said = refusal(error)
        if said is None:
            raise
        sys.stderr.write(f"{said}\n")
        sys.stdout = None  # Else it would be flushed, and fail again.
        sys.exit(1)


def console_for(*, stderr: bool = False) -> "Console":
    """A console that breaks lines on a terminal only, and never at zero columns."""
    from rich.console import Console

    console = Console(stderr=stderr, highlight=False)
    if console.is_terminal and console.width > 0:
        return console
    return Console(stderr=stderr, highlight=False, width=LOG_WIDTH)
