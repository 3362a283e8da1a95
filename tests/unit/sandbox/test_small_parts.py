"""Checkpoint, certificates, program runner, command line: what needs neither engine nor cluster."""

import fcntl
import io
import json
import os
import shlex
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from cryptography import x509
from pulumi.automation.events import DiagnosticEvent, EngineEvent
from rich.console import Console
from typer.testing import CliRunner

from llmplatform_sandbox.called import called
from llmplatform_sandbox.checkpoint import Checkpoint
from llmplatform_sandbox.commands import app
from llmplatform_sandbox.controlplane import KUBERNETES_MINOR, KUBERNETES_MINORS
from llmplatform_sandbox.display import PlainDisplay
from llmplatform_sandbox.errors import SandboxError
from llmplatform_sandbox.lifecycle import Sandbox
from llmplatform_sandbox.loopback import loopback_spared, spare_loopback
from llmplatform_sandbox.newer_minors import PLANNED_MINORS, newer
from llmplatform_sandbox.paths import SandboxPaths
from llmplatform_sandbox.pki import CLIENTS, Pki
from llmplatform_sandbox.processes import Processes
from llmplatform_sandbox.program import program_runner
from llmplatform_sandbox.progress import Output, ResourceStep, ToolWork, silent
from llmplatform_sandbox.recorder import Recorder
from llmplatform_sandbox.recovery import Unclean
from llmplatform_sandbox.report import changes_sentence, print_next_steps
from llmplatform_sandbox.scratch import scratch

SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:x:y"}


def state(folder: Path, latest: dict[str, object]) -> Checkpoint:
    file = folder / "backend" / ".pulumi" / "stacks" / "app" / "dev.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"version": 3, "checkpoint": {"latest": latest}}))
    return Checkpoint(SandboxPaths(folder), "app", "dev")


def test_a_secret_output_is_masked_wherever_it_is_nested(tmp_path: Path) -> None:
    stack = {
        "type": "pulumi:pulumi:Stack",
        "outputs": {"plain": 1, "token": SECRET, "deep": {"list": [SECRET, "seen"]}},
    }
    checkpoint = state(tmp_path, {"resources": [stack]})
    assert checkpoint.outputs() == {"plain": 1, "token": "[secret]", "deep": {"list": ["[secret]", "seen"]}}


def test_a_stack_that_does_not_exist_has_an_empty_state(tmp_path: Path) -> None:
    checkpoint = Checkpoint(SandboxPaths(tmp_path), "app", "dev")
    assert (checkpoint.exists(), checkpoint.outputs(), list(checkpoint.resources())) == (False, {}, [])


def test_every_client_certificate_names_the_user_that_kubernetes_expects(tmp_path: Path) -> None:
    pki = Pki(tmp_path / "pki")
    pki.create()
    pki.write_kubeconfigs("https://127.0.0.1:1")
    authority = x509.load_pem_x509_certificate(pki.certificate("ca").read_bytes())
    for client, (user, _) in CLIENTS.items():
        certificate = x509.load_pem_x509_certificate(pki.certificate(client).read_bytes())
        certificate.verify_directly_issued_by(authority)
        assert user in certificate.subject.rfc4514_string()
    for file in pki.folder.iterdir():
        if file.suffix != ".crt":
            assert file.stat().st_mode & 0o077 == 0, f"{file.name} holds a key, or leads to one"


def test_a_program_sees_fresh_modules_in_every_run(tmp_path: Path) -> None:
    (tmp_path / "counted_once.py").write_text("RUNS = []\n")
    (tmp_path / "__main__.py").write_text(
        "import pathlib\nimport counted_once\ncounted_once.RUNS.append(1)\n"
        "log = pathlib.Path(__file__).with_name('log')\nlog.write_text(str(len(counted_once.RUNS)))\n"
    )
    run = program_runner(tmp_path)
    run()
    (tmp_path / "log").unlink()
    run()
    assert (tmp_path / "log").read_text() == "1", "a module's state must not leak from one run into the next"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"same": 120}, "No changes (120 resources)"),
        ({"create": 3, "same": 2, "delete": 1}, "Resources: 3 created, 1 deleted"),
    ],
)
def test_the_last_line_says_what_changed(changes: dict[str, int], sentence: str) -> None:
    assert changes_sentence(changes) == sentence


