"""What make would do, asked from a test that make itself may be running."""

import os
import subprocess
from collections.abc import Sequence

from program import ROOT


def dry_run(arguments: Sequence[str]) -> str:
    """The commands that `make -n` prints."""
    # A make within a make inherits options, and tells of its folders.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    command = ["make", "-n", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, env=environment).stdout
