"""`llmplatform recover`, with a stand-in for the Pulumi CLI that keeps a state and notes what it is told to do."""

import json
import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from llmplatform.cli.app import app
from llmplatform.recovery import state

URN = "urn:pulumi:dev::app::kubernetes:core/v1:Service::web"
PENDING = {
    "type": "creating",
    "resource": {
        "urn": URN,
        "type": "kubernetes:core/v1:Service",
        "custom": True,
        "inputs": {"metadata": {"name": "web", "namespace": "models"}},
    },
}
STAND_IN = """#!{python}
import json, pathlib, sys
here = pathlib.Path(__file__).parent
with (here / "calls").open("a") as calls:
    calls.write(" ".join(sys.argv[1:3]) + "\\n")
lock = here / "lock"
if sys.argv[1:3] == ["stack", "export"]:
    print((here / "state.json").read_text())
elif sys.argv[1] == "cancel":
    lock.unlink()
elif lock.exists():
    print("error: the stack is currently locked by 1 lock(s)\\n  file:///x: created by " + lock.read_text() + " at now",
          file=sys.stderr)
    sys.exit(255)
elif sys.argv[1:3] == ["stack", "import"]:
    (here / "state.json").write_text(sys.stdin.read())
"""


@dataclass
class Pulumi:
    folder: Path

    def keep(self, *pending: dict[str, Any]) -> None:
        (self.folder / "state.json").write_text(
            json.dumps({"version": 3, "deployment": {"resources": [], "pending_operations": list(pending)}})
        )

    def lock(self, owner: str) -> None:
        (self.folder / "lock").write_text(owner)

    def state(self) -> dict[str, Any]:
        return json.loads((self.folder / "state.json").read_text())["deployment"]

    def calls(self) -> list[str]:
        return (self.folder / "calls").read_text().splitlines()

    def recover(self, *options: str, given: str = "", code: int = 0) -> str:
        result = CliRunner().invoke(app, ["recover", "dev", *options], input=given, env={"COLUMNS": "250"})
        assert result.exit_code == code, result.output
        return result.output


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pulumi:
    script = tmp_path / "pulumi"
    script.write_text(STAND_IN.format(python=sys.executable))
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    return Pulumi(tmp_path)


def dead() -> int:
    return int(subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True,
                              check=True).stdout)  # fmt: skip


def test_an_interrupted_create_is_adopted_and_read(pulumi: Pulumi) -> None:
    pulumi.keep(PENDING)
    said = pulumi.recover("--yes")
    assert "models/web" in said
    assert pulumi.state()["resources"][0]["id"] == "models/web"
    assert state.unread(pulumi.state()) == [URN], "until the refresh has read it"
    assert pulumi.calls() == ["stack export", "stack import", "refresh --yes"]


@pytest.mark.parametrize(("options", "given"), [(["--dry-run"], ""), ([], "n\n")])
def test_nothing_is_written_without_consent(pulumi: Pulumi, options: list[str], given: str) -> None:
    pulumi.keep(PENDING)
    assert "Nothing was written" in pulumi.recover(*options, given=given)
    assert pulumi.calls() == ["stack export"]


def test_what_only_a_person_can_decide_stops_everything(pulumi: Pulumi) -> None:
    unknown = {**PENDING["resource"], "type": "gcp:storage/bucket:Bucket"}  # type: ignore[dict-item]
    pulumi.keep(PENDING, {"type": "creating", "resource": unknown})
    assert "nothing was written" in pulumi.recover("--yes", code=1)
    assert pulumi.calls() == ["stack export"]


def test_a_healthy_stack_is_left_alone(pulumi: Pulumi) -> None:
    pulumi.keep()
    assert "no operation was interrupted" in pulumi.recover()
    assert pulumi.calls() == ["stack export"]


def test_the_lock_of_a_dead_process_of_this_machine_is_removed(pulumi: Pulumi) -> None:
    pulumi.keep(PENDING)
    pulumi.lock(f"me@{socket.gethostname()} (pid {dead()})")
    pulumi.recover("--yes")
    assert pulumi.calls() == ["stack export", "stack import", "cancel --yes", "stack import", "refresh --yes"]


@pytest.mark.parametrize(
    "owner",
    [f"me@{socket.gethostname()} (pid {os.getpid()})", "you@elsewhere (pid 1)"],
    ids=["alive here", "elsewhere"],
)
def test_a_lock_that_may_be_held_in_earnest_stays(pulumi: Pulumi, owner: str) -> None:
    pulumi.keep(PENDING)
    pulumi.lock(owner)
    assert "--break-lock" in pulumi.recover("--yes", code=1)
    assert pulumi.state()["pending_operations"] == [PENDING]
    pulumi.recover("--yes", "--break-lock")
    assert "pending_operations" not in pulumi.state()


def test_a_missing_pulumi_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    result = CliRunner().invoke(app, ["recover", "dev"])
    assert result.exit_code == 1
    assert "pulumi: not found; install it" in result.output
