"""The sandbox's commands as processes that begin at once: forked from a server that has imported what they need.

A command of its own imports for seconds, the SDKs above all: hundreds of commands would do little else.
"""

import multiprocessing
import os
import sys
import threading
from collections.abc import Mapping, Sequence
from multiprocessing.connection import wait
from pathlib import Path

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload([
    "llmplatform_sandbox.commands",
    "llmplatform_sandbox.lifecycle",
    # What the program imports.
    "llmplatform.addons",
    "llmplatform.alicloud",
    "llmplatform.aws",
    "llmplatform.checks",
    "llmplatform.serving",
])  # fmt: skip
_POLLING = threading.Lock()
"""A process' exit code can be read once, and to start one polls all others (`multiprocessing.process._cleanup`)."""


class ForkedCommand:
    """`llmplatform sandbox …` in a session of its own. The part of `subprocess.Popen` that its callers need."""

    def __init__(self, arguments: Sequence[str], output: Path, environment: Mapping[str, str]) -> None:
        """`output`: a file for what it says, on both streams. `environment`: variables beside this process' own."""
        variables = {**os.environ, **environment}
        self._process = _CONTEXT.Process(target=_command, args=(list(arguments), str(output), variables))
        with _POLLING:
            self._process.start()

    @property
    def pid(self) -> int:
        """Also the id of its session."""
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        """Its exit code, or None while it runs."""
        with _POLLING:
            return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int | None:
        """The exit code, or None where it still runs after `timeout` seconds."""
        wait([self._process.sentinel], timeout)
        return self.poll()


def _command(arguments: list[str], output: str, variables: dict[str, str]) -> None:
    os.setsid()
    sink = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    for stream in (1, 2):
        os.dup2(sink, stream)
    os.environ.clear()
    os.environ.update(variables)
    sys.argv[:] = ["llmplatform sandbox", *arguments]
    from llmplatform_sandbox.commands import app

    app()
