"""Backups of Postgres to a bucket, as an ObjectStore asks for them, restored into servers of another name.

The operator and its plugin do not run: what they do around barman's programs is played by its source
(plugin-barman-cloud v0.13.0, internal/cnpgi/restore/restore.go). Shown is that the programs of the plugin's release, a
real Postgres and the settings that the component renders give the rows back, and refuse a broken backup.
"""

import json
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from support.barman.server import Barman, Ended, Server, Tools, created, place, prepared, running
from support.postgres_servers import LASTING, served

from llmplatform.testing import RecordingEngine

BUCKET, SERVER = "vectors-0a1b", "mlflow"
ROWS = "SELECT count(*), coalesce(sum(number), 0), md5(string_agg(text, ',' ORDER BY number)) FROM kept"
OBJECTS = "kubernetes:barmancloud.cnpg.io/v1:ObjectStore"


@dataclass(frozen=True, kw_only=True)
class Lost:
    """A server that was backed up, and is gone."""

    programs: Path
    barman: Barman
    backup: str
    moment: str
    """A moment between two groups of rows."""
    then: str
    """The rows of that moment."""
    last: str
    """The rows at its end."""
    segment: str
    """Segment of the log with all rows after the backup."""


@pytest.fixture(scope="module")
def lost(tools: Tools, endpoint: str, objects: Any) -> Iterator[Lost]:
    objects.create_bucket(Bucket=BUCKET)
    with place() as folder:
        yield _lost(tools, endpoint, folder)


def _lost(tools: Tools, endpoint: str, folder: Path) -> Lost:
    programs = prepared(tools.postgres, folder)
    store = RecordingEngine().run(lambda: served(LASTING)).one(OBJECTS).inputs["spec"]
    barman = Barman(programs=tools.barman, endpoint=endpoint, store=store, server=SERVER)
    created(programs, folder)
    with running(programs, folder, barman) as server:
        server.sql("CREATE TABLE kept (number int PRIMARY KEY, text text)")
        filled(server, 1)
        done = barman.back_up("backup-1", folder)
        assert done.returncode == 0, done.stderr
        filled(server, 1001)
        then, moment = server.sql(ROWS), server.sql("SELECT pg_sleep(0.1)", "SELECT clock_timestamp()").strip()
        server.sql("SELECT pg_sleep(0.1)")
        filled(server, 2001)
        last = server.sql(ROWS)
        segment = server.sql("SELECT pg_walfile_name(pg_current_wal_lsn())", "SELECT pg_switch_wal()").split()[0]
        server.archived(segment)
    (backup,) = backups(barman)
    return Lost(programs=programs, barman=barman, backup=backup, moment=moment, then=then, last=last, segment=segment)


def filled(server: Server, first: int) -> None:
    server.sql(f"INSERT INTO kept SELECT n, md5(n::text) FROM generate_series({first}, {first} + 999) AS n")  # noqa: S608


def backups(barman: Barman) -> list[str]:
    done = barman.call("barman-cloud-backup-list", options=["--format", "json"])
    assert done.returncode == 0, done.stderr
    return [each["backup_id"] for each in json.loads(done.stdout)["backups_list"]]


def restored(lost: Lost, folder: Path, **settings: str) -> Any:
    """A server of another name on the backup, which recovers from the lost server's log."""
    done = lost.barman.restore(lost.backup, folder / "data")
    assert done.returncode == 0, done.stderr
    (folder / "data/recovery.signal").touch()
    own = replace(lost.barman, server=folder.name)
    return running(lost.programs, folder, own, lost.barman, recovery_target_action="promote", **settings)


def test_a_restored_server_has_every_row_that_was_archived(lost: Lost, folder: Path) -> None:
    with restored(lost, folder) as server:
        assert server.sql(ROWS) == lost.last
        filled(server, 3001)
        assert server.sql("SELECT count(*) FROM kept").strip() == "4000", "it takes writes"


def test_a_server_is_restored_to_a_moment(lost: Lost, folder: Path) -> None:
    with restored(lost, folder, recovery_target_time=lost.moment) as server:
        assert server.sql(ROWS) == lost.then
        assert lost.then != lost.last


def test_a_server_does_not_archive_into_the_folder_of_the_lost_one(lost: Lost) -> None:
    """The plugin asks this before it restores, and before the first segment (common/check.go)."""
    refused = lost.barman.call("barman-cloud-check-wal-archive")
    assert refused.returncode != 0
    assert "Expected empty archive" in refused.stderr
    assert replace(lost.barman, server="mlflow-2").call("barman-cloud-check-wal-archive").returncode == 0


@dataclass(frozen=True, kw_only=True)
class Stored:
    """An object of the backup, which is whole again after the test."""

    objects: Any
    key: str
    body: bytes

    def cut(self) -> None:
        """Lose its second half."""
        self.objects.put_object(Bucket=BUCKET, Key=self.key, Body=self.body[: len(self.body) // 2])

    def lose(self) -> None:
        """Lose it."""
        self.objects.delete_object(Bucket=BUCKET, Key=self.key)


@pytest.fixture
def folder() -> Iterator[Path]:
    with place() as made:
        yield made


@pytest.fixture(params=["cut", "lose"])
def damage(request: pytest.FixtureRequest) -> str:
    return request.param


@contextmanager
def stored(objects: Any, name: str) -> Generator[Stored]:
    """The object of the lost server with that name."""
    listed = objects.list_objects_v2(Bucket=BUCKET, Prefix=f"test/{SERVER}/")["Contents"]
    (key,) = (each["Key"] for each in listed if Path(each["Key"]).name == name)
    body = objects.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    yield Stored(objects=objects, key=key, body=body)
    objects.put_object(Bucket=BUCKET, Key=key, Body=body)


def test_a_damaged_base_backup_is_not_restored(lost: Lost, objects: Any, damage: str, folder: Path) -> None:
    with stored(objects, "data.tar.gz") as data:
        getattr(data, damage)()
        assert lost.barman.restore(lost.backup, folder / "data").returncode != 0, "a part of it would be a database"


def test_a_damaged_segment_ends_a_restore_to_a_moment(lost: Lost, objects: Any, damage: str, folder: Path) -> None:
    """PostgreSQL documentation, "Recovery Target": it ends with an error where the target is not reached."""
    with stored(objects, f"{lost.segment}.gz") as segment:
        getattr(segment, damage)()
        ended = pytest.raises(Ended, match="recovery ended before configured recovery target was reached")
        with ended, restored(lost, folder, recovery_target_time=lost.moment):
            pass


def test_without_a_moment_a_gap_is_taken_for_the_end_of_the_log(lost: Lost, objects: Any, folder: Path) -> None:
    """So that `validate` warns of a restore without `until`."""
    with stored(objects, f"{lost.segment}.gz") as segment:
        segment.lose()
        with restored(lost, folder) as server:
            assert server.sql("SELECT count(*) FROM kept").strip() == "1000", "those of the base backup alone"
