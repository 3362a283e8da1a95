"""What happens after a kill to engines that still run, and to the locks of those that do not."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.sandboxes.stopped_engine import StoppedEngine, ended

from llmplatform_sandbox.errors import SandboxError
from llmplatform_sandbox.paths import SandboxPaths
from llmplatform_sandbox.processes import ENGINE_MARK, Processes, start_time
from llmplatform_sandbox.recovery import Unclean
from llmplatform_sandbox.world_process import WORLD


def test_the_lock_of_a_process_that_is_gone_is_removed(paths: SandboxPaths) -> None:
    gone = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True, check=True
    )
    engine = StoppedEngine([{"pid": int(gone.stdout)}])
    assert "lock was removed" in ended(engine, paths)[0]
    assert engine.calls == ["unlock"]
    assert Unclean(paths), "whatever that engine was about is looked at"


def test_the_world_ends_with_the_engine_that_asked_it(paths: SandboxPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    processes, order = Processes(paths.run, paths.logs), list[str]()
    engine = StoppedEngine([{"pid": 0}])

    def stop(*names: str, grace: float) -> None:
        order.extend(names)

    monkeypatch.setattr(processes, "stop", stop)
    monkeypatch.setattr(engine, "unlock", lambda: order.append("unlock"))
    ended(engine, paths, processes)
    assert order == [WORLD, "unlock"], "what the dead engine had asked for would go on while the next one works"


def test_an_engine_that_was_killed_before_it_held_the_lock_is_ended_too(paths: SandboxPaths) -> None:
    environment = {ENGINE_MARK: str(paths.folder)}
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], env=environment) as child:
        try:
            while not Path(f"/proc/{child.pid}/environ").read_bytes():
                time.sleep(0.01)  # The kernel shows it a moment after the program has begun.
            assert ended(StoppedEngine([]), paths) == [], "nothing of it is left that would be worth a word"
            assert not start_time(child.pid), "it would take the lock from the run that begins"
        finally:
            child.kill()


@pytest.mark.parametrize("whose", ["ours", "a user's", "another program's"])
def test_an_engine_that_outlived_its_parent_is_ended_and_a_users_own_is_not(paths: SandboxPaths, whose: str) -> None:
    program = paths.run / ("other" if whose == "another program's" else "pulumi")
    program.symlink_to(Path(shutil.which("sleep") or "sleep").resolve())
    environment = {ENGINE_MARK: str(paths.folder)} if whose == "ours" else {"A": "B"}
    with subprocess.Popen(["sleep", "60"], executable=program, env=environment) as child:
        try:
            while not Path(f"/proc/{child.pid}/environ").read_bytes():
                time.sleep(0.01)  # The kernel shows it a moment after the program has begun.
            engine = StoppedEngine([{"pid": child.pid}])
            if whose == "a user's":
                with pytest.raises(SandboxError, match=f"process {child.pid}.*wait for it to end"):
                    ended(engine, paths)
                assert engine.calls == [], "a lock that is held in earnest stays"
            else:
                ended(engine, paths)
                assert engine.calls == ["unlock"]
            assert bool(start_time(child.pid)) is (whose != "ours"), "nothing is ended but what the sandbox began"
        finally:
            child.kill()
