"""The drill of Milvus' backups as it is rendered.

Neither Milvus nor milvus-backup can be had here: its programs run against milvus-lite, with its own client, before
which a stand-in speaks REST. The copies are made by the client, and damaged.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from support import milvus_rest
from support.environments import interpreter
from support.milvus_site import Pod, containers

from llmplatform.services.milvus.pods import PACKAGE, program_files
from llmplatform.services.milvus.programs.rest import Milvus, Refused
from llmplatform.services.milvus.programs.witness import SUFFIX

EXAMPLE = Path(__file__).parents[2] / "examples" / "milvus"
REST = Path(milvus_rest.__file__).parent
PASSWORD, START_SECONDS = "root-password-1", 120


@pytest.fixture(scope="module")
def pods() -> dict[str, Pod]:
    return containers()


@dataclass
class Lite:
    """A milvus-lite behind REST, and the programs of the pods."""

    address: str
    root: Milvus
    folder: Path

    def run(
        self, pods: dict[str, Pod], pod: str, container: str, *, until: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """`until`: it is told to end once it has said so."""
        (found,) = (each for each in pods[pod] if each["name"] == container)
        words = [sys.executable, *found["command"][1:]]
        places = {"https://milvus-milvus.milvus.svc:8081": self.address, "/secrets": str(self.folder / "secrets")}
        places |= {"/certificates/ca.crt": "", "/scratch/restored": str(self.folder / "restored")}
        process = subprocess.Popen(
            [places.get(word, word) for word in words],
            env={"PYTHONPATH": str(self.folder / "programs"), "PYTHONDONTWRITEBYTECODE": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        if until:
            assert process.stdout
            assert any(line.startswith(until) for line in process.stdout)
            process.terminate()
        said, faults = process.communicate()
        return subprocess.CompletedProcess(words, process.returncode, said, faults)

    def back_up(self, pods: dict[str, Pod]) -> None:
        ended = self.run(pods, "milvus-backup", "rows")
        assert ended.returncode == 0, ended.stdout + ended.stderr

    def restore(self) -> None:
        for database in self.root("databases/list"):
            self.root("test/restore", dbName=database, suffix=SUFFIX)

    def copies(self) -> list[str]:
        databases = self.root("databases/list")
        names = [name for each in databases for name in self.root("collections/list", dbName=each)]
        return [name for name in names if name.endswith(SUFFIX)]


def answers(port: int) -> bool:
    with socket.socket() as attempt:
        return attempt.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def lite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lite]:
    folder = tmp_path_factory.mktemp("lite")
    package = folder / "programs" / PACKAGE.replace(".", "/")
    package.mkdir(parents=True)
    for name, text in program_files().items():
        (package / name).write_text(text)
    (folder / "secrets").mkdir()
    (folder / "secrets" / "root").write_text(PASSWORD)
    python = interpreter("milvus-client", EXAMPLE / "requirements" / "test.txt", used="milvus_lite, pymilvus")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [python.with_name("milvus-lite"), "server", "--data-dir", folder / "data"]
    words += ["--host", "127.0.0.1", "--port", str(port)]
    server = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + START_SECONDS
    while not answers(port):
        assert time.monotonic() < until
        time.sleep(0.2)
    environment = {"PATH": os.defpath, "PYTHONPATH": str(REST.parents[1]), "PYTHONDONTWRITEBYTECODE": "1"}
    words = [python, "-m", "support.milvus_rest.lite", f"http://127.0.0.1:{port}", PASSWORD]
    before = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
    assert before.stdout
    address = before.stdout.readline().strip()
    root = Milvus(address, "root", PASSWORD)
    root("databases/create", dbName="search")
    root("test/make", dbName="search", collectionName="documents", rows=500)
    root("test/delete", dbName="search", collectionName="documents", ids=list(range(20)))
    root("test/make", dbName="default", collectionName="empty", rows=0)
    root("test/make", dbName="default", collectionName="resting", rows=30, loaded=False)
    yield Lite(address, root, folder)
    before.communicate()
    server.terminate()
    server.wait(60)


@pytest.fixture
def restored(lite: Lite, pods: dict[str, Pod]) -> Lite:
    """Backed up, and restored beside the live collections."""
    assert lite.run(pods, "milvus-drill", "prepare").returncode == 0
    assert not lite.copies(), "what an earlier drill left is removed first"
    lite.back_up(pods)
    lite.restore()
    (lite.folder / "restored").touch()
    assert len(lite.copies()) == 4
    return lite


def test_a_whole_backup_comes_back_as_it_was_and_its_copies_are_removed(restored: Lite, pods: dict[str, Pod]) -> None:
    ended = restored.run(pods, "milvus-drill", "compare")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "search.documents: 480 rows, 480 counted" in ended.stdout, "deleted ones do not come back"
    assert "the backup has come back as it was" in ended.stdout
    assert not restored.copies()
    assert "documents" in restored.root("collections/list", dbName="search")


def test_a_collection_that_lost_rows_is_reported_and_its_copies_are_removed(
    restored: Lite, pods: dict[str, Pod]
) -> None:
    where = {"dbName": "search", "collectionName": f"documents{SUFFIX}"}
    restored.root("collections/load", **where)
    restored.root("test/delete", **where, ids=[100])
    ended = restored.run(pods, "milvus-drill", "compare")
    assert ended.returncode == 1
    assert "search.documents: 480 rows were in the backup, and 479 are back" in ended.stderr
    assert not restored.copies()


def test_a_collection_that_has_not_come_back_is_reported(restored: Lite, pods: dict[str, Pod]) -> None:
    restored.root("collections/drop", dbName="default", collectionName=f"empty{SUFFIX}")
    ended = restored.run(pods, "milvus-drill", "compare")
    assert ended.returncode == 1
    assert "default.empty: it has not come back" in ended.stderr


def test_a_backup_without_its_list_of_rows_is_reported(restored: Lite, pods: dict[str, Pod]) -> None:
    restored.root("collections/drop", dbName="platform_backup", collectionName=f"rows{SUFFIX}")
    ended = restored.run(pods, "milvus-drill", "compare")
    assert ended.returncode == 1
    assert "the backup has no list of its rows" in ended.stderr
    assert not restored.copies()


def test_copies_of_a_restore_that_failed_are_removed_and_it_is_reported(restored: Lite, pods: dict[str, Pod]) -> None:
    (restored.folder / "restored").unlink()
    ended = restored.run(pods, "milvus-drill", "compare")
    assert ended.returncode == 1
    assert "the restore has failed" in ended.stderr
    assert not restored.copies()


def test_a_collection_that_cannot_be_counted_is_backed_up_and_its_copy_only_has_to_be_there(
    lite: Lite, pods: dict[str, Pod]
) -> None:
    lite.root("test/fault", collectionName="documents", fault="uncountable", on=True)
    try:
        ended = lite.run(pods, "milvus-backup", "rows")
    finally:
        lite.root("test/fault", collectionName="documents", fault="uncountable", on=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "search.documents: it cannot be counted: collections/get_stats: no segment" in ended.stdout
    lite.restore()
    (lite.folder / "restored").touch()
    ended = lite.run(pods, "milvus-drill", "compare")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "search.documents: it has come back" in ended.stdout
    assert "default.resting: 30 rows" in ended.stdout


def test_copies_are_removed_when_the_time_of_the_job_is_over(restored: Lite, pods: dict[str, Pod]) -> None:
    restored.root("test/fault", collectionName=f"documents{SUFFIX}", fault="loading", on=True)
    try:
        ended = restored.run(pods, "milvus-drill", "compare", until="default.resting")
    finally:
        restored.root("test/fault", collectionName=f"documents{SUFFIX}", fault="loading", on=False)
    assert ended.returncode == 1
    assert "stopped before everything was compared" in ended.stderr
    assert not restored.copies()


def test_what_milvus_refuses_has_its_reason(lite: Lite) -> None:
    with pytest.raises(Refused, match=r"collections/load: .*nothing"):
        lite.root("collections/load", dbName="default", collectionName="nothing")
