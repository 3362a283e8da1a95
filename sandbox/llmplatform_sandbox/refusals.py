"""What cannot be done is said in a sentence: how every command of the sandbox ends when something is in its way."""

import errno
import sys
import threading
import warnings
from collections.abc import Generator
from contextlib import contextmanager

import typer
from rich.console import Console

from llmplatform_sandbox.errors import SandboxError

_LOG_WIDTH = 240
_OF_THE_MACHINE = {
    errno.ENOSPC: "free some space (it goes on from there)",
    errno.EDQUOT: "free some space (it goes on from there)",
    errno.EACCES: "make it writable for you",
    errno.EPERM: "make it writable for you",
    errno.EROFS: "use a folder that can be written to",
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
}
"""Errors that are no fault of ours, and what helps."""


@contextmanager
def refusals() -> Generator[None]:
    """What cannot be done is said in a sentence, and so is an interruption."""
    # The engine's reader goes on for a moment after its stream has been closed under it.
    warnings.filterwarnings("ignore", message="Error in event stream")
    threading.excepthook = _unless_closed
    try:
        yield
    except SandboxError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(error.exit_code) from None
    except OSError as error:
        if error.errno not in _OF_THE_MACHINE:
            raise
        where = f"{error.filename}: " if error.filename else ""
        print(
            f"{where}{error.strerror}; {_OF_THE_MACHINE[error.errno]}, and run the same command again", file=sys.stderr
        )
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        print("interrupted; run the same command again to go on from here", file=sys.stderr)
        raise typer.Exit(130) from None


def _unless_closed(failure: threading.ExceptHookArgs) -> None:
    if not (isinstance(failure.exc_value, ValueError) and "closed file" in str(failure.exc_value)):
        threading.__excepthook__(failure)


def console_for(*, stderr: bool = False) -> Console:
    """A console that breaks lines on a terminal only: a log is searched by line."""
    console = Console(stderr=stderr, highlight=False)
    return console if console.is_terminal else Console(stderr=stderr, highlight=False, width=_LOG_WIDTH)
