"""A release, the git tag `vVERSION`, freezes the states that were recorded for it: they are what is out there."""

import shutil
import subprocess
from pathlib import Path

import pytest
from support.program import ROOT

STATES = Path("tests/upgrades/states")
REMEDY = "what was released stays; raise the version of the library before `make record-states`"


def git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    identity = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    return subprocess.run(["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=False)


def changed(repository: Path, version: str) -> list[str]:
    """Recorded states of a released version that are other than in its tag, or gone, or new."""
    return git(repository, "diff", "--name-only", f"v{version}", "--", str(STATES / version)).stdout.splitlines()


@pytest.mark.parametrize("version", sorted(folder.name for folder in (ROOT / STATES).iterdir()))
def test_the_states_of_a_released_version_are_as_they_were_released(version: str) -> None:
    if not shutil.which("git") or git(ROOT, "rev-parse", "--verify", f"v{version}").returncode:
        pytest.skip(f"no git with a tag v{version} here: the version is not released, or the clone is without tags")
    assert changed(ROOT, version) == [], REMEDY


@pytest.mark.skipif(not shutil.which("git"), reason="git is not here")
def test_a_state_that_is_recorded_anew_after_its_release_is_found_out(tmp_path: Path) -> None:
    for file in ("0.1.0/dev", "0.2.0/dev"):
        (tmp_path / STATES / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / STATES / file).write_text("recorded")
    for command in (["init"], ["add", "--all"], ["commit", "--message", "release"], ["tag", "v0.1.0"]):
        assert git(tmp_path, *command).returncode == 0
    (tmp_path / STATES / "0.2.0/dev").write_text("recorded anew")
    assert changed(tmp_path, "0.1.0") == [], "the version to come is recorded as often as one likes"
    (tmp_path / STATES / "0.1.0/dev").write_text("recorded anew")
    assert changed(tmp_path, "0.1.0") == [str(STATES / "0.1.0/dev")]
