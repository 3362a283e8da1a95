"""A real Postgres on loopback, which takes TLS and passwords alone."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llmplatform_sandbox.pki import Pki

SOCKET = ".s.PGSQL.5432"
_ANOTHER = 65534
PASSWORD = "a password with 'quotes', $signs and %s"
"""Of the user `mlflow`."""


@dataclass(frozen=True, kw_only=True)
class Postgres:
    """A server and the programs that come with it."""

    programs: Path
    folder: Path
    port: int
    """Port of loopback, for TLS alone."""

    @property
    def authorities(self) -> str:
        """What signed its certificate, as PEM."""
        return Pki(self.folder / "pki").certificate("ca").read_text()

    def run(self, program: str, *arguments: str) -> str:
        """A client program, as the owner of everything, by the socket."""
        command = [self.programs / program, *arguments]
        where = {"PGHOST": str(self.folder), "PGUSER": "postgres"}
        return call(command, where)

    def wait(self, user: str, connections: int) -> None:
        """Until a user has so many connections, for half a minute."""
        question = "SELECT usename FROM pg_stat_activity WHERE backend_type = 'client backend'"
        deadline = time.monotonic() + 30
        while self.run("psql", "-XAtc", question, "postgres").split().count(user) != connections:
            assert time.monotonic() < deadline, f"{user} never had {connections} connections"
            time.sleep(0.1)


@contextmanager
def running(programs: Path, port: int) -> Iterator[Postgres]:
    """A server with the user `mlflow` and two databases of that user's, which offers TLS on a port."""
    with started(programs, port) as server:
        quoted = PASSWORD.replace("'", "''")
        server.run("psql", "-qc", f"CREATE ROLE mlflow LOGIN PASSWORD '{quoted}'", "postgres")
        for name in ("mlflow", "mlflow_auth"):
            server.run("createdb", "--owner=mlflow", name)
        with _offered(server):
            yield server


@contextmanager
def started(programs: Path, port: int, settings: str = "") -> Iterator[Postgres]:
    """A server as it is made, on its socket alone. Postgres refuses to run as root: then it is another user's, and so
    are copies of its programs. `settings`: further lines of its configuration."""
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    try:
        if os.getuid() == 0:
            programs = copied(programs, folder / "programs")
        server = Postgres(programs=programs, folder=folder, port=port)
        _make(server, settings)
        process = subprocess.Popen([programs / "postgres", "-D", folder / "data"], env={}, **owner())
        try:
            _wait(server)
            yield server
        finally:
            process.terminate()
            process.wait()
    finally:
        shutil.rmtree(folder)


@contextmanager
def _offered(server: Postgres) -> Iterator[None]:
    """TLS on its port."""
    pki = Pki(server.folder / "pki")
    words = [server.port, server.folder / SOCKET, pki.certificate("server"), pki.key("server")]
    command = [sys.executable, Path(__file__).with_name("tls.py"), *map(str, words)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            assert process.stdout
            process.stdout.readline()
            yield
        finally:
            process.kill()


def copied(programs: Path, target: Path) -> Path:
    """The wheel's programs, with their libraries where they look for them: in a folder beside the package."""
    package = programs.parents[1]
    libraries = package.with_name(f"{package.name}.libs")
    for each in (package / "pginstall", libraries):
        shutil.copytree(each, target / each.relative_to(package.parent), symlinks=True)
    return target / programs.relative_to(package.parent)


def _make(server: Postgres, settings: str) -> None:
    folder = server.folder
    Pki(folder / "pki").create()
    if os.getuid() == 0:
        os.chown(folder, _ANOTHER, _ANOTHER)
    folder.chmod(0o755)
    call([server.programs / "initdb", "-D", folder / "data", "-U", "postgres", "--auth=trust"], {})
    with (folder / "data/postgresql.conf").open("a") as file:
        file.write(f"listen_addresses = ''\nunix_socket_directories = '{folder}'\nfsync = off\n{settings}")
    (folder / "data/pg_hba.conf").write_text("local all postgres trust\nlocal all all scram-sha-256\n")


def _wait(server: Postgres) -> None:
    deadline = time.monotonic() + 60
    while not (server.folder / SOCKET).exists():
        assert time.monotonic() < deadline, "Postgres did not start within a minute"
        time.sleep(0.05)
    server.run("pg_isready", "--quiet", "--timeout=60")


def call(command: Sequence[str | Path], variables: dict[str, str]) -> str:
    """What a program prints that the owner of the servers runs."""
    environment = {"PATH": os.defpath, "LC_ALL": "C.UTF-8", **variables}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, **owner())
    assert done.returncode == 0, done.stderr
    return done.stdout


def owner() -> dict[str, Any]:
    """User of a server, for a process."""
    return {"user": _ANOTHER, "group": _ANOTHER, "extra_groups": [], "cwd": "/"} if os.getuid() == 0 else {}
