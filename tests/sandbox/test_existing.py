"""Objects that exist before a stack: another team's network and cluster, and another stack in the same sandbox."""

import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support import existing_things
from support.program import ROOT
from support.sandboxes.command_line import Said, llmplatform

from llmplatform_sandbox.cloud.account import BEFORE
from llmplatform_sandbox.guests import Host
from llmplatform_sandbox.kube.client import Kube
from llmplatform_sandbox.lifecycle import Sandbox
from llmplatform_sandbox.paths import sandbox_paths
from llmplatform_sandbox.progress import Event, PhaseStarted, silent

pytestmark = pytest.mark.sandbox

SMALL = Path(__file__).parent / "projects" / "small"
READS_THE_HOST = """
host = pulumi.StackReference("organization/small/dev")
pulumi.export("theirs", host.require_output("namespace"))
pulumi.export("their_password", host.require_output("password"))
"""


@dataclass
class Stack:
    """A project folder and one of its stacks."""

    folder: Path
    name: str = "dev"

    def run(self, command: str, *arguments: str, code: int = 0) -> Said:
        return llmplatform("sandbox", command, self.name, *arguments, "--project", str(self.folder), code=code)

    def up(self, *options: str) -> dict[str, Any]:
        return json.loads(self.run("up", "--json", *options).stdout)

    def sandbox(self) -> Sandbox:
        return Sandbox(self.folder, self.name, silent)


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = Stack(tmp_path_factory.mktemp("host") / "small")
    shutil.copytree(SMALL, stack.folder, ignore=shutil.ignore_patterns(".sandbox"))
    stack.up()
    yield stack
    stack.run("down", "--force")


@pytest.fixture(scope="module")
def guest(host: Stack, tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """A second project, which reads the first one's outputs."""
    stack = Stack(tmp_path_factory.mktemp("guest") / "guest")
    shutil.copytree(SMALL, stack.folder, ignore=shutil.ignore_patterns(".sandbox"))
    for file in ("Pulumi.yaml", "Pulumi.dev.yaml", "program/names.py"):
        text = (stack.folder / file).read_text()
        (stack.folder / file).write_text(text.replace("small", "guest"))
    program = stack.folder / "program" / "__main__.py"
    program.write_text(program.read_text() + READS_THE_HOST)
    return stack


def namespaces(stack: Stack) -> set[str]:
    with closing(Kube(stack.sandbox().control_plane().access())) as kube:
        return {
            found["metadata"]["name"]
            for found in kube.list("v1", "Namespace")
            if "deletionTimestamp" not in found["metadata"]
        }


def test_a_preview_of_a_guest_reads_the_outputs_of_its_host_and_starts_nothing(host: Stack, guest: Stack) -> None:
    plan = guest.run("preview", "--in", f"{host.folder}:dev").stdout
    assert 'theirs        : "small"' in plan
    assert "their_password: [secret]" in plan, "what is secret there stays so here"
    assert not (guest.folder / ".sandbox").exists()


def test_a_guest_lives_in_the_cluster_of_its_host(host: Stack, guest: Stack) -> None:
    outputs = guest.up("--in", f"{host.folder}:dev")["outputs"]
    assert (outputs["theirs"], outputs["their_password"]) == ("small", "[secret]")
    assert {"small", "guest"} <= namespaces(host)
    assert set(guest.up()["changes"]) == {"same"}, "the second time it need not be told where it lives"
    assert set(host.up()["changes"]) == {"same"}, "its host has not changed"


def test_a_host_is_not_taken_down_under_its_guest(host: Stack, guest: Stack) -> None:
    refusal = host.run("down", code=1).stderr
    assert f"take them down first: llmplatform sandbox down dev --project {guest.folder}" in refusal
    assert {"small", "guest"} <= namespaces(host)


def test_a_guest_that_goes_takes_only_its_own(host: Stack, guest: Stack) -> None:
    assert "7 resources deleted" in guest.run("down").stdout
    assert namespaces(host) & {"small", "guest"} == {"small"}
    assert not list((guest.folder / ".sandbox").glob("dev*"))
    assert set(host.up()["changes"]) == {"same"}
    assert sandbox_paths(host.folder, "dev").guests.is_dir()
    assert Host(project=host.folder, stack="dev").folder.exists()


@pytest.fixture
def platform(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Stack]:
    """The platform's program in a network and, for AWS, on a cluster that are there already."""
    stack = Stack(tmp_path, request.param)
    shutil.copy(ROOT / "Pulumi.yaml", tmp_path)
    shutil.copytree(ROOT / "infra", tmp_path / "infra", ignore=shutil.ignore_patterns("__pycache__"))
    existing_things.write(tmp_path, stack.name, cluster=True)
    try:
        yield stack
    finally:
        if sandbox_paths(tmp_path, stack.name).exists():
            stack.run("down", "--force")


def theirs(sandbox: Sandbox) -> dict[tuple[str, str], object]:
    """Type and id of everything that was there before → what it was made with."""
    objects = [one for cloud in sandbox.clouds().values() for one in cloud.objects()]
    return {(one.type, one.id): one.inputs for one in objects if one.made_by == BEFORE}


@pytest.mark.parametrize("platform", ["dev", "dev-ack"], indirect=True)
def test_the_platform_comes_up_on_a_network_and_a_cluster_that_exist_and_leaves_them(platform: Stack) -> None:
    made = platform.up()
    assert made["pending"] == []
    states = {pod["state"] for pod in made["pods"]}
    assert states == {"Running", "Completed"}, "the servers, and the Job that fetched their weights"
    assert "qwen3-8b" in str(made["pods"]), "the model runs"
    with closing(Kube(platform.sandbox().control_plane().access())) as kube:
        assert kube.get("v1", "Secret", "alert-receiver", "monitoring"), "the receiver is told when it does not"
    before = theirs(platform.sandbox())
    given = existing_things.SEEDS[platform.name](True)["resources"]
    assert {(each["type"], each["id"]) for each in given} <= set(before)
    objects = [one for cloud in platform.sandbox().clouds().values() for one in cloud.objects()]
    ours = {one.type for one in objects if one.made_by.startswith("urn:")}
    assert not {type_ for type_ in ours if type_.endswith((":Vpc", ":Network", ":Subnet", ":Switch", ":Cluster"))}
    left: list[dict[tuple[str, str], object]] = []

    def heard(event: Event) -> None:
        if isinstance(event, PhaseStarted) and event.phase == "processes":  # The stack is gone, the account not yet.
            left.append(theirs(platform.sandbox()))

    down = Sandbox(platform.folder, platform.name, heard).down()
    assert down.orphans == ()
    assert down.outcome.changes == {"delete": made["changes"]["create"]}, "what it made is gone, and nothing else"
    assert left == [before], "existing objects were changed or deleted"
