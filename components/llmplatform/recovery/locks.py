"""The owner of a stack's lock, and whether its process still runs."""

import os
import re
import socket
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from llmplatform.recovery.survey import Unknown

_OWNER = re.compile(r"created by (?P<user>[^@\s]+)@(?P<host>\S+) \(pid (?P<pid>\d+)\)")
"""How every file backend names the owner of a lock."""
_INITIAL = 0xEFFFFFFC
"""Inode of Linux's first namespace of processes (include/linux/proc_ns.h, PROC_PID_INIT_INO)."""


@dataclass(frozen=True)
class Owner:
    """A process that took a lock."""

    user: str
    host: str
    pid: int

    def __str__(self) -> str:
        return f"{self.user}@{self.host} (process {self.pid})"

    def gone(self) -> bool:
        """Whether its process on this machine has ended. Its number may belong to another program by now."""
        return self.host == socket.gethostname() and sees_all_processes() and not runs_pulumi(self.pid)


class Locked(Unknown):
    """Another process holds the lock."""

    def __init__(self, stack: str, owners: Sequence[Owner]) -> None:
        self.owners = ", ".join(map(str, owners))
        self.stale = all(each.gone() for each in owners)
        super().__init__(f"{stack}: locked by {self.owners}; wait for it to end, or, if it is gone, add --break-lock")


def owners(said: str) -> list[Owner]:
    """The owners in the CLI's error about a lock."""
    return [Owner(each["user"], each["host"], int(each["pid"])) for each in _OWNER.finditer(said)]


def runs_pulumi(pid: int) -> bool:
    """Whether a process is Pulumi, as far as can be seen. After a reboot another program may have its number."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # Another user's process: its name is readable all the same.
    return "pulumi" in (_program(pid) or "pulumi")


def _program(pid: int) -> str:
    """Name of the program of a process; empty if the system does not tell."""
    try:
        if Path("/proc/self/comm").exists():
            return Path(f"/proc/{pid}/comm").read_text()
        return subprocess.run(["ps", "-o", "comm=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    except OSError:
        return ""


def sees_all_processes() -> bool:
    """Whether this process sees all processes of the host. Containers may share a host name, and see only their own."""
    try:
        return Path("/proc/self/ns/pid").stat().st_ino == _INITIAL
    except OSError:
        return True
