"""Dumps of MLflow's databases as they are rendered: stored, removed in time, restored, and drills that find faults."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from support.mlflow.pods import run
from support.mlflow.postgres import Postgres
from support.mlflow.servers import BUCKET, Rendered

DATABASES = ("mlflow", "mlflow_auth")
DUMPS = "test/mlflow/dumps/"
OLD, OF_OTHERS = f"{DUMPS}2020-01-01T00-00-00Z/mlflow.dump", f"{DUMPS}2019-export/rows.csv"


@pytest.fixture(scope="module")
def rows(database: Postgres) -> dict[str, str]:
    """Rows of a table in each database, as text."""
    made = (
        "CREATE TABLE kept AS SELECT n, md5(n || current_database()) AS text, n / 3.0::float8 AS third, "
        "timestamptz '2026-01-31 12:00+00' + n * interval '1 hour' AS moment FROM generate_series(1, 1000) AS n; "
        "CREATE TABLE alembic_version (version_num varchar(32)); INSERT INTO alembic_version VALUES ('abc123')"
    )
    for name in DATABASES:
        database.run("psql", "-qc", "SET ROLE mlflow", "-c", made, name)
    return {name: kept(database, name) for name in DATABASES}


def overheard(database: Postgres) -> Path:
    """A folder with a psql that keeps what a restore tells the server."""
    programs = database.folder / "overheard"
    programs.mkdir(mode=0o777)
    programs.chmod(0o777)
    program, real = programs / "psql", database.programs / "psql"
    heard = f'case "$*" in *ON_ERROR_STOP*) tee -a "{programs}/heard" | "{real}" "$@" ;; *) exec "{real}" "$@" ;; esac'
    program.write_text(f"#!/bin/sh\n{heard}\n")
    program.chmod(0o755)
    return programs


def kept(database: Postgres, name: str) -> str:
    return database.run("psql", "-Atc", "SELECT * FROM kept ORDER BY n", name)


@pytest.fixture
def dump(mlflow: Rendered, database: Postgres, rows: Mapping[str, str], store: Any) -> Iterator[str]:
    """Folder of a fresh dump, the only one."""
    done = run(mlflow, database, "dump")
    assert done.returncode == 0, done.stderr
    (marker,) = (key for key in keys(store) if key.endswith("/COMPLETE"))
    yield marker.removesuffix("COMPLETE")
    for key in keys(store):
        store.delete_object(Bucket=BUCKET, Key=key)


def keys(store: Any) -> list[str]:
    return [each["Key"] for each in store.list_objects_v2(Bucket=BUCKET).get("Contents", ())]


def body(store: Any, key: str) -> bytes:
    return store.get_object(Bucket=BUCKET, Key=key)["Body"].read()


def test_both_databases_are_stored_with_what_is_in_them_and_old_dumps_go(
    mlflow: Rendered, database: Postgres, rows: Mapping[str, str], store: Any
) -> None:
    store.put_object(Bucket=BUCKET, Key=OLD, Body=b"old")
    store.put_object(Bucket=BUCKET, Key=OF_OTHERS, Body=b"not a dump")
    store.put_object(Bucket=BUCKET, Key="artifacts/1/notes.txt", Body=b"of a run")
    done = run(mlflow, database, "dump")
    assert done.returncode == 0, done.stderr
    stored = keys(store)
    assert OLD not in stored, "it was older than keep_days"
    assert {"artifacts/1/notes.txt", OF_OTHERS} <= set(stored)
    files = [key for key in stored if key.startswith(DUMPS) and key != OF_OTHERS]
    names = ["COMPLETE", "experiments.dump", "experiments.rows", "users.dump", "users.rows"]
    assert [Path(key).name for key in files] == names
    table, kept, revision = body(store, files[2]).decode().splitlines()
    assert table.startswith("alembic_version 1 ")
    assert kept.startswith("kept 1000 ")
    assert revision == "revision of alembic_version abc123"
    for key in stored:
        store.delete_object(Bucket=BUCKET, Key=key)


def test_a_drill_restores_the_newest_dump_and_leaves_nothing(mlflow: Rendered, database: Postgres, dump: str) -> None:
    before = database.run("psql", "-Atc", "SELECT datname FROM pg_database ORDER BY 1", "postgres")
    done = run(mlflow, database, "drill")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "experiments: 3 tables and revisions, restored as they were",
        "users: 3 tables and revisions, restored as they were",
    ]
    assert database.run("psql", "-Atc", "SELECT datname FROM pg_database ORDER BY 1", "postgres") == before


def test_rows_that_are_not_those_of_the_dump_fail_a_drill(
    mlflow: Rendered, database: Postgres, dump: str, store: Any
) -> None:
    """As if the list were of other rows: then sizes and digests of the files are right, and the content is not."""
    import hashlib
    import json

    listed = body(store, f"{dump}experiments.rows").replace(b"kept 1000", b"kept 1001")
    marker = json.loads(body(store, f"{dump}COMPLETE"))
    marker["files"]["experiments.rows"] = {"bytes": len(listed), "sha256": hashlib.sha256(listed).hexdigest()}
    store.put_object(Bucket=BUCKET, Key=f"{dump}experiments.rows", Body=listed)
    store.put_object(Bucket=BUCKET, Key=f"{dump}COMPLETE", Body=json.dumps(marker).encode())
    done = run(mlflow, database, "drill")
    assert done.returncode != 0
    assert "experiments: the restored rows (>) are not those of the dump's time (<)" in done.stderr
    assert "< kept 1001" in done.stderr


@pytest.mark.parametrize("harm", ["truncated", "gone", "cut off", "all gone"])
def test_a_broken_or_missing_dump_fails_a_drill(
    mlflow: Rendered, database: Postgres, dump: str, store: Any, harm: str
) -> None:
    file = f"{dump}users.dump"
    if harm == "truncated":
        store.put_object(Bucket=BUCKET, Key=file, Body=body(store, file)[:-100])
    elif harm == "gone":
        store.delete_object(Bucket=BUCKET, Key=file)
    else:
        for key in [f"{dump}COMPLETE"] if harm == "cut off" else keys(store):
            store.delete_object(Bucket=BUCKET, Key=key)
    done = run(mlflow, database, "drill")
    assert done.returncode != 0
    expected = (
        "there is no dump" if harm in ("cut off", "all gone") else "users.dump is missing or is not what was stored"
    )
    assert expected in done.stderr
    assert ("was cut off while it was stored" in done.stderr) is (harm == "cut off")


def test_a_dump_whose_bytes_are_broken_though_its_digest_is_right_fails_a_drill(
    mlflow: Rendered, database: Postgres, dump: str, store: Any
) -> None:
    """pg_dump's file was broken before it was stored, and its list can still be read."""
    import hashlib
    import json

    broken = body(store, f"{dump}users.dump")[:-300]
    marker = json.loads(body(store, f"{dump}COMPLETE"))
    marker["files"]["users.dump"] = {"bytes": len(broken), "sha256": hashlib.sha256(broken).hexdigest()}
    store.put_object(Bucket=BUCKET, Key=f"{dump}users.dump", Body=broken)
    store.put_object(Bucket=BUCKET, Key=f"{dump}COMPLETE", Body=json.dumps(marker).encode())
    done = run(mlflow, database, "drill")
    assert done.returncode != 0
    assert "pg_restore" in done.stderr


