"""Dumps of MLflow's databases as they are rendered: stored, restored under new names, removed in time, broken."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest
from support.mlflow.postgres import Postgres
from support.mlflow.servers import BUCKET, Rendered

DATABASES = ("mlflow", "mlflow_auth")
DUMPS = "test/mlflow/dumps/"
OLD, OF_OTHERS = f"{DUMPS}2020-01-01T00-00-00Z/mlflow.dump", f"{DUMPS}2019-export/rows.csv"


@pytest.fixture(scope="module")
def rows(database: Postgres) -> dict[str, str]:
    """Rows of a table in each database, as text."""
    made = "CREATE TABLE kept AS SELECT n, md5(n || current_database()) AS text FROM generate_series(1, 1000) AS n"
    for name in DATABASES:
        database.run("psql", "-qc", "SET ROLE mlflow", "-c", made, name)
    return {name: database.run("psql", "-Atc", "SELECT * FROM kept ORDER BY n", name) for name in DATABASES}


@pytest.fixture
def store(objects: str) -> Any:
    key = {"aws_access_key_id": "stand-in", "aws_secret_access_key": "stand-in"}
    return boto3.client("s3", endpoint_url=objects, region_name="us-east-1", **key)


def keys(store: Any) -> list[str]:
    return [each["Key"] for each in store.list_objects_v2(Bucket=BUCKET).get("Contents", ())]


def run(
    mlflow: Rendered, database: Postgres, folder: Path, *, programs: Path | None = None, **changes: str
) -> subprocess.CompletedProcess[str]:
    """The containers one after the other, as a pod runs them: the first that fails ends it.

    The wheel's programs speak no TLS: they take the server's socket.
    """

    def here(word: str) -> str:
        if word.startswith("postgresql://"):
            name = word.partition("?")[0].rpartition("/")[2]
            return f"postgresql://mlflow@/{name}?host={database.folder}"
        return mlflow.here(word).replace("/dumps/", f"{folder}/") if word != "/dumps" else str(folder)

    done = None
    for container in mlflow.dumps:
        variables = mlflow.variables(container, folder.parent) | changes
        places = [*([programs] if programs else []), database.programs, variables["PATH"]]
        variables["PATH"] = os.pathsep.join(map(str, places))
        words = [here(word) for word in container["command"]]
        done = subprocess.run(words, env=variables, capture_output=True, text=True, check=False)
        if done.returncode:
            break
    assert done
    return done


def test_a_dump_is_stored_and_restores_to_the_same_rows_under_a_new_name(
    mlflow: Rendered, database: Postgres, rows: Mapping[str, str], store: Any, tmp_path: Path
) -> None:
    store.put_object(Bucket=BUCKET, Key=OLD, Body=b"old")
    store.put_object(Bucket=BUCKET, Key=OF_OTHERS, Body=b"not a dump")
    store.put_object(Bucket=BUCKET, Key="artifacts/1/notes.txt", Body=b"of a run")
    folder = tmp_path / "dump"
    folder.mkdir()
    done = run(mlflow, database, folder)
    assert done.returncode == 0, done.stderr
    stored = keys(store)
    assert OLD not in stored, "it was older than keep_days"
    assert {"artifacts/1/notes.txt", OF_OTHERS} <= set(stored)
    marker, *dumps = [key for key in stored if key.startswith(DUMPS) and key != OF_OTHERS]
    assert [Path(key).name for key in (marker, *dumps)] == ["COMPLETE", "mlflow.dump", "mlflow_auth.dump"]
    for name, key in zip(DATABASES, dumps, strict=True):
        fetched = database.folder / f"fetched-{name}"
        store.download_file(BUCKET, key, str(fetched))
        database.run("createdb", "--owner=mlflow", f"{name}_verify")
        database.run("pg_restore", "--exit-on-error", f"--dbname={name}_verify", str(fetched))
        assert database.run("psql", "-Atc", "SELECT * FROM kept ORDER BY n", f"{name}_verify") == rows[name]


def test_a_dump_that_fails_or_is_cut_off_is_not_stored(
    mlflow: Rendered, database: Postgres, rows: Mapping[str, str], store: Any, tmp_path: Path
) -> None:
    before, folder = keys(store), tmp_path / "dump"
    folder.mkdir()
    refused = run(mlflow, database, folder, PGPASSWORD="another")
    assert refused.returncode != 0
    assert "password authentication failed" in refused.stderr
    cut = tmp_path / "programs"
    cut.mkdir()
    program = cut / "pg_dump"
    program.write_text(
        f'#!/bin/sh\n"{database.programs}/pg_dump" "$@"\nfile=${{2#--file=}}\n'
        'head -c 200 "$file" > "$file.cut" && mv "$file.cut" "$file"\n'
    )
    program.chmod(0o755)
    broken = run(mlflow, database, folder, programs=cut)
    assert broken.returncode != 0, "pg_restore reads its list"
    assert keys(store) == before
