"""How to write the command again, so that a hint can be copied into the same shell."""

import os
import shlex
import shutil
import sys
from pathlib import Path


def called() -> str:
    """`llmplatform` if the shell finds it, else the path under which it runs, as make starts it."""
    started = Path(sys.argv[0])
    if shutil.which("llmplatform") or started.name != "llmplatform":
        return "llmplatform"
    return shlex.quote(os.path.relpath(started))
