"""When a sandbox is taken to have come to rest: a clock of our own, and what is seen at each look."""

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest

from llmplatform_sandbox import lifecycle, snapshot
from llmplatform_sandbox.lifecycle import Sandbox
from llmplatform_sandbox.progress import silent
from llmplatform_sandbox.snapshot import Node, Pod, Snapshot

OLD, NEW = "node-old", "node-new"


def node(name: str, state: str = "Ready") -> Node:
    return Node(name=name, pool="gpu", capacity="SPOT", instance_type="g5.2xlarge", zone="a", gpus=1, state=state)


def seen(state: str, on: str = "", *, nodes: Sequence[Node] = ()) -> Snapshot:
    return Snapshot(nodes=tuple(nodes), pods=(Pod(namespace="models", name="chat", node=on, state=state),))


def settle(
    monkeypatch: pytest.MonkeyPatch, before: Snapshot, after: Snapshot, *, changes_after: float
) -> tuple[Snapshot, float]:
    """What `settle` ends with, and after how long, when one picture follows the other."""
    now = 0.0

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    # Not the module `time` itself: a thread that another test has left behind would move this clock by its own sleeps.
    monkeypatch.setattr(snapshot, "time", SimpleNamespace(monotonic=lambda: now, sleep=sleep))
    monkeypatch.setattr(lifecycle, "read_project", lambda folder: type("Project", (), {"folder": folder})())
    monkeypatch.setattr(Sandbox, "snapshot", lambda self: before if now < changes_after else after)
    return Sandbox(Path("project"), "dev", silent).settle(), now


RUNNING = seen("Running", NEW, nodes=[node(NEW)])


@pytest.mark.parametrize(
    "before",
    [
        seen("Pending", OLD, nodes=[node(NEW)]),
        seen("Running", OLD, nodes=[node(NEW)]),
        seen("Pending", OLD, nodes=[node(OLD, "Ready, cordoned"), node(NEW)]),
        seen("Terminating", OLD, nodes=[node(OLD), node(NEW)]),
    ],
    ids=["its node is gone", "it ran on a node that is gone", "its node is drained", "it ends"],
)
def test_a_pod_that_has_to_move_is_waited_for_though_nothing_happens(
    monkeypatch: pytest.MonkeyPatch, before: Snapshot
) -> None:
    found, _ = settle(monkeypatch, before, RUNNING, changes_after=30.0)
    assert found == RUNNING


def test_a_pod_that_fits_nowhere_is_not_waited_for_once_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    stuck = seen("Pending", nodes=[node(NEW)])
    found, took = settle(monkeypatch, stuck, RUNNING, changes_after=30.0)
    assert found == stuck
    assert took < 10.0


def test_what_never_comes_to_rest_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    lost = seen("Pending", OLD, nodes=[node(NEW)])
    found, took = settle(monkeypatch, lost, RUNNING, changes_after=1000.0)
    assert found == lost
    assert took < 60.0


@pytest.mark.parametrize("state", ["Running", "Completed"])
def test_a_sandbox_at_rest_is_looked_at_once(monkeypatch: pytest.MonkeyPatch, state: str) -> None:
    on = NEW if state == "Running" else OLD
    _, took = settle(monkeypatch, seen(state, on, nodes=[node(NEW)]), RUNNING, changes_after=1000.0)
    assert took == 0.0, "a pod that has done its work stays where it was, though its node is gone"
