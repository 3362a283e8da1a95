"""Backups, restores and the drill of Milvus as they are rendered.

Neither Milvus nor milvus-backup can be had here. The scripts around the tool run with a stand-in, whose behaviour is
cited; the programs of the drill run against milvus-lite, with its own client, before which a stand-in speaks REST. What
milvus-backup copies and imports is not shown: the copies are made by the client, and damaged.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support import milvus_rest
from support.environments import interpreter
from support.milvus_site import USERS, made

from llmplatform.services.milvus_pods import PACKAGE, program_files
from llmplatform.services.milvus_programs.rest import Milvus, Refused
from llmplatform.services.milvus_programs.witness import SUFFIX

EXAMPLE = Path(__file__).parents[2] / "examples" / "milvus"
REST = Path(milvus_rest.__file__).parent
PASSWORD, START_SECONDS = "root-password-1", 120
OLD = "platform_2020_01_01_00_00_00"
FULL = '{"name": "",\n"collection_name": "rows",\n"collection_name": "documents"}'
EMPTY = '{"name": "",\n"collection_name": "rows"}'
Pod = list[dict[str, Any]]


def hours_ago(hours: int) -> str:
    """Name of a backup."""
    return (datetime.now(UTC) - timedelta(hours=hours)).strftime("platform_%Y_%m_%d_%H_%M_%S")


NEW = hours_ago(20)


@pytest.fixture(scope="module")
def pods() -> dict[str, Pod]:
    """Name of a CronJob to its containers, in their order."""
    found = made(spec=USERS).all("kubernetes:batch/v1:CronJob")
    specs = {each.inputs["metadata"]["name"]: each.inputs["spec"]["jobTemplate"]["spec"] for each in found}
    return {
        name: [*spec["template"]["spec"].get("initContainers", ()), *spec["template"]["spec"]["containers"]]
        for name, spec in specs.items()
    }


@dataclass
class Tool:
    """Pods whose tool is the stand-in, and the folder of its backups."""

    folder: Path
    pods: dict[str, Pod]

    def run(self, pod: str, container: str, **variables: str) -> subprocess.CompletedProcess[str]:
        (found,) = (each for each in self.pods[pod] if each["name"] == container)
        given = {each["name"]: each.get("value", "secret") for each in found["env"]}
        words = [self.here(each) for each in found["command"]]
        (self.folder / "scratch").mkdir(exist_ok=True)
        environment = {**given, **variables, "PATH": os.defpath, "BACKUPS": str(self.backups)}
        return subprocess.run(words, env=environment, capture_output=True, text=True, check=False)

    def here(self, word: str) -> str:
        return word.replace("/app/milvus-backup", str(REST / "tool.sh")).replace("/scratch", f"{self.folder}/scratch")

    @property
    def backups(self) -> Path:
        return self.folder / "backups"

    @property
    def names(self) -> list[str]:
        return sorted(each.name for each in self.backups.iterdir())

    def add(self, name: str, *, metadata: str = FULL) -> Path:
        place = self.backups / name
        for each in ("meta", "binlogs"):
            (place / each).mkdir(parents=True)
        (place / "binlogs" / "1").write_text("rows")
        (place / "meta" / "full_meta.json").write_text(metadata)
        return place

    @property
    def succeeded(self) -> bool:
        """What the drill's next container sees."""
        return (self.folder / "scratch" / "restored").exists()

    @property
    def restored(self) -> str:
        place = self.folder / "restored"
        return place.read_text().strip() if place.exists() else ""


@pytest.fixture
def tool(tmp_path: Path, pods: dict[str, Pod]) -> Tool:
    (tmp_path / "backups").mkdir()
    return Tool(tmp_path, pods)


def test_a_backup_is_made_and_only_ours_that_are_too_old_are_removed(tool: Tool) -> None:
    kept = ["before_the_upgrade", hours_ago(48), hours_ago(24)]
    for each in (OLD, *kept):
        tool.add(each)
    assert tool.run("milvus-backup", "create").returncode == 0
    made_now = next(name for name in tool.names if name not in (OLD, *kept))
    assert '"rbac": "yes"' in (tool.backups / made_now / "meta" / "full_meta.json").read_text()
    ended = tool.run("milvus-backup", "retain")
    assert ended.returncode == 0, ended.stderr
    assert tool.names == sorted([*kept, made_now])


def test_the_newest_three_that_can_be_read_are_kept_however_old_they_are(tool: Tool) -> None:
    months = [f"platform_2020_0{month}_01_00_00_00" for month in range(1, 7)]
    for name in months[:5]:
        tool.add(name)
    tool.add(months[5], metadata="cut off")
    ended = tool.run("milvus-backup", "retain")
    assert ended.returncode == 0, ended.stderr
    assert tool.names == months[2:]


