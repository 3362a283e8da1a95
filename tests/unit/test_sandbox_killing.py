"""Kills at a chosen point of the work: the right change, the right moment, the right processes."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from llmplatform_sandbox import killing
from llmplatform_sandbox.killing import KillPlan, KillSwitch, strike
from llmplatform_sandbox.paths import SandboxPaths


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
    KillPlan(change=2, moment=moment, delay=0.0, victims=("command",), group=1).write(paths)
    ask(switch, handler)
    ask(switch, handler, preview=True)
    ask(switch, handler, "Read")
    assert not struck.is_set(), "a preview and a read change nothing, so they do not count"
    ask(switch, handler, "Delete")
    assert struck.wait(5)
    assert at == [4] or moment == "asked", "what was asked for was done before"
    assert not KillPlan.clear(paths), "a plan is carried out once"


def test_without_a_plan_everything_is_answered(paths: SandboxPaths) -> None:
    assert ask(KillSwitch(paths), Handler([])) == "answer"


def test_a_strike_kills_what_it_names_and_nothing_else(paths: SandboxPaths) -> None:
    sleeper = [sys.executable, "-c", "import time; time.sleep(60)"]
    with (
        subprocess.Popen(sleeper, start_new_session=True) as command,
        subprocess.Popen(sleeper, start_new_session=True) as other,
    ):
        try:
            strike(paths, ("command", "engine", "world", "control-plane"), command.pid)
            assert command.wait(10) == -signal.SIGKILL
            assert other.poll() is None
        finally:
            os.killpg(other.pid, signal.SIGKILL)
