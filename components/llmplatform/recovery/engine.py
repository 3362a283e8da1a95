"""The user's own Pulumi CLI, as far as a recovery needs it: the state out and in, a refresh, a lock."""

import json
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llmplatform.recovery.survey import Unknown, WrongInput

_OWNER = re.compile(r"created by (?P<user>[^@\s]+)@(?P<host>\S+) \(pid (?P<pid>\d+)\)")
"""How every backend that keeps its state in files names the holder of a lock."""
_NO_STACK = "no stack named"
_INITIAL = 0xEFFFFFFC
"""Inode of Linux's first namespace of processes (include/linux/proc_ns.h, PROC_PID_INIT_INO)."""


class Engine:
    """A stack of a project folder."""

    def __init__(self, project: Path, stack: str) -> None:
        if not (project / "Pulumi.yaml").is_file():
            raise WrongInput(f"{project}: no Pulumi.yaml is there; give the project's folder by --project")
        command = shutil.which("pulumi")
        if command is None:
            raise Unknown("pulumi: not found; install it (https://www.pulumi.com/docs/install/) and log in")
        self._command, self._project, self._stack = command, project, stack

    def export(self) -> dict[str, Any]:
        """The stack as `pulumi stack export` gives it, secrets encrypted."""
        return json.loads(self._run("stack", "export"))

    def replace(self, exported: dict[str, Any], by: dict[str, Any], *, break_lock: bool) -> None:
        """Put a state in place of the stack's; a lock whose owners are dead is removed first.

        Raises `Unknown`, with nothing written, when the stack is not any more as it was `exported`, and when somebody
        else holds the lock and `break_lock` is not given.
        """
        if self.export() != exported:
            raise Unknown(
                f"{self._stack}: something else has changed it meanwhile; nothing was written; run this again"
            )
        try:
            self._import(by)
        except _Locked as lock:
            if not (break_lock or lock.stale()):
                raise Unknown(
                    f"{self._stack}: locked by {lock}; wait for it to end, or, if it is gone, add --break-lock"
                ) from None
            self.unlock()
            self._import(by)

    def unlock(self) -> None:
        """Remove every lock."""
        self._run("cancel", "--yes")

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
        if owners := [_Owner(each["user"], each["host"], int(each["pid"])) for each in _OWNER.finditer(said)]:
            raise _Locked(owners)
        if _NO_STACK in said:
            raise WrongInput(
                f"{self._stack}: no such stack in {self._project}; `pulumi stack ls` names those there are"
            )
        lines = [line for line in said.splitlines() if line.startswith("error: ")] or said.strip().splitlines()
        raise Unknown(f"pulumi {' '.join(arguments[:2])}: {(lines or ['failed'])[-1].removeprefix('error: ')}")


@dataclass(frozen=True)
class _Owner:
    user: str
    host: str
    pid: int

    def gone(self) -> bool:
        """Whether it was a process of this machine, and is none any more."""
        if self.host != socket.gethostname() or not sees_all_processes():
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            pass
        return False


class _Locked(Unknown):
    def __init__(self, owners: Sequence[_Owner]) -> None:
        super().__init__(", ".join(f"{each.user}@{each.host} (process {each.pid})" for each in owners))
        self._owners = owners

    def stale(self) -> bool:
        """Whether every owner is gone."""
        return all(each.gone() for each in self._owners)


def sees_all_processes() -> bool:
    """Whether a process that is not seen is none; containers may share a host name, and see their own alone."""
    try:
        return Path("/proc/self/ns/pid").stat().st_ino == _INITIAL
    except OSError:
        return True
