"""Backups and restores of Milvus: the scripts around the tool, as they are rendered.

milvus-backup cannot be had here: a stand-in runs, whose behaviour is cited. What it copies and imports is not shown.
"""

import os
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support import milvus_rest
from support.milvus_site import Pod, containers

from llmplatform.services.milvus.programs.witness import SUFFIX

REST = Path(milvus_rest.__file__).parent
OLD = "platform_2020_01_01_00_00_00"
FULL = '{"name": "",\n"collection_name": "rows",\n"collection_name": "documents"}'
EMPTY = '{"name": "",\n"collection_name": "rows"}'


def hours_ago(hours: int) -> str:
    """Name of a backup."""
    return (datetime.now(UTC) - timedelta(hours=hours)).strftime("platform_%Y_%m_%d_%H_%M_%S")


NEW = hours_ago(20)


@pytest.fixture(scope="module")
def pods() -> dict[str, Pod]:
    return containers()


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
