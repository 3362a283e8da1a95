"""Background processes: found again, never mistaken for another, gone when stopped."""

import fcntl
import json
import os
import signal
import sys
from pathlib import Path

import pytest
from support.pace import eventually

from llmplatform_sandbox.errors import SandboxError
from llmplatform_sandbox.processes import Processes, start_time

SLEEPER = [sys.executable, "-c", "import time; print('here', flush=True); time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('here', flush=True); time.sleep(60)",
]


@pytest.fixture
def processes(tmp_path: Path) -> Processes:
    for folder in ("run", "logs"):
        (tmp_path / folder).mkdir()
    return Processes(tmp_path / "run", tmp_path / "logs")


def wait_for(file: Path) -> None:
    eventually(lambda: file.exists() and file.read_text(), f"{file} stays empty", every=0.02)


def test_a_process_is_found_by_another_object_and_started_only_once(processes: Processes, tmp_path: Path) -> None:
    processes.start("sleeper", SLEEPER)
    other = Processes(tmp_path / "run", tmp_path / "logs")
    pid = other.pid("sleeper")
    other.start("sleeper", SLEEPER)
    assert pid is not None
    assert other.pid("sleeper") == pid, "a process that runs is left alone"
    processes.stop("sleeper")
    assert not start_time(pid), "a stopped process is gone from the process table"


def test_what_a_killed_start_left_without_a_pid_file_is_ended(processes: Processes, tmp_path: Path) -> None:
    holder = [*SLEEPER, f"--data-dir={tmp_path}/data"]
    others = [*SLEEPER, f"--data-dir={tmp_path}-of-another/data"]
    processes.start("holder", holder)
    processes.start("other", others)
    stray, other = processes.pid("holder"), processes.pid("other")
    assert stray is not None
    for name in ("holder", "other"):
        (tmp_path / "run" / f"{name}.pid").unlink()
    processes.start("holder", holder)
    try:
        assert not start_time(stray), "it would hold the data that the new one needs"
        assert start_time(other or 0), "it belongs to another sandbox"
    finally:
        processes.stop("holder")
        os.kill(other or 0, signal.SIGKILL)


def test_a_process_that_ignores_the_polite_signal_is_killed(processes: Processes, tmp_path: Path) -> None:
    processes.start("stubborn", STUBBORN)
    wait_for(tmp_path / "logs" / "stubborn.log")
    pid = processes.pid("stubborn")
    assert pid is not None
    processes.stop("stubborn", grace=0.2)
    assert not start_time(pid)
    assert processes.names() == [], "no pid file is left of a stopped process"


def test_a_pid_that_was_reused_is_neither_ours_nor_killed(processes: Processes, tmp_path: Path) -> None:
    (tmp_path / "run" / "old.pid").write_text(json.dumps({"pid": os.getpid(), "started": "1"}))
    assert not processes.running("old"), "the pid is alive, but it is another process than the one that was noted"
    processes.stop("old", grace=0.1)
    assert start_time(os.getpid()), "this very test would have been killed"


def test_a_process_that_died_is_told_in_a_line_with_the_remedy_and_where_its_log_is(processes: Processes) -> None:
    processes.start("brief", [sys.executable, "-c", "raise SystemExit('no such flag')"])
    pid = json.loads((processes._pid_file("brief")).read_text())["pid"]  # pyright: ignore[reportPrivateUsage]
    eventually(lambda: not start_time(pid), "it does not end", every=0.02)
    with pytest.raises(SandboxError, match=r"^brief: the process ended; run the same command again, .*brief\.log$"):
        processes.require("brief")


def test_a_killed_process_counts_as_gone_before_its_parent_has_waited_for_it(processes: Processes) -> None:
    processes.start("sleeper", SLEEPER)
    pid = processes.pid("sleeper")
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not processes.running("sleeper"), "a zombie does not run", every=0.01)
    processes.stop("sleeper")


def test_a_background_process_holds_no_lock_of_the_shell_that_its_command_was_started_from(
    processes: Processes, tmp_path: Path
) -> None:
    with (tmp_path / "lock").open("w") as held:
        os.set_inheritable(held.fileno(), True)
        fcntl.flock(held, fcntl.LOCK_EX)
        processes.start("sleeper", SLEEPER)
    try:
        with (tmp_path / "lock").open("w") as again:
            fcntl.flock(again, fcntl.LOCK_EX | fcntl.LOCK_NB)
    finally:
        processes.stop("sleeper")
