"""The user's own Pulumi CLI, as far as a recovery needs it: the state out and in, a refresh, a lock."""

import json
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from llmplatform.recovery.survey import Unknown

_OWNER = re.compile(r"created by (?P<user>[^@\s]+)@(?P<host>\S+) \(pid (?P<pid>\d+)\)")
"""How every backend that keeps its state in files names the holder of a lock."""


class Engine:
    """A stack of a project folder."""

    def __init__(self, project: Path, stack: str) -> None:
        command = shutil.which("pulumi")
        if command is None:
            raise Unknown("pulumi: not found; install it (https://www.pulumi.com/docs/install/) and log in")
        self._command, self._project, self._stack = command, project, stack

    def export(self) -> dict[str, Any]:
        """The stack as `pulumi stack export` gives it, secrets encrypted."""
        return json.loads(self._run("stack", "export"))

    def write(self, exported: dict[str, Any], *, break_lock: bool) -> None:
        """Put a state in place of the stack's; a lock whose owner is dead is removed first.

        Raises `Unknown`, with nothing written, when somebody else holds the lock and `break_lock` is not given.
        """
        try:
            self._import(exported)
        except _Locked as lock:
            if not (break_lock or lock.stale()):
                raise Unknown(
                    f"{self._stack}: locked by {lock.owner}; wait for it to end, or, if it is gone, add --break-lock"
                ) from None
            self._run("cancel", "--yes")
            self._import(exported)

    def refresh(self) -> None:
        """Read every resource from its cloud."""
        self._run("refresh", "--yes", "--skip-preview", "--non-interactive", "--suppress-outputs")

    def _import(self, exported: dict[str, Any]) -> None:
        self._run("stack", "import", given=json.dumps(exported))

    def _run(self, *arguments: str, given: str = "") -> str:
        command: Sequence[str] = [self._command, *arguments, "--stack", self._stack, "--color", "never"]
        done = subprocess.run(command, cwd=self._project, input=given, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return done.stdout
        said = f"{done.stderr}\n{done.stdout}"
        if owner := _OWNER.search(said):
            raise _Locked(owner["user"], owner["host"], int(owner["pid"]))
        lines = [line for line in said.splitlines() if line.startswith("error: ")] or said.strip().splitlines()
        raise Unknown(f"pulumi {' '.join(arguments[:2])}: {(lines or ['failed'])[-1].removeprefix('error: ')}")


class _Locked(Exception):
    def __init__(self, user: str, host: str, pid: int) -> None:
        super().__init__(user)
        self.host, self.pid = host, pid
        self.owner = f"{user}@{host} (process {pid})"

    def stale(self) -> bool:
        """Whether the owner was a process of this machine, and is none any more."""
        if self.host != socket.gethostname():
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            pass
        return False
