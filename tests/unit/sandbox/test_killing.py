"""Kills at a chosen point of the work: the right change, the right moment, the right processes."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from llmplatform_sandbox import killing
from llmplatform_sandbox.killing import KillPlan, KillSwitch, strike
from llmplatform_sandbox.paths import SandboxPaths
from llmplatform_sandbox.processes import ENGINE_MARK, engines


class Handler:
    """What grpc gives for a method."""

    request_deserializer = response_serializer = None

    def __init__(self, done: list[str]) -> None:
        self.done = done

    def unary_unary(self, request: Any, context: Any) -> str:
        self.done.append("done")
        return "answer"


@pytest.fixture
def paths(tmp_path: Path) -> SandboxPaths:
    paths = SandboxPaths(tmp_path / "state")
    paths.create()
    return paths


def ask(switch: KillSwitch, handler: Handler, method: str = "Create", preview: bool = False) -> Any:
    details = SimpleNamespace(method=f"/pulumirpc.ResourceProvider/{method}")
    wrapped = switch.intercept_service(lambda _: handler, details)
    callbacks: list[Any] = []
    answer = wrapped.unary_unary(SimpleNamespace(preview=preview), SimpleNamespace(add_callback=callbacks.append))
    for callback in callbacks:
        callback()
    return answer


@pytest.mark.parametrize("moment", ["asked", "accepted", "answered"])
def test_the_planned_change_and_no_other_is_struck(
    paths: SandboxPaths, monkeypatch: pytest.MonkeyPatch, moment: Any
) -> None:
    struck, done = threading.Event(), list[str]()
    at: list[int] = []

    def strike(*_: Any) -> None:
        at.append(len(done))
        struck.set()

    monkeypatch.setattr(killing, "strike", strike)
    switch, handler = KillSwitch(paths), Handler(done)
    KillPlan(change=2, moment=moment, delay=0.0, victims=("command",), group=1, note="note").write(paths)
    ask(switch, handler)
    ask(switch, handler, preview=True)
    ask(switch, handler, "Read")
    assert not struck.is_set(), "a preview and a read change nothing, so they do not count"
    ask(switch, handler, "Delete")
    assert struck.wait(5)
    assert at == [4] or moment == "asked", "what was asked for was done before"
    ask(switch, handler)
    ask(switch, handler)
    assert len(at) == 1, "a plan is carried out once"


def test_without_a_plan_everything_is_answered(paths: SandboxPaths) -> None:
    assert ask(KillSwitch(paths), Handler([])) == "answer"


SLEEPER = [sys.executable, "-c", "import time; time.sleep(60)"]


@pytest.fixture
def sleepers() -> Iterator[list[subprocess.Popen[bytes]]]:
    """A command, and another's process."""
    found = [subprocess.Popen(SLEEPER, start_new_session=True) for _ in range(2)]
    yield found
    for each in found:
        each.kill()
        each.wait()


def test_a_strike_kills_what_it_names_and_nothing_else(
    paths: SandboxPaths, tmp_path: Path, sleepers: list[subprocess.Popen[bytes]]
) -> None:
    command, other = sleepers
    strike(paths, ("command", "engine", "world", "control-plane"), command.pid, tmp_path / "note")
    assert command.wait(10) == -signal.SIGKILL
    assert other.poll() is None
    assert json.loads((tmp_path / "note").read_text()) == ["command"], "who was not there was not killed"


def test_a_strike_without_a_victim_reports_no_kill(paths: SandboxPaths, tmp_path: Path) -> None:
    strike(paths, ("engine", "world", "control-plane"), os.getpid(), tmp_path / "note")
    assert not (tmp_path / "note").exists()


def test_the_engine_is_killed_alone_and_the_program_too(paths: SandboxPaths, tmp_path: Path) -> None:
    code = f"import subprocess, os; os.environ[{ENGINE_MARK!r}] = {str(paths.folder)!r}; "
    code += f"print(subprocess.Popen({SLEEPER!r}).pid, flush=True); import time; time.sleep(60)"
    for victim in ("engine", "program"):
        with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, start_new_session=True) as command:
            try:
                assert command.stdout
                engine = int(command.stdout.readline())
                while engines(paths) != [engine]:
                    time.sleep(0.01)  # The kernel shows its variables a moment after it has begun.
                strike(paths, (victim,), command.pid, tmp_path / victim)
                if victim == "engine":
                    deadline = time.monotonic() + 10
                    while engines(paths):
                        assert time.monotonic() < deadline, "the engine is the one that was to die"
                    assert command.poll() is None, "its caller lives, and has to say what happened"
                else:
                    assert command.wait(10) == -signal.SIGKILL
                    assert engines(paths) == [engine], "an engine may outlive its caller, and the next run meets it"
            finally:
                os.killpg(command.pid, signal.SIGKILL)
