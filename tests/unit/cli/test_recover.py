"""`llmplatform recover`, with a stand-in for the Pulumi CLI."""

import json
import sys
from pathlib import Path

import pytest
from support.sandboxes.pulumi_stand_in import OWN, PENDING, URN, Pulumi, installed
from typer.testing import CliRunner

from llmplatform.catalog.tags import ENVIRONMENT_TAG
from llmplatform.cli.app import app
from llmplatform.recovery import state


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pulumi:
    return installed(tmp_path, monkeypatch)


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
    assert not asked["written"], "no user was there to consent"
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
    assert "gpu is not ready: its status is CREATING; run `llmplatform recover dev` again when it is ACTIVE" in said
    assert "agree again" not in said
    assert state.unread(pulumi.state()) == [group], "an update would keep outputs without a scaling group"
    assert "is not ready" in pulumi.document("--yes", code=1)["making"][0]
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

    monkeypatch.setattr("llmplatform.recovery.accounts.open_account", opened)
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


def test_a_missing_pulumi_is_said(pulumi: Pulumi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    result = CliRunner().invoke(app, ["recover", "dev", "--project", str(pulumi.folder)])
    assert result.exit_code == 1
    assert "pulumi: not found; install it" in result.output


@pytest.mark.parametrize("code", [0, 1])
def test_a_program_that_is_called_pulumi_and_is_none_is_named(pulumi: Pulumi, code: int) -> None:
    pulumi.keep(PENDING)
    (pulumi.folder / "pulumi").write_text(f"#!/bin/sh\necho v1.0.0\nexit {code}\n")
    said = pulumi.recover("--yes", code=1)
    command = pulumi.folder / "pulumi"
    assert f"{command}: it does not answer as Pulumi does (v1.0.0); put a working one first on PATH" in said