def test_a_dump_of_other_keys_fails_a_drill(mlflow: Rendered, database: Postgres, dump: str) -> None:
    done = run(mlflow, database, "drill", MLFLOW_CRYPTO_KEK_PASSPHRASE="another")
    assert done.returncode != 0
    assert "the Secret mlflow-keys has other keys than at its time" in done.stderr


def test_a_restore_makes_databases_of_other_names_if_it_may_and_never_writes_into_one_with_tables(
    mlflow: Rendered, database: Postgres, rows: Mapping[str, str], dump: str
) -> None:
    """Servers up to 16 refuse `transaction_timeout`, which pg_restore of 18 sets; here is only an 18."""
    refused = run(mlflow, database, "restore")
    assert refused.returncode != 0
    assert "permission denied to create database" in refused.stderr
    database.run("psql", "-qc", "ALTER ROLE mlflow CREATEDB", "postgres")
    database.run("createdb", "--owner=mlflow", "mlflow_auth_restored")
    database.run("psql", "-qc", "CREATE SCHEMA kept CREATE TABLE of_others ()", "mlflow_auth_restored")
    refused = run(mlflow, database, "restore")
    assert refused.returncode != 0
    assert "mlflow_auth_restored: it has 1 tables, and a restore takes an empty database; drop it" in refused.stderr
    tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
    assert database.run("psql", "-Atc", tables, "mlflow_restored") == "0\n", "both are looked at before"
    database.run("dropdb", "mlflow_auth_restored")
    done = run(mlflow, database, "restore", programs=overheard(database))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "mlflow_restored: 3 tables and revisions, restored as they were",
        "mlflow_auth_restored: 3 tables and revisions, restored as they were",
    ]
    heard = (database.folder / "overheard" / "heard").read_text()
    assert heard.count("SET statement_timeout = 0;") == 2
    assert "transaction_timeout" not in heard
    assert {name: kept(database, f"{name}_restored") for name in DATABASES} == rows
    owner = "SELECT tableowner FROM pg_tables WHERE tablename = 'kept'"
    assert database.run("psql", "-Atc", owner, "mlflow_restored") == "mlflow\n"
    again = run(mlflow, database, "restore")
    assert again.returncode != 0
    assert "mlflow_restored: it has 2 tables" in again.stderr
    assert "mlflow_auth_restored: it has 2 tables" in again.stderr


