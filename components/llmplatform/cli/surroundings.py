"""What a command finds open and set when it starts, made such that it and its processes can work."""

import os
import sys
import warnings


def settle() -> None:
    """Open what is closed of the three standard streams, take back what makes warnings errors, and have a PATH.

    Libraries take the three for granted: they write to the streams, warn of themselves, and put a folder before PATH.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            # The lowest free number is taken: else the next file or socket would be what everything is written to.
            os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, os.fdopen(number, "r" if name == "stdin" else "w", encoding="utf-8", closefd=False))
    os.environ.setdefault("PATH", os.defpath)
    if os.environ.pop("PYTHONWARNINGS", None) is not None:
        warnings.resetwarnings()
        warnings.simplefilter("ignore")
