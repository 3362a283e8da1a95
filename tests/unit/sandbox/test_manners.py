"""What a user reads when a command cannot do what was asked for: a sentence with a remedy, never a traceback."""

import errno
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from support.program import ROOT
from typer.testing import CliRunner

from llmplatform_sandbox import controlplane, lifecycle, project, shell
from llmplatform_sandbox.called import called
from llmplatform_sandbox.commands import app
from llmplatform_sandbox.controlplane import PROCESS_NAMES, ControlPlane
from llmplatform_sandbox.endpoints import Endpoints
from llmplatform_sandbox.interfaces import KubeAccess
from llmplatform_sandbox.paths import SandboxPaths, sandbox_paths
from llmplatform_sandbox.plan_tree import plan_outputs, plan_tree
from llmplatform_sandbox.processes import Processes, start_time
from llmplatform_sandbox.progress import ResourceStep
from llmplatform_sandbox.snapshot import Snapshot
from llmplatform_sandbox.toolchain import Toolchain


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("Pulumi.yaml", "Pulumi.dev.yaml", "Pulumi.prod.yaml"):
        (tmp_path / name).write_text((ROOT / name).read_text())
    (tmp_path / "infra").mkdir()
    return tmp_path


@pytest.mark.parametrize("command", [["down"], ["status"], ["fault", "spot-stockout", "g5.2xlarge", "--stack"]])
def test_a_mistyped_stack_names_the_nearest_one_and_leaves_no_folder(folder: Path, command: list[str]) -> None:
    result = CliRunner().invoke(app, [*command, "prodd", "--project", str(folder)])
    assert result.exit_code == 2
    assert "did you mean 'prod'?" in result.stderr
    assert not (folder / ".sandbox").exists(), "a slip of the finger makes no folder"


def test_taking_down_what_was_never_up_is_no_error(folder: Path) -> None:
    result = CliRunner().invoke(app, ["down", "prod", "--project", str(folder)])
    assert (result.exit_code, result.stdout) == (0, "prod: there is no sandbox to destroy\n")


@pytest.mark.parametrize("reached", ["removed", "begun"])
def test_taking_down_what_a_kill_left_of_a_sandbox_deletes_it(folder: Path, reached: str) -> None:
    paths = sandbox_paths(folder, "prod")
    paths.create()
    if reached == "removed":
        paths.folder.rename(paths.remainder)
    else:
        paths.passphrase.rename(paths.folder / ".passphrase.1")
    result = CliRunner().invoke(app, ["down", "prod", "--project", str(folder)])
    assert (result.exit_code, result.stdout) == (0, "prod: there is no sandbox to destroy\n")
    assert list((folder / ".sandbox").iterdir()) == []


def test_a_folder_without_a_passphrase_that_holds_something_is_not_swept_away(folder: Path) -> None:
    paths = sandbox_paths(folder, "prod")
    paths.create()
    paths.passphrase.unlink()
    (paths.clouds / "account.json").write_text("{}")
    paths.sweep()
    assert (paths.clouds / "account.json").exists()


