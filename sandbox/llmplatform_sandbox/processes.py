"""Starts, finds and stops the sandbox's background processes.

A process is known by its name and a pid file in the run folder. The file holds the pid together with its start time in
the kernel, so that a reused number (after a reboot or a long pause) is never taken for ours, or killed.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from llmplatform_sandbox.errors import SandboxError
from llmplatform_sandbox.paths import SandboxPaths, write_private

_POLL = 0.02
_TIGHT = 256
"""MiB of free disk below which an ended process probably found no space; etcd's log alone needs 64 at once."""
ENGINE_MARK = "LLMPLATFORM_SANDBOX_ENGINE"
"""Variable that marks a CLI process that outlived its parent as ours; holds the state folder."""


class Processes:
    """The background processes of one sandbox."""

    def __init__(self, run: Path, logs: Path) -> None:
        self._run = run
        self._logs = logs

    def start(self, name: str, command: Sequence[str], *, environment: Mapping[str, str] | None = None) -> None:
        """Start a process in a session of its own, unless it runs; its output is appended to `logs/<name>.log`.

        Never put secrets into `command`: every user of the machine can read it.
        """
        if self.running(name):
            return
        self._end_strays(command[0])
        log = self._logs / f"{name}.log"
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        # posix_spawn rather than subprocess: the process outlives this one, which does not wait for it.
        pid = os.posix_spawn(
            command[0],
            list(command),
            dict(os.environ if environment is None else environment),
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, str(log), flags, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
                # It would hold a lock, or keep a pipe open, of the shell that the command was started from.
                *((os.POSIX_SPAWN_CLOSE, descriptor) for descriptor in _inheritable()),
            ],
            setsid=True,
        )
        write_private(self._pid_file(name), json.dumps({"pid": pid, "started": start_time(pid)}))

    def _end_strays(self, program: str) -> None:
        """End processes of a start that was killed before it wrote the pid: they would hold the data and the ports."""
        noted = {self.pid(name) for name in self.names()}
        folder = str(self._run.parent)
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = entry.read_bytes().decode(errors="replace").split("\0")
            except OSError:
                continue
            pid = int(entry.parent.name)
            if words[0] == program and pid not in noted and any(_below(word, folder) for word in words):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                while start_time(pid):
                    time.sleep(_POLL)

    def running(self, name: str) -> bool:
        """Whether a process of ours is alive."""
        return self.pid(name) is not None

    def pid(self, name: str) -> int | None:
        """The pid of a living process of ours."""
        try:
            noted = json.loads(self._pid_file(name).read_text())
        except (FileNotFoundError, ValueError):
            return None
        return noted["pid"] if noted["started"] and start_time(noted["pid"]) == noted["started"] else None

    def names(self) -> list[str]:
        """Names of all processes that were started and not stopped, alive or dead."""
        return sorted(file.stem for file in self._run.glob("*.pid"))

    def stop(self, *names: str, grace: float = 5.0) -> None:
        """Ask processes to end, all at once; kill those that have not after `grace` seconds."""
        alive = {name: pid for name in names if (pid := self.pid(name))}
        for how, wait in ((signal.SIGTERM, grace), (signal.SIGKILL, 5.0)):
            for pid in alive.values():
                with suppress(ProcessLookupError):
                    os.kill(pid, how)
            deadline = time.monotonic() + wait
            while alive and time.monotonic() < deadline:
                alive = {name: pid for name, pid in alive.items() if self.pid(name)}
                time.sleep(_POLL)
        for name in names:
            if name not in alive:
                self._pid_file(name).unlink(missing_ok=True)

    def failed(self, name: str, fault: str) -> SandboxError:
        """The error for a process that does not work."""
        free = shutil.disk_usage(self._run).free // 2**20 if self._run.exists() else _TIGHT
        if free < _TIGHT:
            return SandboxError(f"{name}: {fault}; {self._run}: the disk has {free} MiB left: free some space first")
        return SandboxError(
            f"{name}: {fault}; run the same command again, and if it happens again see {self._logs / name}.log"
        )

    def require(self, name: str) -> None:
        """Raise `SandboxError` unless the process is alive."""
        if not self.running(name):
            raise self.failed(name, "the process ended")

    def _pid_file(self, name: str) -> Path:
        return self._run / f"{name}.pid"


def _inheritable() -> list[int]:
    """Descriptors beyond the standard three that a child would inherit."""
    found: list[int] = []
    for descriptor in map(int, os.listdir("/dev/fd")):  # noqa: PTH208 it is no folder of files
        with suppress(OSError):
            if descriptor > 2 and os.get_inheritable(descriptor):
                found.append(descriptor)
    return found


def engines(paths: SandboxPaths) -> list[int]:
    """Pids of living engines on a state folder, as far as the system tells."""
    mark, found = f"{ENGINE_MARK}={paths.folder}".encode(), list[int]()
    for variables in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if mark in variables.read_bytes().split(b"\0"):
                found.append(int(variables.parent.name))
    return found


def end_engines(paths: SandboxPaths) -> None:
    """Kill the engines of a state folder, whose callers are gone."""
    for pid in engines(paths):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        while start_time(pid):
            time.sleep(_POLL)


def _below(word: str, folder: str) -> bool:
    """Whether an argument (`--data-dir=/…`, `/…`) names a folder or something below it."""
    path = word.partition("=")[2] if word.startswith("--") and "=" in word else word
    return path == folder or path.startswith(f"{folder}/")


def start_time(pid: int) -> str:
    """Start time of a process, in the kernel's notation; empty without such a process, or for a zombie."""
    with suppress(ChildProcessError):
        # A child process stays a zombie until its parent reads its exit status.
        os.waitpid(pid, os.WNOHANG)
    if Path("/proc/self/stat").exists():
        try:
            # The second field, the command's name in parentheses, may itself hold spaces and parentheses.
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return ""
        return "" if fields[0] in "ZX" else fields[19]
    answer = subprocess.run(
        ["ps", "-o", "state=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.strip()
    return "" if answer.startswith("Z") else answer.partition(" ")[2].strip()


def free_ports(count: int, *, preferred: Sequence[int] = ()) -> list[int]:
    """Free ports on loopback: each preferred one if free, else one that the kernel chooses."""
    held: list[socket.socket] = []
    try:
        for index in range(count):
            wanted = preferred[index] if index < len(preferred) else 0
            holder = socket.socket()
            held.append(holder)
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                holder.bind(("127.0.0.1", wanted))
            except OSError:
                holder.bind(("127.0.0.1", 0))
        return [holder.getsockname()[1] for holder in held]
    finally:
        for holder in held:
            holder.close()