def test_plain_progress_names_the_tool_that_is_built_and_what_failed_and_not_what_stayed() -> None:
    sink = io.StringIO()
    show = PlainDisplay(Console(file=sink, width=200))
    for seconds in (0.0, 5.0, 10.0, 35.0):
        show(ToolWork(doing="build", tool="kwok", version="v1", seconds=seconds))
    step = {"type": "aws:ec2/vpc:Vpc", "urn": "u", "seconds": 1.0}
    show(ResourceStep(op="same", name="quiet", state="done", **step))  # pyright: ignore[reportArgumentType]
    show(ResourceStep(op="create", name="loud", state="failed", **step))  # pyright: ignore[reportArgumentType]
    show(Output(text="[not markup]", severity="error"))
    lines = sink.getvalue().splitlines()
    assert [line for line in lines if "kwok" in line][1].endswith("35 s"), "a log gets a line every half minute"
    assert not any("quiet" in line for line in lines)
    assert any("loud: failed" in line for line in lines)
    assert "[not markup]" in lines, "text of others is never read as markup"


@pytest.mark.parametrize("command", ["up", "preview", "env"])
def test_a_wrong_stack_file_ends_with_all_its_errors_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: app\nruntime: python\n")
    (tmp_path / "Pulumi.dev.yaml").write_text("config:\n  llmplatform:pools: {}\n")
    errors = ["pools: empty; write a pool", "models.a.pool: no such pool; write one of …"]
    monkeypatch.setattr("llmplatform.checks.check_stack_file", lambda _path: errors)
    result = CliRunner().invoke(app, [command, "dev", "--project", str(tmp_path)])
    assert result.exit_code == 2
    assert result.stderr.splitlines() == errors
    assert not (tmp_path / ".sandbox").exists(), "nothing is created when a setting is wrong"


@pytest.mark.parametrize("command", [["status", "dev"], ["fault", "spot-stockout", "g5.xlarge"]])
def test_asking_about_a_sandbox_that_is_not_there_says_how_to_make_one(tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: app\nruntime: python\n")
    (tmp_path / "Pulumi.dev.yaml").touch()
    result = CliRunner().invoke(app, [*command, "--project", str(tmp_path)])
    assert result.exit_code == 1
    assert "run `llmplatform sandbox up dev`" in result.stderr
    assert not (tmp_path / ".sandbox").exists()


def test_a_run_that_was_killed_is_told_from_one_at_work_and_from_none(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: app\nruntime: python\n")
    sandbox = Sandbox(tmp_path, "dev", silent)
    sandbox.paths.create()
    assert not sandbox.unfinished(), "it came to its end"
    Unclean(sandbox.paths).set()
    assert sandbox.unfinished()
    said = CliRunner().invoke(app, ["status", "dev", "--project", str(tmp_path)]).stderr
    assert "the last run did not finish; `llmplatform sandbox up dev` continues it" in said
    with (sandbox.paths.run / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert not sandbox.unfinished(), "a run is at work"


def test_a_state_folder_whose_removal_is_killed_is_gone_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = SandboxPaths(tmp_path / ".sandbox" / "dev")
    paths.create()
    with monkeypatch.context() as patch:
        patch.setattr("llmplatform_sandbox.paths.shutil.rmtree", lambda *_, **__: None)
        paths.remove()
    assert not paths.exists(), "half a state, with a passphrase or without, would be in the way of the next run"
    paths.create()
    assert [path.name for path in paths.folder.parent.iterdir()] == ["dev"], "the next run deletes the rest"


def test_loopback_is_reached_without_a_proxy_whatever_else_is() -> None:
    environment = {"https_proxy": "http://proxy:3128", "no_proxy": "localhost, .example.org", "no_grpc_proxy": "a"}
    spare_loopback(environment)
    assert environment == {
        "https_proxy": "http://proxy:3128",
        "no_proxy": "localhost,.example.org,127.0.0.1",
        "NO_PROXY": "127.0.0.1,localhost",
        "no_grpc_proxy": "a,127.0.0.1,localhost",
    }, "gRPC reads no_grpc_proxy instead of no_proxy where it is set"


def test_the_environment_is_the_users_own_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "localhost")
    monkeypatch.delenv("NO_PROXY", raising=False)
    with loopback_spared():
        assert os.environ["NO_PROXY"] == "127.0.0.1,localhost"
    assert (os.environ["no_proxy"], os.environ.get("NO_PROXY")) == ("localhost", None)


def test_a_command_that_is_proposed_can_be_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "my folder" / "llmplatform")])
    assert shlex.split(called()) == ["my folder/llmplatform"]
    console = Console(file=io.StringIO(), width=200)
    print_next_steps(console, "dev", tmp_path / "a b")
    assert f"'my folder/llmplatform' sandbox status dev --project '{tmp_path / 'a b'}'" in console.file.getvalue()  # type: ignore[attr-defined]


