"""Whose sandbox a stack lives in, without anything that runs."""

from pathlib import Path

import pytest

from llmplatform_sandbox import guests
from llmplatform_sandbox.errors import SandboxError
from llmplatform_sandbox.guests import Host
from llmplatform_sandbox.paths import SandboxPaths, sandbox_paths
from llmplatform_sandbox.project import Project


def project(folder: Path, name: str) -> Project:
    at = folder / name
    at.mkdir(exist_ok=True)
    return Project(folder=at, settings={"name": name, "runtime": "python"})


@pytest.fixture
def host(tmp_path: Path) -> Host:
    found = Host(project=project(tmp_path, "platform").folder, stack="dev")
    SandboxPaths(found.folder).create()
    return found


def moved_in(guest: Project, host: Host) -> SandboxPaths:
    paths = guests.paths_of(guest, "dev", host)
    paths.create()
    (guest.folder / ".sandbox").mkdir(exist_ok=True)
    guests.settle_in(guest, "dev", paths)
    return paths


def test_a_host_is_named_by_folder_and_stack_or_by_the_stack_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert Host.named("dev") == Host(project=tmp_path, stack="dev")
    assert Host.named("../x:prod") == Host(project=tmp_path.parent / "x", stack="prod")


def test_a_guest_shares_all_but_its_own_copy_and_needs_to_be_told_once(tmp_path: Path, host: Host) -> None:
    guest = project(tmp_path, "models")
    paths = moved_in(guest, host)
    shared = SandboxPaths(host.folder)
    assert (paths.clouds, paths.kube, paths.backend) == (shared.clouds, shared.kube, shared.backend)
    assert paths.project != shared.project
    assert guests.paths_of(guest, "dev", None) == paths
    assert guests.guests(shared) == [f"llmplatform sandbox down dev --project {guest.folder}"]


def test_a_stack_that_was_never_a_guest_has_a_sandbox_of_its_own(tmp_path: Path) -> None:
    alone = project(tmp_path, "alone")
    assert guests.paths_of(alone, "dev", None) == sandbox_paths(alone.folder, "dev")


def refusal(guest: Project, host: Host | None) -> str:
    with pytest.raises(SandboxError) as refused:
        guests.paths_of(guest, "dev", host)
    assert refused.value.exit_code == 2
    return str(refused.value)


def test_a_stack_does_not_live_in_itself(host: Host) -> None:
    assert "own sandbox" in refusal(Project(folder=host.project, settings={"name": "platform"}), host)


def test_a_stack_with_a_sandbox_of_its_own_takes_it_down_first(tmp_path: Path, host: Host) -> None:
    guest = project(tmp_path, "models")
    sandbox_paths(guest.folder, "dev").create()
    assert "run `llmplatform sandbox down dev`" in refusal(guest, host)


def test_a_guest_of_one_sandbox_is_not_moved_to_another(tmp_path: Path, host: Host) -> None:
    guest = project(tmp_path, "models")
    moved_in(guest, host)
    other = Host(project=project(tmp_path, "other").folder, stack="dev")
    SandboxPaths(other.folder).create()
    assert "take it down there first" in refusal(guest, other)


def test_two_projects_of_one_name_do_not_share_a_state(tmp_path: Path, host: Host) -> None:
    moved_in(project(tmp_path, "models"), host)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert "rename one" in refusal(project(elsewhere, "models"), host)


def test_without_the_host_there_is_a_sentence_that_brings_it_up(tmp_path: Path) -> None:
    nowhere = Host(project=project(tmp_path, "platform").folder, stack="dev")
    paths = guests.paths_of(project(tmp_path, "models"), "dev", nowhere)
    with pytest.raises(SandboxError, match=r"run `llmplatform sandbox up dev --project .*platform` first"):
        guests.require_host(paths, "dev")


def test_a_host_that_was_never_applied_has_nothing_that_a_guest_could_use(tmp_path: Path, host: Host) -> None:
    paths = moved_in(project(tmp_path, "models"), host)
    with pytest.raises(SandboxError, match=r"^dev: dev is not up yet; run `llmplatform sandbox up dev --project .*`"):
        guests.require_platform(paths, "dev")
    state = paths.backend / ".pulumi" / "stacks" / "platform" / "dev.json"
    state.parent.mkdir(parents=True)
    state.write_text('{"checkpoint": {"latest": {"resources": [{}, {}]}}}')
    guests.require_platform(paths, "dev")
