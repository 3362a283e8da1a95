"""What happens after a kill, without an engine."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from llmplatform_sandbox.engine import MARK, Engine
from llmplatform_sandbox.errors import SandboxError
from llmplatform_sandbox.interfaces import Cloud, CloudObject
from llmplatform_sandbox.paths import SandboxPaths
from llmplatform_sandbox.processes import Processes, start_time
from llmplatform_sandbox.recovery import recover

VPC = "urn:pulumi:dev::app::aws:ec2/vpc:Vpc::main"
SUBNET = "urn:pulumi:dev::app::aws:ec2/subnet:Subnet::a"


class StoppedEngine:
    def __init__(self, locks: list[dict[str, Any]], pending: list[str], resources: list[dict[str, Any]]) -> None:
        self.checkpoint = self
        self._locks, self._pending, self._resources = locks, pending, resources
        self.calls: list[str] = []

    def locks(self) -> list[dict[str, Any]]:
        return self._locks

    def pending_creates(self) -> list[str]:
        return self._pending

    def resources(self) -> list[dict[str, Any]]:
        return self._resources

    def unlock(self) -> None:
        self.calls.append("unlock")

    def forget_pending(self) -> None:
        self.calls.append("forget")


class Account:
    def __init__(self, *objects: CloudObject) -> None:
        self.left = list(objects)

    def objects(self) -> Sequence[CloudObject]:
        return list(self.left)

    def remove_object(self, id_: str, made_by: str = "") -> None:
        self.left = [item for item in self.left if item.id != id_]


@pytest.fixture
def paths(tmp_path: Path) -> SandboxPaths:
    paths = SandboxPaths(tmp_path / "state")
    paths.create()
    return paths


def run(engine: StoppedEngine, paths: SandboxPaths, account: Account) -> list[str]:
    clouds = cast(Mapping[str, Cloud], {"aws": account})
    return recover(cast(Engine, engine), paths, Processes(paths.run, paths.logs), "world", lambda: clouds)


def test_only_what_a_killed_create_made_and_the_state_does_not_know_is_removed(paths: SandboxPaths) -> None:
    account = Account(
        CloudObject(type="vpc", id="vpc-known", made_by=VPC),
        CloudObject(type="subnet", id="subnet-lost", made_by=SUBNET),
        CloudObject(type="subnet", id="subnet-known", made_by=SUBNET),
        CloudObject(type="volume", id="vol-1", made_by="kubernetes/ebs.csi.aws.com default/data"),
    )
    engine = StoppedEngine([], [SUBNET], [{"urn": VPC, "id": "vpc-known"}, {"urn": SUBNET, "id": "subnet-known"}])
    said = run(engine, paths, account)
    assert [item.id for item in account.left] == ["vpc-known", "subnet-known", "vol-1"]
    assert engine.calls == ["forget"]
    assert "1 half-made" in said[0]


def test_a_healthy_sandbox_is_left_alone(paths: SandboxPaths) -> None:
    engine = StoppedEngine([], [], [])
    assert run(engine, paths, Account(CloudObject(type="vpc", id="vpc-1", made_by=VPC))) == []
    assert engine.calls == []


def test_the_lock_of_a_process_that_is_gone_is_removed(paths: SandboxPaths) -> None:
    gone = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True, check=True
    )
    engine = StoppedEngine([{"pid": int(gone.stdout)}], [], [])
    assert "lock was removed" in run(engine, paths, Account())[0]
    assert engine.calls == ["unlock"]


@pytest.mark.parametrize("ours", [True, False])
def test_an_engine_that_outlived_its_parent_is_ended_and_a_users_own_is_not(paths: SandboxPaths, ours: bool) -> None:
    environment = {MARK: str(paths.folder)} if ours else {}
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], env=environment) as child:
        try:
            engine = StoppedEngine([{"pid": child.pid}], [], [])
            if ours:
                run(engine, paths, Account())
                assert not start_time(child.pid)
            else:
                with pytest.raises(SandboxError, match=f"process {child.pid}.*wait for it to end"):
                    run(engine, paths, Account())
                assert engine.calls == [], "a lock that is held in earnest stays"
                assert start_time(child.pid)
        finally:
            child.kill()
