"""`llmplatform recover` and the lock of the stack: whose it is, whether that still lives, and what is done about it."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.sandboxes.pulumi_stand_in import PENDING, Pulumi, installed


def dead() -> int:
    return int(subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True,
                              check=True).stdout)  # fmt: skip


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pulumi:
    return installed(tmp_path, monkeypatch)


def test_of_a_healthy_stack_nothing_but_its_lock_is_broken(pulumi: Pulumi) -> None:
    pulumi.keep()
    pulumi.lock("you@elsewhere (pid 1)")
    pulumi.recover("--break-lock", given="n\n")
    assert pulumi.calls() == ["stack export"]
    assert "dev: lock removed: you@elsewhere (process 1)" in pulumi.recover("--break-lock", "--yes")
    assert pulumi.calls()[1:] == ["stack export", "cancel --yes"]
    assert "lock" not in pulumi.recover("--break-lock", "--yes"), "there is none any more"


def test_the_lock_that_a_run_left_before_its_first_operation_is_removed(pulumi: Pulumi) -> None:
    pulumi.keep()
    pulumi.lock(f"me@{socket.gethostname()} (pid {dead()})")
    assert "Nothing was written" in pulumi.recover("--dry-run")
    assert pulumi.calls() == ["stack export"]
    document = pulumi.document("--yes")
    assert (document["written"], document["lock_removed"].startswith("me@")) == (False, True)
    assert pulumi.calls()[1:] == ["stack export", "cancel --yes"], "the state is as it has to be"


@pytest.mark.parametrize("pending", [[], [PENDING]], ids=["healthy", "interrupted"])
def test_a_lock_that_may_be_held_in_earnest_is_named_with_the_remedy(
    pulumi: Pulumi, pending: list[dict[str, Any]]
) -> None:
    pulumi.keep(*pending)
    pulumi.lock("you@elsewhere (pid 1)")
    said = pulumi.recover("--yes", code=1)
    assert "dev: locked by you@elsewhere (process 1); wait for it to end, or, if it is gone, add --break-lock" in said
    assert pulumi.calls() == ["stack export"]


def test_a_lock_that_is_met_late_is_named_with_the_remedy_too(pulumi: Pulumi) -> None:
    pulumi.keep(PENDING)
    script = pulumi.folder / "pulumi"
    taken = '    (here / "state.json").write_text(sys.stdin.read())\n    lock.write_text("you@elsewhere (pid 1)")\n'
    script.write_text(script.read_text().replace('    (here / "state.json").write_text(sys.stdin.read())\n', taken))
    said = pulumi.recover("--yes", code=1)
    assert "dev: locked by you@elsewhere (process 1); wait for it to end, or, if it is gone, add --break-lock" in said
    assert "what was found is in the state" in said


def test_the_lock_of_a_dead_process_of_this_machine_is_removed(pulumi: Pulumi) -> None:
    pulumi.keep(PENDING)
    pulumi.lock(f"me@{socket.gethostname()} (pid {dead()})")
    assert "lock removed" in pulumi.recover("--yes")
    assert pulumi.calls()[1:4] == ["cancel --yes", "stack export", "stack import"]


def test_a_number_that_is_another_programs_by_now_holds_no_lock(pulumi: Pulumi) -> None:
    pulumi.keep()
    pulumi.lock(f"me@{socket.gethostname()} (pid {os.getpid()})")
    assert "lock removed" in pulumi.recover("--yes"), "this test is no pulumi; after a reboot its number may have been"


def test_in_a_container_a_process_that_is_not_seen_may_live(pulumi: Pulumi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llmplatform.recovery.locks.sees_all_processes", lambda: False)
    pulumi.keep(PENDING)
    pulumi.lock(f"me@{socket.gethostname()} (pid {dead()})")
    assert "--break-lock" in pulumi.recover("--yes", code=1)


@pytest.fixture
def alive(tmp_path: Path) -> Iterator[int]:
    """A process that the system knows as pulumi."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "pulumi"
    program.symlink_to(Path(shutil.which("sleep") or "sleep").resolve())
    with subprocess.Popen(["sleep", "60"], executable=program) as process:
        yield process.pid
        process.kill()


@pytest.mark.parametrize(
    "owner",
    [
        "me@{here} (pid {alive})",
        "you@elsewhere (pid {dead})",
        "me@{here} (pid {dead})\nyou@elsewhere (pid 1)",
    ],
    ids=["alive here", "elsewhere", "one of two"],
)
def test_a_lock_that_may_be_held_in_earnest_stays(pulumi: Pulumi, owner: str, alive: int) -> None:
    pulumi.keep(PENDING)
    pulumi.lock(owner.format(here=socket.gethostname(), alive=alive, dead=dead()))
    assert "--break-lock" in pulumi.recover("--yes", code=1)
    assert pulumi.state()["pending_operations"] == [PENDING]
    pulumi.recover("--yes", "--break-lock")
    assert "pending_operations" not in pulumi.state()
