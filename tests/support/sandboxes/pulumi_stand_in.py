"""A stand-in for the Pulumi CLI, which keeps a state and notes what it is told to do."""

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from llmplatform.cli.app import app

URN = "urn:pulumi:dev::app::kubernetes:core/v1:Service::web"
CLUSTER = "urn:pulumi:dev::app::aws:eks/cluster:Cluster::cluster"
PROVIDER = "urn:pulumi:dev::app::pulumi:providers:kubernetes::cluster"
PENDING = {
    "type": "creating",
    "resource": {
        "urn": URN,
        "type": "kubernetes:core/v1:Service",
        "custom": True,
        "inputs": {"metadata": {"name": "web", "namespace": "models"}},
        "provider": f"{PROVIDER}::1",
    },
}
OWN = [
    {"urn": CLUSTER, "type": "aws:eks/cluster:Cluster", "id": "llm"},
    {"urn": PROVIDER, "type": "pulumi:providers:kubernetes", "id": "1", "dependencies": [CLUSTER]},
]
STAND_IN = """#!{python}
import json, pathlib, sys
here = pathlib.Path(__file__).parent
with (here / "calls").open("a") as calls:
    calls.write(" ".join(sys.argv[1:3]) + "\\n")
lock = here / "lock"
if sys.argv[1:3] == ["stack", "export"]:
    print((here / "state.json").read_text())
    later = here / "later.json"
    if later.exists():
        later.rename(here / "state.json")
elif sys.argv[1] == "whoami":
    print('{{"user": "me", "url": "file:///x"}}')
elif sys.argv[1] == "cancel":
    lock.unlink()
elif lock.exists():
    print("error: the stack is currently locked by 1 lock(s)", file=sys.stderr)
    for owner in lock.read_text().splitlines():
        print("  file:///x: created by " + owner + " at now", file=sys.stderr)
    sys.exit(255)
elif sys.argv[1:3] == ["stack", "rename"]:
    sys.exit("error: a stack named dev already exists")
elif sys.argv[1] == "refresh" and (here / "unreachable").exists():
    sys.exit("error: the cluster does not answer")
elif sys.argv[1] == "refresh":
    print(" ~  kubernetes:core/v1:Service web refreshing (0s)")
    state = json.loads((here / "state.json").read_text())
    read = here / "read.json"
    for each in state["deployment"]["resources"]:
        each.pop("initErrors", None)
        each["outputs"] = json.loads(read.read_text()) if read.exists() else each.get("outputs")
    (here / "state.json").write_text(json.dumps(state))
    if (here / "failing").exists():
        sys.exit("error: something else does not answer")
elif sys.argv[1:3] == ["stack", "import"]:
    (here / "state.json").write_text(sys.stdin.read())
"""


@dataclass
class Pulumi:
    folder: Path

    def keep(self, *pending: dict[str, Any]) -> None:
        (self.folder / "state.json").write_text(
            json.dumps({"version": 3, "deployment": {"resources": OWN, "pending_operations": list(pending)}})
        )

    def lock(self, owner: str) -> None:
        (self.folder / "lock").write_text(owner)

    def state(self) -> dict[str, Any]:
        return json.loads((self.folder / "state.json").read_text())["deployment"]

    def added(self) -> list[dict[str, Any]]:
        """What was taken into the state."""
        return [each for each in self.state()["resources"] if each["urn"] not in (CLUSTER, PROVIDER)]

    def calls(self) -> list[str]:
        """What the CLI was told to do, past the looks for a lock."""
        calls = (self.folder / "calls").read_text().splitlines()
        return [each for each in calls if each not in ("whoami --json", "stack rename")]

    def recover(self, *options: str, given: str = "", code: int = 0) -> str:
        command = ["recover", "dev", "--project", str(self.folder), *options]
        result = CliRunner().invoke(app, command, input=given, env={"COLUMNS": "250"})
        assert result.exit_code == code, result.output
        return result.output

    def document(self, *options: str, code: int = 0) -> dict[str, Any]:
        """What a program gets, alone on standard output."""
        result = CliRunner().invoke(app, ["recover", "dev", "--project", str(self.folder), "--json", *options])
        assert result.exit_code == code, result.output
        return json.loads(result.stdout)


def installed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Pulumi:
    """The stand-in, first on the path, and a project for it."""
    script = folder / "pulumi"
    script.write_text(STAND_IN.format(python=sys.executable))
    script.chmod(0o755)
    (folder / "Pulumi.yaml").write_text("name: app\n")
    monkeypatch.setattr("llmplatform.recovery.locks.sees_all_processes", lambda: True)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return Pulumi(folder)