def test_nothing_stays_of_a_restore_whose_dump_ends_early(
    mlflow: Rendered, database: Postgres, rows: Mapping[str, str], dump: str
) -> None:
    database.run("psql", "-qc", "ALTER ROLE mlflow CREATEDB", "postgres")
    for name in DATABASES:
        database.run("dropdb", "--if-exists", f"{name}_restored")
    programs = database.folder / "early"
    programs.mkdir()
    program = programs / "pg_restore"
    program.write_text(f'#!/bin/sh\n"{database.programs}/pg_restore" "$@" | sed "/^500\t/q"\nexit 1\n')
    program.chmod(0o755)
    done = run(mlflow, database, "restore", programs=programs)
    assert done.returncode != 0
    tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
    assert database.run("psql", "-Atc", tables, "mlflow_restored") == "0\n"


def test_a_dump_that_fails_or_is_cut_off_is_not_stored(
    mlflow: Rendered, database: Postgres, rows: Mapping[str, str], store: Any, tmp_path: Path
) -> None:
    refused = run(mlflow, database, "dump", PGPASSWORD="another")
    assert refused.returncode != 0
    assert "password authentication failed" in refused.stderr
    programs = database.folder / "cut"
    for name, harm in {"cut": 'head -c 200 "$file" > "$file.cut"; mv "$file.cut" "$file"', "failed": "exit 1"}.items():
        programs = database.folder / name
        programs.mkdir()
        program = programs / "pg_dump"
        program.write_text(f'#!/bin/sh\n"{database.programs}/pg_dump" "$@"\nfile=${{3#--file=}}\n{harm}\n')
        program.chmod(0o755)
        done = run(mlflow, database, "dump", programs=programs)
        assert done.returncode != 0, "pg_restore reads its list, and psql the status"
    assert "pg_dump failed" in done.stderr
    assert keys(store) == []