def test_a_minor_that_only_the_clouds_have_is_planned_and_said_to_be_so(tmp_path: Path) -> None:
    assert set(PLANNED_MINORS) >= set(KUBERNETES_MINORS)
    file = tmp_path / "Pulumi.dev.yaml"
    for version, said in {"1.36": True, KUBERNETES_MINOR: False, "[]": False}.items():
        file.write_text(f"config:\n  llmplatform:cluster:\n    kubernetes_version: '{version}'\n")
        assert newer(file).startswith(f"Kubernetes {version}: planned") == said
    file.write_text("config: {}\n")
    assert newer(file) == ""


@pytest.mark.parametrize("text", ["", '{"version": 3, "checkpo', "[]", '{"checkpoint": null}'])
def test_a_state_that_was_cut_off_is_named_with_what_helps(tmp_path: Path, text: str) -> None:
    checkpoint = state(tmp_path / ".sandbox" / "dev", {})
    (file,) = tmp_path.rglob("dev.json")
    file.write_text(text)
    with pytest.raises(SandboxError, match=f"{file}: missing or damaged; `llmplatform sandbox down dev --force`"):
        checkpoint.resources()


def test_an_error_that_the_language_host_repeats_in_its_own_name_is_told_once() -> None:
    told: list[str] = []
    recorder = Recorder(lambda event: told.append(event.text) if isinstance(event, Output) else None)
    for message in ("error: a: wrong", "error: an unhandled error occurred: a: wrong", "error: b: wrong"):
        recorder(EngineEvent(0, 0, diagnostic_event=DiagnosticEvent(message=message, color="never", severity="error")))
    assert told == ["error: a: wrong", "error: b: wrong"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_command_that_is_asked_to_end_leaves_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    # The caller of the tests may have told them to ignore it, as `nohup` does.
    before = signal.signal(number, signal.SIG_DFL)

    def preview() -> None:
        with scratch("llmplatform-preview-"):
            assert list(tmp_path.iterdir())
            os.kill(os.getpid(), number)
            time.sleep(5)

    try:
        with pytest.raises(KeyboardInterrupt):
            preview()
    finally:
        signal.signal(number, before)
    assert list(tmp_path.iterdir()) == []


def test_what_the_caller_lets_a_command_ignore_it_ignores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with scratch("llmplatform-preview-"):
            os.kill(os.getpid(), signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_folder_for_temporary_files_is_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", ".")
    with scratch("llmplatform-preview-") as paths:
        assert paths.folder.is_absolute()
        assert paths.folder.parent == tmp_path.resolve()


def test_a_process_that_ends_on_a_full_disk_is_not_said_to_have_ended_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: SimpleNamespace(free=35 * 2**20))
    said = str(Processes(tmp_path, tmp_path).failed("etcd", "the process ended"))
    assert said == f"etcd: the process ended; {tmp_path}: the disk has 35 MiB left: free some space first"


def test_a_stack_that_moves_to_another_cloud_has_to_be_taken_down_first(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: app\nruntime: python\n")
    (tmp_path / "__main__.py").touch()
    settings = "config:\n  llmplatform:cloud:\n    provider: {}\n"
    (tmp_path / "Pulumi.dev.yaml").write_text(settings.format("alicloud"))
    paths = SandboxPaths(tmp_path / ".sandbox" / "dev")
    paths.create()
    (paths.project / "Pulumi.dev.yaml").write_text(settings.format("aws"))
    state(paths.folder, {"resources": [{"type": "pulumi:pulumi:Stack"}]})
    with pytest.raises(SandboxError) as refused:
        Sandbox(tmp_path, "dev", silent).up()
    assert str(refused.value) == (
        "cloud.provider: alicloud, and the sandbox has dev on aws; run `llmplatform sandbox down dev` first"
    )
    assert settings.format("aws") == (paths.project / "Pulumi.dev.yaml").read_text(), "down works on what was applied"
