"""A real Postgres on a socket, whose segments of the log barman's real programs archive and fetch.

As in a pod, Postgres asks a process beside it, which calls the programs: here by files in a folder. The command lines
are those of plugin-barman-cloud (cloudnative-pg/barman-cloud v0.5.1, pkg/backup/backup.go, pkg/archiver/command.go,
pkg/command/commandbuilder.go; plugin-barman-cloud v0.13.0, internal/cnpgi/restore/restore.go), with what an ObjectStore
asks for, and the address of the stand-in.
"""

import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.mlflow.postgres import SOCKET, call, copied, owner

START_SECONDS = 300


@dataclass(frozen=True, kw_only=True)
class Tools:
    """Folders of programs."""

    barman: Path
    postgres: Path


@dataclass(frozen=True, kw_only=True)
class Barman:
    """The programs, for one server's folder of a bucket."""

    programs: Path
    """Folder of the command lines."""
    endpoint: str
    store: Mapping[str, Any]
    """`spec` of an ObjectStore."""
    server: str

    def call(
        self, program: str, *arguments: str | Path, options: Sequence[str] = (), **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """One of the programs, on the server's folder."""
        where = [str(self.store["configuration"]["destinationPath"]), self.server]
        words = [self.programs / program, *options, "--endpoint-url", self.endpoint, "--cloud-provider", "aws-s3"]
        env = {each["name"]: each["value"] for each in self.store["instanceSidecarConfiguration"]["env"]}
        key = {"AWS_ACCESS_KEY_ID": "stand-in", "AWS_SECRET_ACCESS_KEY": "stand-in"}
        return subprocess.run(
            [*words, *where, *arguments],
            env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", **key, **env, **variables},
            capture_output=True,
            text=True,
            check=False,
        )

    def archive(self, segment: Path) -> int:
        """Store a segment of the log."""
        return self.call("barman-cloud-wal-archive", segment, options=self._compressed("wal")).returncode

    def fetch(self, name: str, target: Path) -> int:
        """Fetch a segment. 1: there is none."""
        return self.call("barman-cloud-wal-restore", name, target).returncode

    def back_up(self, name: str, database: Path) -> subprocess.CompletedProcess[str]:
        """A base backup of the server with this folder of sockets."""
        options = ["--user", "postgres", "--name", name, *self._compressed("data")]
        options += ["--jobs", str(self.store["configuration"]["data"]["jobs"])]
        return self.call("barman-cloud-backup", options=options, PGHOST=str(database))

    def restore(self, backup: str, target: Path) -> subprocess.CompletedProcess[str]:
        """Fetch a base backup."""
        return self.call("barman-cloud-restore", backup, target)

    def _compressed(self, part: str) -> list[str]:
        return [f"--{self.store['configuration'][part]['compression']}"]


class _Beside(threading.Thread):
    """The process beside a server: it answers the requests that its commands leave as files."""

    def __init__(self, folder: Path, own: Barman, source: Barman, data: Path) -> None:
        super().__init__(daemon=True)
        self._folder, self._own, self._source, self._data = folder, own, source, data
        self.ended = threading.Event()

    def run(self) -> None:
        while not self.ended.wait(0.05):
            for request in sorted(self._folder.glob("*.wanted")):
                kind, _, name = request.stem.partition("-")
                if kind == "archive":
                    code = self._own.archive(self._data / "pg_wal" / name)
                else:
                    code = self._source.fetch(name, self._folder / name)
                request.unlink()
                answer = request.with_suffix(".answer")
                answer.with_suffix(".new").write_text(str(code))
                answer.with_suffix(".new").rename(answer)


@dataclass(frozen=True, kw_only=True)
class Server:
    """A running server."""

    programs: Path
    folder: Path

    def sql(self, *statements: str) -> str:
        """Run statements as the owner of everything; what the last one gives, without decoration."""
        words = [word for each in statements for word in ("-c", each)]
        command = [self.programs / "psql", "-qAtX", *words, "postgres"]
        return call(command, {"PGHOST": str(self.folder), "PGUSER": "postgres"})

    def archived(self, segment: str) -> None:
        """Wait until a segment of the log is in the bucket."""
        deadline = time.monotonic() + START_SECONDS
        while self.sql("SELECT last_archived_wal FROM pg_stat_archiver").strip() < segment:
            assert time.monotonic() < deadline, f"{segment} was not archived"
            time.sleep(0.1)


@contextmanager
def place() -> Generator[Path]:
    """A folder for a server. That of a test is root's alone where root runs it, and Postgres refuses to run as root."""
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def prepared(programs: Path, folder: Path) -> Path:
    """Programs that the owner of the servers may run."""
    if os.getuid() != 0:
        return programs
    return copied(programs, folder / "programs")


def created(programs: Path, folder: Path) -> Path:
    """The data of an empty server, with checksums as the resource asks for."""
    data = folder / "data"
    _owned(folder)
    call([programs / "initdb", "-D", data, "-U", "postgres", "--auth=trust", "--data-checksums"], {})
    return data


@contextmanager
def running(
    programs: Path, folder: Path, own: Barman, source: Barman | None = None, **settings: str
) -> Generator[Server]:
    """A server on the data in `folder`, which archives into its own folder of the bucket.

    `source`: folder of the server whose log it recovers from. None: its own.
    """
    data, requests = folder / "data", folder / "requests"
    requests.mkdir()
    _owned(folder)
    asked = f'touch "{requests}/$0-$1.wanted"; until [ -e "{requests}/$0-$1.answer" ]; do sleep 0.05; done; '
    answered = f'read -r code < "{requests}/$0-$1.answer" || :; rm "{requests}/$0-$1.answer"; '
    wal = {
        "archive_command": f"sh -c '{asked}{answered}exit \"$code\"' archive %f",
        "restore_command": f'sh -c \'{asked}{answered}[ "$code" = 0 ] && cp "{requests}/$1" "$2"\' restore %f %p',
    }
    usual = {"listen_addresses": "", "unix_socket_directories": str(folder), "fsync": "off", "archive_mode": "on"}
    quoted = {name: value.replace("'", "''") for name, value in {**usual, **wal, **settings}.items()}
    # The last of a name counts: a restored file has those of the lost server.
    with (data / "postgresql.conf").open("a") as file:
        file.writelines(f"{name} = '{value}'\n" for name, value in quoted.items())
    beside = _Beside(requests, own, source or own, data)
    beside.start()
    log = (folder / "log").open("w")
    process = subprocess.Popen(
        [programs / "postgres", "-D", data], env={"LC_ALL": "C.UTF-8", "PATH": os.defpath}, stderr=log, **owner()
    )
    try:
        server = Server(programs=programs, folder=folder)
        _wait(server, process)
        yield server
    finally:
        process.terminate()
        process.wait()
        beside.ended.set()
        beside.join()
        log.close()


class Ended(Exception):
    """The server ended by itself; its argument is its log."""


def _wait(server: Server, process: subprocess.Popen[Any]) -> None:
    """Until it takes writes: until then a recovery goes on."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise Ended((server.folder / "log").read_text())
        if (server.folder / SOCKET).exists():
            try:
                if server.sql("SELECT pg_is_in_recovery()").strip() == "f":
                    return
            except AssertionError:
                pass
        time.sleep(0.1)
    raise AssertionError((server.folder / "log").read_text())


def _owned(folder: Path) -> None:
    if os.getuid() == 0:
        number = owner()["user"]
        subprocess.run(["chown", "-R", f"{number}:{number}", folder], check=True)
