"""Roles and databases as the Job of `base.preparation` makes them, in a real Postgres: rights and rotations."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
import pytest
from support.mlflow.postgres import Postgres, started
from support.mlflow.servers import embedded, python
from support.pace import PATIENCE, eventually

from llmplatform.base.contracts import Admin
from llmplatform.base.network_policy import Allow
from llmplatform.base.preparation import FOLDER, SCRIPT, Preparation, PreparationArgs, script
from llmplatform.testing import RecordingEngine, Registered

CLIENT = Path(__file__).parents[1] / "support/rotation_client.py"
ADMIN = "the-administrators-password"
NAMES = ("tables", "tables_auth")
REFUSED, UNREACHABLE = 3, 2
"""Exit codes of psql."""
PASSWORD, SALT = "random:index/randomPassword:RandomPassword", "random:index/randomId:RandomId"


@dataclass(kw_only=True)
class _Server:
    host: pulumi.Output[str]
    port: pulumi.Output[int]
    certificates: pulumi.Output[str] | None
    admin: Admin
    opening: Allow


@dataclass(frozen=True, kw_only=True)
class Login:
    """What pods read from the Secret."""

    user: str
    password: str


def _generated(registered: Registered) -> Mapping[str, Any]:
    return {"result": f"password-of-{registered.name}"}


def _registered(version: int, owner: str = "tables") -> RecordingEngine:
    known = pulumi.Output.from_input

    def program() -> None:
        server = _Server(
            host=known("pg.example.org"),
            port=known(5432),
            certificates=None,
            admin=Admin(user=known("platform"), password=known(ADMIN)),
            opening=Allow(direction="Egress"),
        )
        args = PreparationArgs(
            database=server,
            owner=owner,
            databases=tuple(name.replace("tables", owner) for name in NAMES),
            password_version=version,
            namespace="apps",
            image="postgres",
        )
        Preparation(owner, args)

    return RecordingEngine(outputs={PASSWORD: _generated, SALT: {"b64Std": "c2FsdCBvZiBhIGxvZ2luLg=="}}).run(program)


def _secrets(engine: RecordingEngine) -> dict[str, dict[str, str]]:
    return {
        each.inputs["metadata"]["name"]: each.inputs["stringData"] for each in engine.all("kubernetes:core/v1:Secret")
    }


def prepare(server: Postgres, version: int, owner: str = "tables") -> subprocess.CompletedProcess[str]:
    """Run the Job's container. The wheel's psql speaks no TLS: it takes the server's socket."""
    engine = _registered(version, owner)
    secrets = _secrets(engine)
    (container,) = engine.one("kubernetes:batch/v1:Job").inputs["spec"]["template"]["spec"]["containers"]
    variables = {each["name"]: each.get("value") for each in container["env"]}
    for each in container["env"]:
        if "valueFrom" in each:
            key = each["valueFrom"]["secretKeyRef"]
            variables[each["name"]] = secrets[key["name"]][key["key"]]
    here = server.folder / SCRIPT
    here.write_text(script())
    words = [word.replace(f"{FOLDER}/{SCRIPT}", str(here)) for word in container["command"]]
    assert variables.pop("PGSSLMODE") == "require"
    return subprocess.run(
        [server.programs / words[0], *words[1:]],
        env={**variables, "PGHOST": str(server.folder), "PATH": os.defpath, "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )


def login(version: int) -> Login:
    """The login that pods have with a version of the password."""
    found = _secrets(_registered(version))["tables-login"]
    return Login(user=found["username"], password=found["password"])


def variables(server: Postgres, who: Login, database: str = "tables") -> dict[str, str]:
    return {
        "PGHOST": str(server.folder),
        "PGPORT": "5432",
        "PGDATABASE": database,
        "PGUSER": who.user,
        "PGPASSWORD": who.password,
        "PATH": os.defpath,
    }


def ask(server: Postgres, who: Login, question: str, database: str = "tables") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [server.programs / "psql", "-XAtc", question],
        env=variables(server, who, database),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def server() -> Iterator[Postgres]:
    """A server whose administrator is no superuser, as in a managed one, and which logs every statement."""
    log = "logging_collector = on\nlog_directory = 'log'\nlog_filename = 'all'\nlog_statement = 'all'\n"
    with started(embedded(), 5432, log) as made:
        made.run("psql", "-qc", f"CREATE ROLE platform LOGIN CREATEROLE CREATEDB PASSWORD '{ADMIN}'", "postgres")
        yield made


def _state(server: Postgres) -> str:
    questions = (
        "SELECT rolname, rolcreaterole, rolcreatedb, rolcanlogin, shobj_description(oid, 'pg_authid') FROM pg_roles",
        "SELECT datname, datdba::regrole, datacl FROM pg_database ORDER BY 1",
        "SELECT rolname, rolpassword FROM pg_authid WHERE rolname LIKE 'tables%' ORDER BY 1",
    )
    return "\n".join(server.run("psql", "-XAtc", each, "postgres") for each in questions)


def test_a_login_has_the_databases_and_nothing_else_and_a_second_run_changes_nothing(server: Postgres) -> None:
    done = prepare(server, 1)
    assert (done.returncode, done.stderr) == (0, "")
    before = _state(server)
    assert prepare(server, 1).returncode == 0
    assert _state(server) == before
    who = login(1)
    assert who == Login(user="tables_a", password="password-of-tables-password-1")
    assert ask(server, who, "SELECT current_user").stdout == "tables\n"
    assert ask(server, who, "CREATE TABLE kept (n int)", "tables_auth").returncode == 0
    owner = ask(server, who, "SELECT tableowner FROM pg_tables WHERE tablename = 'kept'", "tables_auth")
    assert owner.stdout == "tables\n", "the other login has the table as well"
    for refused in ("CREATE DATABASE more", "CREATE ROLE more", "SET ROLE platform", "TABLE pg_authid"):
        assert ask(server, who, refused).returncode != 0, refused
    assert prepare(server, 1, "others").returncode == 0
    stranger = Login(user="others_a", password="password-of-others-password-1")
    assert ask(server, stranger, "SELECT 1", "others").returncode == 0
    assert "permission denied" in ask(server, stranger, "SELECT 1").stderr


def test_neither_password_is_in_the_servers_log(server: Postgres) -> None:
    for version in (1, 2):
        assert prepare(server, version).returncode == 0
    assert ask(server, login(2), "SELECT 1").returncode == 0
    log = (server.folder / "data/log/all").read_text()
    assert "SCRAM-SHA-256$4096:" in log, "it has the statements"
    assert "password-of-" not in log
    assert ADMIN not in log.replace(f"PASSWORD '{ADMIN}'", ""), "the test itself made the administrator"


def test_a_rotation_loses_no_write_of_a_client_that_never_pauses(server: Postgres) -> None:
    """Old pods write on, with old and new connections, until the new ones do; then the next rotation shuts them out."""
    assert prepare(server, 1).returncode == 0
    assert ask(server, login(1), "CREATE TABLE rows (n int PRIMARY KEY)").returncode == 0
    old = _client(server, login(1), 0)
    _wait(server, 50)
    done = prepare(server, 2)
    assert done.returncode == 0, done.stderr
    assert login(2) == Login(user="tables_b", password="password-of-tables-password-2")
    new = _client(server, login(2), 1)
    _wait(server, _count(server) + 200)
    assert old.poll() is None, "the old pods still write"
    confirmed = _ended(old) | _ended(new)
    assert {number % 2 for number in confirmed} == {0, 1}, "both wrote"
    found = {int(line) for line in ask(server, login(2), "SELECT n FROM rows").stdout.split()}
    assert confirmed <= found, f"confirmed rows are missing: {sorted(confirmed - found)}"
    assert len(confirmed) > 200
    server.wait(login(1).user, 0)
    assert prepare(server, 3).returncode == 0
    assert login(3) == Login(user="tables_a", password="password-of-tables-password-3")
    assert "password authentication failed" in ask(server, login(1), "SELECT 1").stderr
    assert ask(server, login(2), "SELECT 1").returncode == 0


@pytest.mark.parametrize("asked", [1, 4])
def test_a_version_that_would_shut_out_the_pods_is_refused_and_changes_nothing(server: Postgres, asked: int) -> None:
    for version in (1, 2):
        assert prepare(server, version).returncode == 0
    before = _state(server)
    done = prepare(server, asked)
    assert done.returncode == REFUSED
    assert f"password_version is 2 in the database and {asked} in the settings" in done.stderr
    assert "write 3" in done.stderr
    assert _state(server) == before
    assert ask(server, login(2), "SELECT 1").returncode == 0


def test_the_settings_go_back_from_a_refused_version_to_the_password_that_pods_have(server: Postgres) -> None:
    """In the state as well: both versions are there until an update has succeeded."""
    assert prepare(server, 1).returncode == 0
    before = _state(server)
    assert prepare(server, 3).returncode == REFUSED
    assert prepare(server, 1).returncode == 0
    assert _state(server) == before
    assert ask(server, login(1), "SELECT 1").returncode == 0
    first, third, again = (_generated_by(version) for version in (1, 3, 1))
    assert first == again
    assert first.keys() & third.keys() == set(), "a value that is there would be made anew"


def test_a_login_that_clients_still_use_gets_no_new_password(server: Postgres) -> None:
    for version in (1, 2):
        assert prepare(server, version).returncode == 0
    before = _state(server)
    with _connected(server, login(1)), _connected(server, login(2)):
        assert prepare(server, 2).returncode == 0, "nothing rises"
        done = prepare(server, 3)
        assert done.returncode == REFUSED
        assert "password_version 3 gives tables_a a new password, and 1 connections have its old one" in done.stderr
        assert _state(server) == before
    with _connected(server, login(2)):
        assert prepare(server, 3).returncode == 0


def test_a_job_tries_again_without_a_server_and_not_after_a_refusal(server: Postgres) -> None:
    spec = _registered(1).one("kubernetes:batch/v1:Job").inputs["spec"]
    codes = [rule["onExitCodes"] for rule in spec["podFailurePolicy"]["rules"] if "onExitCodes" in rule]
    assert codes == [{"containerName": "psql", "operator": "In", "values": [UNREACHABLE]}]
    assert {rule["action"] for rule in spec["podFailurePolicy"]["rules"]} == {"Ignore"}
    assert spec["backoffLimit"] == 0, "an end for another reason than the last try is not seen by an update"
    gone = {**variables(server, login(1)), "PGHOST": str(server.folder / "nowhere")}
    assert subprocess.run([server.programs / "psql"], env=gone, check=False).returncode == UNREACHABLE


def _generated_by(version: int) -> dict[str, Mapping[str, Any]]:
    """Generated values of a version, by the names under which the state has them."""
    engine = _registered(version)
    return {each.urn: each.inputs for type_ in (PASSWORD, SALT) for each in engine.all(type_)}


@contextmanager
def _connected(server: Postgres, who: Login) -> Iterator[None]:
    """A client that stays connected. Afterwards its connection is gone."""
    where = variables(server, who)
    with subprocess.Popen([server.programs / "psql", "-X"], env=where, stdin=subprocess.PIPE) as client:
        server.wait(who.user, 1)
        try:
            yield
        finally:
            client.kill()
    server.wait(who.user, 0)


def _client(server: Postgres, who: Login, first: int) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [python(), CLIENT, str(first), "2"],
        env=variables(server, who),
        stdout=subprocess.PIPE,
        stderr=sys.stderr,
        text=True,
    )


def _ended(client: "subprocess.Popen[str]") -> set[int]:
    """Numbers of the rows that were confirmed to it. Raises AssertionError if it failed."""
    client.send_signal(signal.SIGTERM)
    written, _ = client.communicate(timeout=PATIENCE)
    assert client.returncode == 0
    return {int(line) for line in written.split()}


def _count(server: Postgres) -> int:
    return int(server.run("psql", "-XAtc", "SELECT count(*) FROM rows", "tables"))


def _wait(server: Postgres, rows: int) -> None:
    eventually(lambda: _count(server) >= rows, f"fewer than {rows} rows")
