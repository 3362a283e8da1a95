"""Repairs the environment of a command: standard streams, warnings and PATH."""

import os
import sys
import warnings


def settle() -> None:
    """Open closed standard streams, undo a setting that makes warnings errors, and provide a PATH.

    Libraries rely on the three: they write to the streams, warn about themselves, and prepend to PATH.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            # The lowest free number is used: else the next file or socket would receive all output.
            os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, os.fdopen(number, "r" if name == "stdin" else "w", encoding="utf-8", closefd=False))
    os.environ.setdefault("PATH", os.defpath)
    if os.environ.pop("PYTHONWARNINGS", None) is not None:
        warnings.resetwarnings()
        warnings.simplefilter("ignore")
