"""Runs a Pulumi Python program: in this process, or, as a script, in a process of its own.

The script reads the engine's request from standard input and writes its response to the given descriptor. It uses
nothing of `llmplatform`, which may be the library of another revision.
"""

import os
import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from pulumi.runtime.proto import language_pb2


def program_runner(program: Path) -> Callable[[], None]:
    """A function that executes a program folder's `__main__.py` (or a program file), each time with fresh modules."""

    def run() -> None:
        folder = program if program.is_dir() else program.parent
        file = program / "__main__.py" if program.is_dir() else program
        _install_charts_without_archives()
        loaded, compiles = set(sys.modules), sys.dont_write_bytecode
        sys.path.insert(0, str(folder))
        # The user's folder stays as it is.
        sys.dont_write_bytecode = True
        try:
            runpy.run_path(str(file), run_name="__main__")
        finally:
            sys.dont_write_bytecode = compiles
            sys.path.remove(str(folder))
            for name in set(sys.modules) - loaded:
                origin = getattr(sys.modules[name], "__file__", None)
                if origin and Path(origin).is_relative_to(folder):
                    del sys.modules[name]

    return run


def program_of(request: language_pb2.RunRequest) -> Path:
    """The program that an engine wants to run."""
    return (Path(request.info.program_directory or request.pwd) / (request.info.entry_point or ".")).resolve()


def _install_charts_without_archives() -> None:
    try:
        from llmplatform.catalog.versions import NO_ARCHIVES
    except ImportError:
        return  # Another program, or a library that needs no archives.
    os.environ[NO_ARCHIVES] = "simulated"


def _run_once(answering: int) -> None:
    # The SDK's server for inline programs sets up its runtime from a request; internal, so the SDK's version is pinned.
    from pulumi.automation._server import LanguageServer

    request = language_pb2.RunRequest.FromString(sys.stdin.buffer.read())
    response = LanguageServer(program_runner(program_of(request))).Run(request, cast(Any, None))
    with os.fdopen(answering, "wb") as pipe:
        pipe.write(response.SerializeToString())


if __name__ == "__main__":
    _run_once(int(sys.argv[1]))
