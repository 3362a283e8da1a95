"""Ends every command of the sandbox with a sentence if something prevents it."""

import sqlite3
import sys
import threading
import warnings
from collections.abc import Generator
from contextlib import contextmanager

import typer

from llmplatform.cli.machine import console_for, refusal
from llmplatform_sandbox.errors import SandboxError

__all__ = ["console_for", "refusals"]


@contextmanager
def refusals() -> Generator[None]:
    """Turns errors and interruptions into a sentence."""
    # The engine's reader continues for a moment after its stream was closed.
    warnings.filterwarnings("ignore", message="Error in event stream")
    threading.excepthook = _unless_closed
    try:
        yield
    except SandboxError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(error.exit_code) from None
    except OSError as error:
        said = refusal(error)
        if said is None:
            raise
        print(said, file=sys.stderr)
        raise typer.Exit(1) from None
    except sqlite3.OperationalError as error:
        # SQLite gives neither number nor file: a full disk, a read-only folder.
        print(f"the simulated account: {error}; mend that and run the same command again", file=sys.stderr)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        print("interrupted; run the same command again to go on from here", file=sys.stderr)
        raise typer.Exit(130) from None


def _unless_closed(failure: threading.ExceptHookArgs) -> None:
    if not (isinstance(failure.exc_value, ValueError) and "closed file" in str(failure.exc_value)):
        threading.__excepthook__(failure)
