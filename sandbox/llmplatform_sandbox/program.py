"""Runs a Pulumi Python program in this process, as Pulumi's language host would in one of its own."""

import os
import runpy
import sys
from collections.abc import Callable
from pathlib import Path

from llmplatform.catalog.versions import NO_ARCHIVES


def program_runner(program: Path) -> Callable[[], None]:
    """A function that executes a program folder's `__main__.py` (or a program file), each time with fresh modules."""

    def run() -> None:
        folder = program if program.is_dir() else program.parent
        file = program / "__main__.py" if program.is_dir() else program
        os.environ[NO_ARCHIVES] = "simulated"
        loaded = set(sys.modules)
        sys.path.insert(0, str(folder))
        try:
            runpy.run_path(str(file), run_name="__main__")
        finally:
            sys.path.remove(str(folder))
            for name in set(sys.modules) - loaded:
                origin = getattr(sys.modules[name], "__file__", None)
                if origin and Path(origin).is_relative_to(folder):
                    del sys.modules[name]

    return run
