"""Other revisions and the states that they leave: exported, kept, found again."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.sandboxes.strangers import STRANGER, by_root

from llmplatform_sandbox.diff import states
from llmplatform_sandbox.diff.revision import Revision, find_revision
from llmplatform_sandbox.diff.states import State, StateCache, read_state
from llmplatform_sandbox.errors import SandboxError
from llmplatform_sandbox.toolchain import Toolchain


@dataclass
class Repository:
    folder: Path

    def git(self, *arguments: str) -> str:
        identity = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
        command = ["git", *identity, *arguments]
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=True).stdout

    def commit(self, **files: str) -> None:
        for name, text in files.items():
            file = self.folder / name.replace("__", "/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "more")

    def find(self, name: str, folder: str = ".") -> Revision:
        return find_revision(self.folder / folder, name)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    repository = Repository(tmp_path / "repository")
    repository.folder.mkdir()
    repository.git("init", "--quiet", "--initial-branch", "main")
    repository.commit(project__program="one", library__module="one")
    repository.commit(project__program="two", project__added="two")
    return repository


def test_an_export_has_the_files_of_the_commit_and_leaves_the_checkout_alone(
    repository: Repository, tmp_path: Path
) -> None:
    (repository.folder / "project" / "program").write_text("not committed")
    repository.git("add", "--all")
    project = repository.find("HEAD~1", "project").export(tmp_path / "there")
    assert project == tmp_path / "there" / "project"
    assert (project / "program").read_text() == "one"
    assert not (project / "added").exists()
    assert repository.git("status", "--porcelain") == "M  project/program\n", "what is staged stays staged"


def test_packages_of_the_repository_are_found_in_the_export_and_no_others(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    monkeypatch.setattr(sys, "path", [str(repository.folder / "library"), str(elsewhere), "", *sys.path])
    revision = repository.find("HEAD", "project")
    exported = tmp_path / "there"
    revision.export(exported)
    assert revision.import_path(exported) == [str(exported / "library")]


def test_changed_requirements_are_named(repository: Repository) -> None:
    repository.commit(requirements__run="a==1", **{"requirements.txt": "a==1"})
    revision = repository.find("HEAD")
    assert revision.other_requirements() == []
    (repository.folder / "requirements.txt").write_text("a==2")
    assert revision.other_requirements() == ["requirements.txt"]


def test_a_folder_outside_of_a_repository_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="not in a git repository") as refused:
        find_revision(tmp_path, "HEAD")
    assert refused.value.exit_code == 2


@by_root
def test_a_checkout_of_another_user_is_named_with_what_git_wants(repository: Repository) -> None:
    for path in (repository.folder, *repository.folder.rglob("*")):
        os.chown(path, STRANGER, STRANGER)
    with pytest.raises(SandboxError) as refused:
        repository.find("HEAD")
    assert str(refused.value) == (
        f"{repository.folder}: git does not trust the checkout, which belongs to another user; "
        f"run `git config --global --add safe.directory {repository.folder}`"
    )
    assert refused.value.exit_code == 2


def test_what_else_git_says_of_a_checkout_is_passed_on(repository: Repository) -> None:
    (repository.folder / ".git" / "config").write_text("[core")
    with pytest.raises(SandboxError, match="git cannot read the checkout: fatal: bad config line"):
        repository.find("HEAD")


def test_a_shallow_clone_is_told_how_to_get_more(repository: Repository, tmp_path: Path) -> None:
    clone = ["git", "clone", "--quiet", "--depth=1", f"file://{repository.folder}", str(tmp_path / "clone")]
    subprocess.run(clone, check=True, capture_output=True)
    with pytest.raises(SandboxError, match="git fetch --deepen=50"):
        find_revision(tmp_path / "clone", "HEAD~1")


STATE = State(
    deployment={"resources": [{"urn": "a", "protect": True, "id": "1"}, {"urn": "b", "id": "2"}]}, passphrase="known"
)


def test_a_state_is_read_as_it_was_written_and_always_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        STATE.write(tmp_path / name)
    assert read_state(tmp_path / "one") == STATE
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes(), "a recording without a change is no diff"


def test_protection_is_remembered_where_the_engine_is_not_to_see_it() -> None:
    assert STATE.protected == {"a"}
    assert STATE.unprotected().protected == frozenset()
    assert [one["urn"] for one in STATE.unprotected().resources] == ["a", "b"]


def test_the_cache_keeps_the_latest_used_states(tmp_path: Path) -> None:
    cache = StateCache(tmp_path / "states")
    for number in range(20):
        cache.put(f"key-{number}", STATE)
        os.utime(tmp_path / "states" / f"key-{number}.json.gz", (number, number))
    assert cache.get("key-0") is None
    assert cache.get("key-19") == STATE
    assert len(list((tmp_path / "states").iterdir())) == 12
    assert (tmp_path / "states").stat().st_mode & 0o077 == 0, "no other user reads it"


def test_a_broken_file_in_the_cache_is_as_none(tmp_path: Path) -> None:
    cache = StateCache(tmp_path)
    STATE.write(tmp_path / "whole")
    for content in (b"", b"not compressed", (tmp_path / "whole").read_bytes()[:40]):
        (tmp_path / "key.json.gz").write_bytes(content)
        assert cache.get("key") is None


def test_the_key_differs_by_commit_stack_and_engine() -> None:
    cache = StateCache(Path("unused"))
    tools = [Toolchain({}, {"pulumi": version}) for version in ("v1", "v2")]
    keys = {
        cache.key(tree, Path(), stack, tool) for tree in ("t1", "t2") for stack in ("dev", "prod") for tool in tools
    }
    assert len(keys) == 8
    assert cache.key("t1", Path(), "dev", tools[0]) in keys


@dataclass
class Distribution:
    name: str
    version: str


def test_the_key_differs_by_the_packages_that_both_sides_run_with(monkeypatch: pytest.MonkeyPatch) -> None:
    cache, tools = StateCache(Path("unused")), Toolchain({}, {"pulumi": "v1"})

    def key(*installed: Distribution) -> str:
        monkeypatch.setattr(states, "distributions", lambda: iter(installed))
        return cache.key("tree", Path(), "dev", tools)

    aws, kubernetes = Distribution("pulumi-aws", "7.1.0"), Distribution("pulumi-kubernetes", "4.2.0")
    newer = Distribution("pulumi-aws", "7.2.0")
    assert key(aws, kubernetes) == key(kubernetes, aws), "in whatever order they are found"
    assert len({key(), key(aws), key(aws, kubernetes), key(newer, kubernetes)}) == 4, (
        "a state that other versions have made would be taken for what these make, and an upgrade's changes for yours"
    )