def test_a_status_with_dead_processes_names_them_and_exits_with_1(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = sandbox_paths(folder, "dev")
    paths.create()
    for name in PROCESS_NAMES:
        if name != "kube-scheduler":
            own = f'{{"pid": {os.getpid()}, "started": "{start_time(os.getpid())}"}}'
            (paths.run / f"{name}.pid").write_text(own)
    nothing = Snapshot(nodes=(), pods=(), pending=(), shortages={}, remarks=(), faults=(), outputs={}, objects=0)

    def look(*_: object, **__: object) -> Snapshot:
        return nothing

    monkeypatch.setattr(lifecycle, "take", look)
    result = CliRunner().invoke(app, ["status", "dev", "--project", str(folder)])
    assert result.exit_code == 1, "a script has to see it"
    assert result.stdout.startswith("dev: nothing is applied yet; "), "an empty page is no answer"
    assert "dev: kube-scheduler, world ended; " in result.stderr
    assert "sandbox up dev" in result.stderr


@pytest.mark.parametrize(("number", "words"), [(errno.ENOSPC, "free some space"), (errno.EACCES, "make it writable")])
def test_a_full_or_closed_disk_is_told_in_a_sentence(
    folder: Path, monkeypatch: pytest.MonkeyPatch, number: int, words: str
) -> None:
    def full(self: SandboxPaths) -> None:
        raise OSError(number, os.strerror(number), str(self.folder))

    monkeypatch.setattr(SandboxPaths, "create", full)
    result = CliRunner().invoke(app, ["up", "dev", "--project", str(folder)])
    assert result.exit_code == 1
    assert words in result.stderr
    assert "run the same command again" in result.stderr
    assert "Traceback" not in result.output


def test_a_hint_is_spelled_as_the_command_was_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", [str(ROOT / ".venv" / "bin" / "llmplatform")])
    monkeypatch.setenv("PATH", "")
    monkeypatch.chdir(ROOT)
    assert called() == str(Path(".venv") / "bin" / "llmplatform"), "make puts nothing on PATH"


def step(name: str, type_: str, parent: str = "", op: str = "create") -> ResourceStep:
    return ResourceStep(op=op, type=type_, name=name, urn=f"urn:{name}", state="started", parent=parent)


def test_a_plan_is_grouped_by_component() -> None:
    steps = [
        step("stack", "pulumi:pulumi:Stack"),
        step("network", "llmplatform:aws:Network", "urn:stack"),
        step("cluster", "llmplatform:aws:Cluster", "urn:stack", op="same"),
        step("network-vpc", "aws:ec2/vpc:Vpc", "urn:network"),
        step("cluster-role", "aws:iam/role:Role", "urn:cluster", op="same"),
    ]
    assert plan_tree(steps).splitlines() == [
        "+ stack  pulumi:pulumi:Stack  create",
        "  + network  llmplatform:aws:Network  create",
        "    + network-vpc  aws:ec2/vpc:Vpc  create",
    ], "what belongs together stands together, and what stays as it is is left out"


def test_the_outputs_of_a_plan_are_taken_over_as_the_engine_words_them() -> None:
    outputs = 'Outputs:\n    theirs  : "small"\n    password: [secret]'
    assert (
        plan_outputs(f"Previewing update (dev):\n\n + a b create\n{outputs}\n\nResources:\n    + 7 to create\n")
        == outputs
    )
    assert not plan_outputs("Previewing update (dev):\n\nResources:\n    7 unchanged\n")


def test_pulumi_in_the_shell_of_a_sandbox_reads_the_stack_file_as_it_is_now(folder: Path, tmp_path: Path) -> None:
    paths = sandbox_paths(folder, "dev")
    paths.create()
    project.copy_project(project.read_project(folder), "dev", paths)
    real = tmp_path / "real-pulumi"
    real.write_text("#!/bin/sh\necho ran $1\n")
    real.chmod(0o755)
    access = KubeAccess(server="https://127.0.0.1:1", ca_pem="", kubeconfig=tmp_path / "config")
    values = shell.variables(paths, folder, "dev", Endpoints(pid=1, providers={}), access, real)
    copy = Path(values["PULUMI_OPTION_CONFIG_FILE"])
    run = [str(Path(values["PATH"].split(os.pathsep)[0]) / "pulumi"), "preview"]
    before = copy.stat().st_mtime_ns
    assert subprocess.run(run, capture_output=True, text=True, check=True).stdout == "ran preview\n"
    assert copy.stat().st_mtime_ns == before, "nothing is copied that did not change"
    source = folder / "Pulumi.dev.yaml"
    source.write_text(source.read_text().replace("platform-team", "other-team"))
    assert subprocess.run(run, capture_output=True, text=True, check=True).stdout == "ran preview\n"
    assert "other-team" in copy.read_text(), "the engine plans what the user has just written"
    source.write_text("config: [\n")
    failed = subprocess.run(run, capture_output=True, text=True, check=False)
    assert failed.returncode == 2
    assert "not valid YAML" in failed.stderr


def test_a_port_that_another_program_has_taken_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: set[int] = set()
    stopped: list[str] = []

    def free_ports(count: int, *, preferred: Sequence[int] = ()) -> list[int]:
        wanted = [*preferred, *range(7000, 7000 + count)][:count]
        return [port + 100 if port in taken else port for port in wanted]

    monkeypatch.setattr(controlplane, "free_ports", free_ports)

    def running(_: Processes, name: str) -> bool:
        return name == "etcd"

    def stop(_: ControlPlane) -> None:
        stopped.append("all")

    monkeypatch.setattr(Processes, "running", running)
    monkeypatch.setattr(ControlPlane, "stop", stop)
    paths = SandboxPaths(tmp_path)
    paths.create()
    control_plane = ControlPlane(paths, Toolchain({}, {}))
    first = control_plane.prepare()
    stopped.clear()
    assert control_plane.prepare() == first, "what runs, and what can come back, stays where it is"
    assert not stopped
    taken.add(first.api_port)
    assert control_plane.prepare().api_port != first.api_port, "the API server ended, and its port is another program's"
    assert stopped, "its clients have to learn the new address"
