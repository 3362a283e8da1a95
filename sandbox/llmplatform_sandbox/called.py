"""How to spell the command again, so that a hint can be copied into the shell that the command was started from."""

import os
import shlex
import shutil
import sys
from pathlib import Path


def called() -> str:
    """`llmplatform` where the shell finds it, else the path under which it runs, as make starts it."""
    started = Path(sys.argv[0])
    if shutil.which("llmplatform") or started.name != "llmplatform":
        return "llmplatform"
    return shlex.quote(os.path.relpath(started))
