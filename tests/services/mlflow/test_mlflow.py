"""MLflow as it is rendered, on a real Postgres and a stand-in for S3: tables, logins, a model, a loss and its repair.

One story in the order of the file: each test leaves what the next one finds.
"""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.mlflow import servers
from support.mlflow.pods import run
from support.mlflow.postgres import PASSWORD, Postgres
from support.mlflow.servers import BUCKET, Rendered, Running, python, rendered

CLIENT = Path(servers.__file__).with_name("client.py")
LOGIN = ("admin", "Generated-passw0rd")
ASK = "/api/2.0/mlflow/experiments/search?max_results=1"
DATABASES = ("mlflow", "mlflow_auth")
"""Every test here takes seconds to start a server: they share them."""


@pytest.fixture(scope="module")
def tables(mlflow: Rendered) -> list[str]:
    return mlflow.migrate()


@pytest.fixture(scope="module")
def pair(mlflow: Rendered, tables: list[str]) -> Iterator[tuple[Running, Running]]:
    """Two servers that start at once, on tables without a user."""
    with mlflow.serving("first") as first, mlflow.serving("second") as second:
        yield first.wait(), second.wait()


def asked(server: Running, *words: str) -> dict[str, Any]:
    """What a team's program sees."""
    variables = {
        "PATH": "/usr/bin:/bin",
        "MLFLOW_TRACKING_URI": server.url,
        "MLFLOW_TRACKING_USERNAME": LOGIN[0],
        "MLFLOW_TRACKING_PASSWORD": LOGIN[1],
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "GIT_PYTHON_REFRESH": "quiet",
    }
    done = subprocess.run([python(), CLIENT, *words], env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stderr}\n{server.log.read_text()}"
    return json.loads(done.stdout.splitlines()[-1])


def test_the_job_makes_all_tables_and_may_run_again(mlflow: Rendered, database: Postgres, tables: list[str]) -> None:
    made = [database.run("psql", "-Atc", r"\dt", name).splitlines() for name in DATABASES]
    assert all(len(each) > 3 for each in made)
    mlflow.migrate()
    assert [database.run("psql", "-Atc", r"\dt", name).splitlines() for name in DATABASES] == made


def test_health_alone_is_answered_without_a_login(pair: tuple[Running, Running]) -> None:
    for server in pair:
        assert httpx.get(f"{server.url}/health").text == "OK"
        for path in (ASK, "/metrics", "/version", "/"):
            assert httpx.get(server.url + path).status_code == 401, path
        assert httpx.get(server.url + ASK, auth=("admin", "password1234")).status_code == 401
        assert httpx.get(server.url + ASK, auth=LOGIN).status_code == 200


def test_metrics_are_told_to_who_logs_in(pair: tuple[Running, Running]) -> None:
    assert "mlflow_http_request_total" in httpx.get(f"{pair[0].url}/metrics", auth=LOGIN).text


@pytest.mark.parametrize(
    ("host", "status"),
    [("mlflow.mlflow.svc:5000", 200), ("10.20.3.4:5000", 200), ("mlflow.example.org", 200), ("rebinding.org", 403)],
)
def test_only_known_hosts_are_answered(pair: tuple[Running, Running], host: str, status: int) -> None:
    assert httpx.get(pair[0].url + ASK, auth=LOGIN, headers={"Host": host}).status_code == status


@pytest.mark.parametrize(
    ("origin", "allowed"), [("https://mlflow.example.org", True), ("https://elsewhere.example.net", False)]
)
def test_a_page_of_another_site_changes_nothing(pair: tuple[Running, Running], origin: str, allowed: bool) -> None:
    answer = httpx.post(
        f"{pair[0].url}/api/2.0/mlflow/experiments/create",
        auth=LOGIN,
        headers={"Origin": origin},
        json={"name": f"of {origin}"},
    )
    assert (answer.status_code == 200) is allowed, answer.text


def test_a_model_is_the_same_by_both_servers_and_after_a_restart(
    mlflow: Rendered, pair: tuple[Running, Running]
) -> None:
    first, second = pair
    written = asked(first, "write")
    assert (written["version"], written["factor"], written["answer"]) == ("1", "2", [42])
    assert any(name.endswith("notes.txt") for name in written["digests"])
    assert asked(second, "read") == written, "the other server has the same database and store"
    with mlflow.serving("restarted") as restarted:
        assert asked(restarted.wait(), "read") == written


def runs(database: Postgres) -> set[str]:
    return set(database.run("psql", "-Atc", "SELECT run_uuid FROM runs", "mlflow").split())


def test_what_was_deleted_long_ago_is_collected_and_nothing_else(
    mlflow: Rendered, database: Postgres, pair: tuple[Running, Running], store: Any
) -> None:
    server, _ = pair
    before, deleted = asked(server, "read"), asked(server, "delete")
    (collect,) = mlflow.scheduled("collection")

    def collected() -> str:
        done = mlflow.run(collect, MLFLOW_TRACKING_URI=server.url)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def kept() -> set[str]:
        found = store.list_objects_v2(Bucket=BUCKET)["Contents"]
        return {name for name, run in deleted.items() if any(run in each["Key"] for each in found)}

    assert "permanently deleted" not in collected(), "they were deleted today, and can be restored in MLflow"
    assert kept() == {"run", "experiment"}
    for change in (
        "UPDATE runs SET deleted_time = deleted_time - 31 * 86400000::bigint",
        "UPDATE experiments SET last_update_time = last_update_time - 31 * 86400000::bigint",
    ):
        database.run("psql", "-qc", f"{change} WHERE lifecycle_stage = 'deleted'", "mlflow")
    assert collected().count("permanently deleted") == 3, "two runs and an experiment"
    assert kept() == set()
    assert not runs(database) & {*deleted.values()}
    assert asked(server, "read") == before, "the model, its run and their artifacts"


def test_a_model_is_the_same_after_its_databases_were_dumped_lost_and_restored_into_others(
    mlflow: Rendered,
    database: Postgres,
    pair: tuple[Running, Running],
    tmp_path: Path,
) -> None:
    first, _ = pair
    written = asked(first, "read")
    done = run(mlflow, database, "dump")
    assert done.returncode == 0, done.stderr
    drilled = run(mlflow, database, "drill")
    assert drilled.returncode == 0, drilled.stderr
    database.run("psql", "-qc", "ALTER ROLE mlflow CREATEDB", "postgres")
    restored = run(mlflow, database, "restore")
    assert restored.returncode == 0, restored.stderr
    for name in DATABASES:
        database.run("dropdb", "--force", name)
    assert httpx.get(first.url + ASK, auth=LOGIN, timeout=60).status_code >= 500, "its tables are gone"
    others = {"experiments": "mlflow_restored", "users": "mlflow_auth_restored"}
    settings = rendered(tmp_path, database=mlflow.database, password=PASSWORD, store=mlflow.store, databases=others)
    settings.migrate()
    with settings.serving("restored") as server:
        assert asked(server.wait(), "read") == written
