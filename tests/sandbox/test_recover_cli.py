"""`llmplatform recover` with the real Pulumi CLI, after a kill, on the simulated account in place of a real one."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from llmplatform.catalog.tags import ENVIRONMENT_TAG, RESOURCE_TAG
from llmplatform.cli.app import app
from llmplatform.recovery.survey import Unknown, survey
from llmplatform_sandbox.interfaces import Cloud
from llmplatform_sandbox.killing import KillPlan
from llmplatform_sandbox.lifecycle import Sandbox
from llmplatform_sandbox.progress import silent

pytestmark = pytest.mark.sandbox

PROGRAM = """
import pulumi
import pulumi_aws as aws

from llmplatform.catalog.tags import ENVIRONMENT_TAG, RESOURCE_TAG, resource_tag

account = aws.Provider("aws", region="us-east-1", allowed_account_ids=["111122223333"])


def tagged(type_, name):
    tags = {ENVIRONMENT_TAG: "dev", RESOURCE_TAG: resource_tag(type_, name)}
    return {"tags": tags, "opts": pulumi.ResourceOptions(provider=account)}


vpc = aws.ec2.Vpc("core", cidr_block="10.0.0.0/16", **tagged("aws:ec2/vpc:Vpc", "core"))
for number, zone in enumerate("abc"):
    aws.ec2.Subnet(
        zone,
        vpc_id=vpc.id,
        cidr_block=f"10.0.{number}.0/24",
        availability_zone=f"us-east-1{zone}",
        **tagged("aws:ec2/subnet:Subnet", zone),
    )
"""
NAMES = {"core", "a", "b", "c"}
STILL = 5.0
"""Seconds without a change after which an account has ended what it was asked for; a call takes a moment."""


class Account:
    """The simulated account, asked as a real one is."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def tagged(self, environment: str, resource: str) -> Sequence[str]:
        wanted = {ENVIRONMENT_TAG: environment, RESOURCE_TAG: resource}.items()
        return [f"arn/{each.id}" for each in self._cloud.objects() if wanted <= (each.inputs.get("tags") or {}).items()]

    def found(self, type_: str, inputs: Mapping[str, Any], resource: str) -> Sequence[str]:
        raise Unknown(f"{type_}: nothing looks this up")


class User:
    """A user with a project, the CLI and the variables that `sandbox env` prints."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.sandbox = folder, Sandbox(folder, "dev", silent)
        self._variables = self.sandbox.shell_variables()

    def pulumi(self, *arguments: str, plan: Callable[[int], KillPlan] | None = None) -> tuple[int, str]:
        """Exit code and output. `plan`: of the CLI's process, to kill it by."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PULUMI_")}
        command = [str(self.sandbox.paths.shims / "pulumi"), *arguments, "--non-interactive"]
        environment |= self._variables
        with subprocess.Popen(command, cwd=self.folder, env=environment, stdout=subprocess.PIPE, text=True) as process:
            if plan:
                plan(process.pid).write(self.sandbox.paths)
            output, _ = process.communicate()
        return process.returncode, output

    def recover(self, *options: str, code: int = 0) -> str:
        command = ["recover", "dev", "--project", str(self.folder), *options]
        environment = {"PULUMI_CONFIG_PASSPHRASE": None, "COLUMNS": "250", **self._variables}
        result = CliRunner().invoke(app, command, env=environment)
        assert result.exit_code == code, result.output
        return result.output

    def opened(self, *_: object) -> Account:
        return Account(self.sandbox.clouds()["aws"])

    def made(self) -> Counter[str]:
        """Name of each object that the stack made."""
        every = [each.made_by for each in self.sandbox.clouds()["aws"].objects()]
        return Counter(each.rpartition("::")[2] for each in every if each.startswith("urn:"))

    def settled(self) -> Counter[str]:
        """What the stack made, once the cloud has ended the calls that a killed engine had in flight."""
        made, since = self.made(), time.monotonic()
        while time.monotonic() - since < STILL:
            time.sleep(STILL / 10)
            if (now := self.made()) != made:
                made, since = now, time.monotonic()
        return made

    def files(self) -> dict[Path, bytes]:
        """What the backend keeps."""
        return {path: path.read_bytes() for path in self.sandbox.paths.backend.rglob("*") if path.is_file()}

    def locks(self) -> list[Path]:
        return [path for path in self.files() if "locks" in path.parts]


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[User]:
    small = Path(__file__).parent / "projects" / "small"
    (tmp_path / "Pulumi.yaml").write_text("name: killed\nruntime: python\nmain: program\n")
    shutil.copy(small / "Pulumi.dev.yaml", tmp_path)
    (tmp_path / "program").mkdir()
    (tmp_path / "program" / "__main__.py").write_text(PROGRAM)
    made = User(tmp_path)
    monkeypatch.setattr("llmplatform.recovery.accounts.open_account", made.opened)
    monkeypatch.setattr("llmplatform.recovery.survey.survey", partial(survey, waits=(0.5,)))
    # What runs the tests may be a container, which sees the processes of this test all the same.
    monkeypatch.setattr("llmplatform.recovery.locks.sees_all_processes", lambda: True)
    yield made
    made.sandbox.down(force=True)


def test_after_a_kill_in_the_middle_of_creates_the_next_update_makes_nothing_twice(user: User) -> None:

    def struck(process: int) -> KillPlan:
        note = str(user.folder / "killed.json")
        return KillPlan(change=3, moment="accepted", delay=0, victims=("program",), group=process, note=note)

    code, _ = user.pulumi("up", "--yes", plan=struck)
    assert code == -signal.SIGKILL
    before = user.settled()
    assert len(before) >= 2
    assert user.locks(), "the next update would be refused"

    said = user.recover("--yes")
    assert "lock removed" in said
    assert "take into the state" in said, "something was being made"
    assert not user.locks()
    planned = json.loads(user.pulumi("preview", "--json")[1])["steps"]
    created = {each["urn"].rpartition("::")[2] for each in planned if each["op"] == "create"}
    assert created == NAMES - set(before), "what the account has is in the state, and nothing else"
    assert {each["op"] for each in planned} <= {"create", "same"}

    code, output = user.pulumi("up", "--yes")
    assert code == 0, output
    assert user.made() == dict.fromkeys(NAMES, 1)

    kept = user.files()
    assert "no operation was interrupted" in user.recover("--yes")
    assert user.files() == kept, "to look whether there is a lock writes nothing"
    folder = user.sandbox.paths.backend / ".pulumi" / "locks" / "organization" / "killed" / "dev"
    folder.mkdir(parents=True, exist_ok=True)
    lock = {"pid": 1, "username": "you", "hostname": "elsewhere", "timestamp": "2026-01-01T00:00:00Z"}
    (folder / "left.json").write_text(json.dumps(lock))
    assert "dev: locked by you@elsewhere (process 1); wait for it to end" in user.recover("--yes", code=1)
    assert "dev: lock removed: you@elsewhere (process 1)" in user.recover("--yes", "--break-lock")
    assert user.files() == kept
