"""MLflow on a server of the stack: the Jobs as they are rendered, in a real Postgres."""

import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from support.conformance.databases import SERVERS
from support.mlflow.components import installed, spec
from support.mlflow.postgres import Postgres, started
from support.mlflow.servers import embedded, python

from llmplatform.base.preparation import FOLDER, SCRIPT, script
from llmplatform.services.mlflow.server import CONFIG
from llmplatform.specs.databases import NewPostgres
from llmplatform.testing import RecordingEngine


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with started(embedded(), 5432) as made:
        admin = "CREATE ROLE platform LOGIN CREATEROLE CREATEDB PASSWORD 'Generated-passw0rd'"
        made.run("psql", "-qc", admin, "postgres")
        yield made


def test_the_jobs_make_tables_that_the_owner_has_and_the_other_login_reads(server: Postgres, tmp_path: Path) -> None:
    """The wheel's programs speak no TLS: they take the server's socket. Everything else is as in the pods."""
    managed = NewPostgres(kind="new")

    def program() -> None:
        installed(spec=spec(database={"kind": "new"}), database=SERVERS[0].make(managed, "none"))

    engine = RecordingEngine().run(program)
    secrets = {
        each.inputs["metadata"]["name"]: each.inputs["stringData"] for each in engine.all("kubernetes:core/v1:Secret")
    }

    def here(word: str) -> str:
        return word.replace(FOLDER, str(tmp_path)).replace(CONFIG, str(tmp_path))

    def run(container: Mapping[str, Any]) -> None:
        variables = {"PATH": f"{python().parent}:{server.programs}:{os.defpath}"}
        for each in container["env"]:
            key = each.get("valueFrom", {}).get("secretKeyRef")
            variables[each["name"]] = secrets[key["name"]][key["key"]] if key else here(each["value"])
        variables |= {"PGHOST": str(server.folder), "PGSSLMODE": "prefer", "HOME": str(tmp_path)}
        words = [here(word) for word in container["command"]]
        done = subprocess.run(words, env=variables, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    (tmp_path / SCRIPT).write_text(script())
    for name, text in engine.named("mlflow-files").inputs["data"].items():
        (tmp_path / name).write_text(here(text))
    for job in ("mlflow-preparation", "mlflow-migration"):
        pod = engine.named(job).inputs["spec"]["template"]["spec"]
        for container in (*pod.get("initContainers", ()), *pod["containers"]):
            run(container)
    owners = "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'"
    assert server.run("psql", "-XAtc", owners, "mlflow") == "mlflow\n"
    assert server.run("psql", "-XAtc", owners, "mlflow_auth") == "mlflow\n"
    assert int(server.run("psql", "-XAtc", "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", "mlflow")) > 40
