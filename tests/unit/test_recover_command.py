"""`llmplatform recover`, with a stand-in for the Pulumi CLI that keeps a state and notes what it is told to do."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from llmplatform.catalog.tags import ENVIRONMENT_TAG
from llmplatform.cli.app import app
from llmplatform.recovery import state

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


def dead() -> int:
    return int(subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True,
                              check=True).stdout)  # fmt: skip


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


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pulumi:
    script = tmp_path / "pulumi"
    script.write_text(STAND_IN.format(python=sys.executable))
    script.chmod(0o755)
    (tmp_path / "Pulumi.yaml").write_text("name: app\n")
    monkeypatch.setattr("llmplatform.recovery.locks.sees_all_processes", lambda: True)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    return Pulumi(tmp_path)


def test_an_interrupted_create_is_adopted_and_read(pulumi: Pulumi) -> None:
    pulumi.keep(PENDING)
    said = pulumi.recover("--yes")
    assert "models/web" in said
    assert [each["id"] for each in pulumi.added()] == ["models/web"]
    assert not state.unread(pulumi.state()), "the refresh has read it"
    assert pulumi.calls() == ["stack export", "stack export", "stack import", "refresh --yes", "stack export"]


def test_the_refresh_which_may_last_minutes_is_followed_on_standard_error(pulumi: Pulumi) -> None:
    pulumi.keep(PENDING)
    command = ["recover", "dev", "--project", str(pulumi.folder), "--json", "--yes"]
    result = CliRunner().invoke(app, command)
    assert result.stderr.splitlines()[0] == "Reading 1 resources …"
    assert "web refreshing (0s)" in result.stderr
    assert json.loads(result.stdout)["written"], "the document is alone on standard output"


@pytest.mark.parametrize(("options", "given"), [(["--dry-run"], ""), ([], "n\n")])
def test_nothing_is_written_without_consent(pulumi: Pulumi, options: list[str], given: str) -> None:
    pulumi.keep(PENDING)
    assert "Nothing was written" in pulumi.recover(*options, given=given)
    assert pulumi.calls() == ["stack export"]


def test_for_programs_there_is_one_document_and_no_question(pulumi: Pulumi) -> None:
    pulumi.keep(PENDING)
    asked = pulumi.document()
    assert not asked["written"], "nobody was there to consent"
    assert pulumi.calls() == ["stack export"]
    done = pulumi.document("--yes")
    [create] = done["creates"]
    assert (done["written"], create["action"], create["id"]) == (True, "adopt", "models/web")


def test_for_programs_what_stops_everything_is_in_the_document_too(pulumi: Pulumi) -> None:
    unknown = {**PENDING["resource"], "type": "gcp:storage/bucket:Bucket"}  # type: ignore[dict-item]
    pulumi.keep({"type": "creating", "resource": unknown})
    command = ["recover", "dev", "--project", str(pulumi.folder), "--json", "--yes"]
    result = CliRunner().invoke(app, command)
    document = json.loads(result.stdout)
    assert (result.exit_code, document["written"], document["creates"][0]["action"]) == (1, False, "refuse")
    assert "nothing was written" in result.stderr


def test_what_was_written_before_something_failed_is_said(pulumi: Pulumi) -> None:
    pulumi.keep(PENDING)
    (pulumi.folder / "unreachable").touch()
    said = pulumi.recover("--yes", code=1)
    assert "the cluster does not answer; what was found is in the state" in said
    assert state.unread(pulumi.state()) == [URN], "until a refresh has read it"
    (pulumi.folder / "unreachable").unlink()
    assert "agree again" in pulumi.recover("--yes"), "the next run reads what was adopted"


def test_what_only_a_person_can_decide_stops_everything(pulumi: Pulumi) -> None:
    unknown = {**PENDING["resource"], "type": "gcp:storage/bucket:Bucket"}  # type: ignore[dict-item]
    pulumi.keep(PENDING, {"type": "creating", "resource": unknown})
    assert "nothing was written" in pulumi.recover("--yes", code=1)
    assert pulumi.calls() == ["stack export"]


def test_what_a_person_has_looked_up_is_written(pulumi: Pulumi) -> None:
    unknown = {**PENDING["resource"], "type": "gcp:storage/bucket:Bucket"}  # type: ignore[dict-item]
    pulumi.keep({"type": "creating", "resource": unknown})
    assert "--adopt other" in pulumi.recover("--yes", "--adopt", "other=b-1", code=2)
    pulumi.recover("--yes", "--adopt", "web=b-1")
    assert [each["id"] for each in pulumi.added()] == ["b-1"]


def test_what_a_person_has_not_found_is_forgotten(pulumi: Pulumi) -> None:
    unknown = {**PENDING["resource"], "type": "gcp:storage/bucket:Bucket"}  # type: ignore[dict-item]
    pulumi.keep({"type": "creating", "resource": unknown})
    pulumi.recover("--yes", "--forget", "web")
    assert not pulumi.added(), "the next update makes it"
    assert not pulumi.state().get("pending_operations")


@pytest.mark.parametrize("options", [[], ["--yes"]], ids=["asked", "consented"])
def test_a_healthy_stack_is_left_alone(pulumi: Pulumi, options: list[str]) -> None:
    pulumi.keep()
    assert "no operation was interrupted" in pulumi.recover(*options)
    assert pulumi.calls() == ["stack export"], "consent does not change what is to be done"


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


def test_what_is_still_being_made_is_read_again_by_the_next_run(pulumi: Pulumi) -> None:
    group = "urn:pulumi:dev::app::aws:eks/nodeGroup:NodeGroup::gpu"
    adopted = {
        "urn": group,
        "type": group.split("::")[2],
        "custom": True,
        "id": "llm:gpu",
        "initErrors": [state.UNREAD],
    }
    document = {"version": 3, "deployment": {"resources": [*OWN, adopted]}}
    (pulumi.folder / "state.json").write_text(json.dumps(document))
    read = pulumi.folder / "read.json"
    read.write_text('{"status": "CREATING", "resources": []}')
    said = pulumi.recover("--yes", code=1)
    assert (
        "gpu is still being made: its status is CREATING; run `llmplatform recover dev` again when it is ACTIVE" in said
    )
    assert "agree again" not in said
    assert state.unread(pulumi.state()) == [group], "an update would keep outputs without a scaling group"
    assert "still being made" in pulumi.document("--yes", code=1)["making"][0]
    read.write_text('{"status": "CREATE_FAILED"}')
    assert f"pulumi up --replace '{group}'" in pulumi.recover("--yes", code=1), "waiting would not help"
    (pulumi.folder / "failing").touch()
    read.write_text('{"status": "CREATING"}')
    assert "something else does not answer" in pulumi.recover("--yes", code=1)
    assert state.unread(pulumi.state()) == [group], "it was read before the refresh failed"
    (pulumi.folder / "failing").unlink()
    read.write_text('{"status": "ACTIVE"}')
    assert "agree again" in pulumi.recover("--yes")
    assert not state.unread(pulumi.state())


def test_a_state_that_moved_while_the_question_stood_is_not_overwritten(pulumi: Pulumi) -> None:
    pulumi.keep(PENDING)
    moved = {"version": 3, "deployment": {"resources": [{"urn": URN, "type": "x", "id": "1"}]}}
    (pulumi.folder / "later.json").write_text(json.dumps(moved))
    assert "has changed it meanwhile; nothing was written" in pulumi.recover("--yes", code=1)
    assert pulumi.state() == moved["deployment"]


def test_what_is_adopted_has_what_its_provider_reads_it_by(pulumi: Pulumi, monkeypatch: pytest.MonkeyPatch) -> None:
    class Account:
        def tagged(self, environment: str, resource: str) -> list[str]:
            return [f"arn/{resource.rpartition(' ')[2]}"]

    def opened(*_: object) -> Account:
        return Account()

    monkeypatch.setattr("llmplatform.cli.recover.open_account", opened)
    tags = {"tags": {ENVIRONMENT_TAG: "dev"}, "name": "llm"}
    types = {"vpc": "aws:ec2/vpc:Vpc", "pods": "aws:eks/podIdentityAssociation:PodIdentityAssociation"}
    pulumi.keep(
        *(
            {"type": "creating", "resource": {"urn": f"urn::{name}", "type": each, "custom": True, "inputs": tags}}
            for name, each in types.items()
        )
    )
    pulumi.recover("--yes")
    network, association = (each["outputs"] for each in pulumi.added())
    assert json.loads(network["__meta"]) == {"schema_version": "1"}, "an older one would be upgraded by assumptions"
    assert association["associationId"] == "pods"


def test_a_project_that_is_none_is_wrong_input(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["recover", "dev", "--project", str(tmp_path / "none")])
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "no Pulumi.yaml is there; give the project's folder by --project" in result.stderr


def test_a_stack_that_is_none_is_wrong_input(pulumi: Pulumi) -> None:
    failing = "import sys\nsys.exit(\"error: no stack named 'dev' found\")\n"
    (pulumi.folder / "pulumi").write_text(f"#!{sys.executable}\n{failing}")
    assert "dev: no such stack" in pulumi.recover(code=2)


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


def test_a_missing_pulumi_is_said(pulumi: Pulumi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    result = CliRunner().invoke(app, ["recover", "dev", "--project", str(pulumi.folder)])
    assert result.exit_code == 1
    assert "pulumi: not found; install it" in result.output