def test_no_backup_is_removed_while_the_newest_has_lost_all_collections(tool: Tool) -> None:
    newer = [hours_ago(hours) for hours in (72, 48, 24, 1)]
    tool.add(OLD)
    for name in newer:
        tool.add(name, metadata=EMPTY)
    ended = tool.run("milvus-backup", "retain")
    assert ended.returncode == 1
    assert f"{newer[-1]} has no collection and {OLD} had some, so none is removed" in ended.stderr
    assert tool.names == sorted([OLD, *newer])


def test_backups_of_a_milvus_that_never_had_a_collection_are_removed_in_time(tool: Tool) -> None:
    newer = [hours_ago(hours) for hours in (72, 48, 24)]
    for name in (OLD, *newer):
        tool.add(name, metadata=EMPTY)
    assert tool.run("milvus-backup", "retain").returncode == 0
    assert tool.names == sorted(newer)


@pytest.mark.parametrize("fault", [{"CUT_OFF": "yes"}, {"TRUNCATED": ","}])
def test_a_backup_that_is_cut_off_or_cannot_be_read_fails_its_job(tool: Tool, fault: dict[str, str]) -> None:
    assert tool.run("milvus-backup", "create", **fault).returncode == 1


def test_the_newest_backup_is_restored_under_other_names(tool: Tool) -> None:
    for name in (OLD, NEW, "zebra"):
        tool.add(name)
    assert tool.run("milvus-restore", "restore").returncode == 0
    assert tool.restored == f"{NEW} _restored"
    assert tool.run("milvus-restore", "restore", BACKUP=OLD, SUFFIX="_2020").returncode == 0
    assert tool.restored == f"{OLD} _2020"


def test_nothing_is_restored_over_live_collections(tool: Tool) -> None:
    tool.add(NEW)
    ended = tool.run("milvus-restore", "restore", SUFFIX="")
    assert (ended.returncode, tool.restored) == (1, "")
    assert "nothing is restored over live collections" in ended.stderr


@pytest.mark.parametrize(
    ("name", "metadata", "said"),
    [
        (None, "", "there is no backup that can be read"),
        (hours_ago(10), '{"name": "trunca', f"is newer than {NEW}, and cannot be read"),
        (hours_ago(10), "", f"is newer than {NEW}, and cannot be read"),
    ],
)
def test_a_drill_reports_a_newest_backup_that_cannot_be_read(
    tool: Tool, name: str | None, metadata: str, said: str
) -> None:
    if name:
        tool.add(NEW)
        tool.add(name, metadata=metadata)
    ended = tool.run("milvus-drill", "restore")
    assert (tool.succeeded, tool.restored) == (False, "")
    assert said in ended.stderr


def test_a_drill_passes_over_a_backup_that_may_still_be_made_and_a_restore_says_how_to(tool: Tool) -> None:
    tool.add(NEW)
    running = hours_ago(1)
    tool.add(running, metadata="")
    ended = tool.run("milvus-restore", "restore")
    assert (ended.returncode, tool.restored) == (1, "")
    said = f"{running} is newer than {NEW}, and cannot be read: it is being made, or was cut off; set BACKUP={NEW}"
    assert said in ended.stderr
    assert tool.run("milvus-restore", "restore", BACKUP=NEW).returncode == 0
    tool.run("milvus-drill", "restore")
    assert tool.succeeded
    assert tool.restored == f"{NEW} {SUFFIX}"


def test_a_restore_of_a_drill_that_takes_too_long_is_cut_off(tool: Tool) -> None:
    """So that the Job's time is not over before the copies are dropped."""
    tool.add(NEW)
    (found,) = (each for each in tool.pods["milvus-drill"] if each["name"] == "restore")
    assert "timeout 14400 " in found["command"][2], "four of the Job's six hours"
    found["command"][2] = found["command"][2].replace("timeout 14400 ", "timeout 1 ")
    try:
        ended = tool.run("milvus-drill", "restore", SLOW="yes")
    finally:
        found["command"][2] = found["command"][2].replace("timeout 1 ", "timeout 14400 ")
    assert (ended.returncode, tool.succeeded) == (0, False)
    assert "failed, or not done within 4 hours" in ended.stderr


def test_a_drill_reports_a_newest_backup_that_is_old_and_one_without_an_object(tool: Tool) -> None:
    tool.add(OLD)
    ended = tool.run("milvus-drill", "restore")
    assert not tool.succeeded
    assert f"the newest backup, {OLD}, is older than 48 hours" in ended.stderr
    (tool.add(NEW) / "binlogs" / "1").unlink()
    ended = tool.run("milvus-drill", "restore")
    assert not tool.succeeded
    assert "bulk insert failed" in ended.stderr
    (tool.backups / NEW / "binlogs" / "1").touch()
    tool.run("milvus-drill", "restore")
    assert tool.succeeded
    assert tool.restored == f"{NEW} {SUFFIX}"


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
