"""Make, asked from a test that make itself may be running."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from support.program import ROOT


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What make does in a folder with a Makefile."""
    # A make within a make inherits options, and tells of its folders.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    command = ["make", *arguments]
    environment = {**inherited, "LC_ALL": "C"}
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environment)


def dry_run(arguments: Sequence[str]) -> str:
    """The commands that `make -n` prints."""
    made = make(ROOT, "-n", *arguments)
    made.check_returncode()
    return made.stdout
