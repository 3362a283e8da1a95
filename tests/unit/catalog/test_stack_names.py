"""What a user may write where a command wants a stack, and what the command line says of itself."""

import builtins
import json
import os
import shlex
import shutil
import subprocess
from importlib.metadata import EntryPoints
from pathlib import Path
from typing import Any

import pytest
import typer
from support.making import dry_run
from support.program import ROOT
from typer.testing import CliRunner

import llmplatform.cli
from llmplatform.cli import app as root
from llmplatform.cli.app import app
from llmplatform_sandbox.commands import app as sandbox

NO_NAMES = ["../x", "..", "my stack", "a/b", "x" * 101, "a\nb", "infra/Pulumi.dev.yaml"]
SANDBOX = [["up"], ["preview"], ["down"], ["down", "--force"], ["status"], ["env"], ["diff", "--against", "HEAD"]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "checkout"
    found.mkdir()
    (found / "Pulumi.yaml").write_text("name: app\nmain: program\nruntime: python\n")
    return found


def refused(name: str, stderr: str) -> None:
    assert len(stderr.splitlines()) == 1, stderr
    assert "not the name of a stack; write letters" in stderr, name


@pytest.mark.parametrize("name", NO_NAMES)
@pytest.mark.parametrize(
    "command", [*SANDBOX, ["fault", "spot-stockout", "g5.2xlarge", "--stack"], ["up", "dev", "--in"]]
)
def test_the_sandbox_takes_no_path_for_a_stack_and_writes_nothing(folder: Path, command: list[str], name: str) -> None:
    result = CliRunner().invoke(sandbox, [*command, name, "--project", str(folder)])
    assert result.exit_code == 2, result.output
    refused(name, result.stderr)
    assert [path.name for path in folder.parent.rglob("*")] == ["checkout", "Pulumi.yaml"]


@pytest.mark.parametrize("command", ["validate", "use-platform", "recover"])
@pytest.mark.parametrize("name", NO_NAMES[:-1])
def test_the_other_commands_take_none_either(folder: Path, command: str, name: str) -> None:
    result = CliRunner().invoke(app, [command, name, "--project", str(folder)], input="{}")
    assert result.exit_code == 2, result.output
    refused(name, result.stderr)


@pytest.mark.parametrize("command", [["up"], ["env"]])
def test_without_a_stack_file_nothing_is_made(folder: Path, command: list[str]) -> None:
    result = CliRunner().invoke(sandbox, [*command, "prod", "--project", str(folder)])
    assert (result.exit_code, len(result.stderr.splitlines())) == (2, 1), result.output
    assert "Pulumi.prod.yaml: no such file" in result.stderr
    assert not (folder / ".sandbox").exists()


def test_a_stack_that_neither_side_of_a_comparison_has_is_wrong_input(folder: Path) -> None:
    (folder / "Pulumi.dev.yaml").write_text("config: {}\n")
    identity = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    for command in (["init", "--quiet"], ["add", "--all"], [*identity, "commit", "--quiet", "--message", "one"]):
        subprocess.run(["git", "-C", str(folder), *command], check=True)
    result = CliRunner().invoke(sandbox, ["diff", "prod", "--against", "HEAD", "--project", str(folder)])
    assert result.exit_code == 2, result.output
    assert "Pulumi.prod.yaml: no such file; write it, or name one of the stacks dev" in result.stderr


def test_without_a_program_nothing_is_made(folder: Path) -> None:
    (folder / "Pulumi.dev.yaml").write_text("config: {}\n")
    result = CliRunner().invoke(sandbox, ["up", "dev", "--project", str(folder)])
    assert (result.exit_code, len(result.stderr.splitlines())) == (2, 1), result.output
    assert "there is no program; correct `main` in" in result.stderr
    assert not (folder / ".sandbox").exists()


def test_the_name_of_the_file_is_as_good_as_that_of_the_stack(folder: Path) -> None:
    (folder / "Pulumi.dev.yaml").write_text("config: {}\n")
    result = CliRunner().invoke(sandbox, ["down", "Pulumi.dev.yaml", "--project", str(folder)])
    assert (result.exit_code, result.stdout) == (0, "dev: there is no sandbox to destroy\n"), result.output


def test_the_version_is_printed_without_a_command() -> None:
    result = CliRunner().invoke(app, ["--version"])
    assert result.exit_code == 0, result.output
    assert result.stdout.split(".")[0].isdecimal()
    assert ROOT.joinpath("components/pyproject.toml").read_text().count(f'version = "{result.stdout.strip()}"') == 1


def test_without_the_sandbox_its_commands_say_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(root, "app", typer.Typer())
    monkeypatch.setattr(root, "entry_points", lambda **_: EntryPoints(()))  # pyright: ignore[reportUnknownLambdaType]
    root.app.command("validate")(lambda: None)
    monkeypatch.setattr("sys.argv", ["llmplatform", "sandbox", "up", "dev", "--json"])
    with pytest.raises(SystemExit) as ended:
        root.main()
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said == "sandbox: it is another distribution; install the folder `sandbox` of the repository\n"


@pytest.mark.parametrize("command", ["up", "preview", "diff", "down", "status", "env", "fault", "tools"])
def test_the_help_of_each_command_of_the_sandbox_has_an_example(command: str) -> None:
    assert "Example" in CliRunner().invoke(sandbox, [command, "--help"]).stdout


def test_nothing_to_take_down_is_said_to_programs_too(folder: Path) -> None:
    (folder / "Pulumi.dev.yaml").write_text("config: {}\n")
    result = CliRunner().invoke(sandbox, ["down", "dev", "--json", "--project", str(folder)])
    assert json.loads(result.stdout) == {"absent": True, "changes": {}, "kept": [], "left_behind": []}


@pytest.mark.parametrize("target", ["preview", "sandbox", "status", "sandbox-down", "diff"])
def test_make_takes_no_empty_stack_for_the_default_one(target: str) -> None:
    words = shlex.split(dry_run(["-o", ".venv/.ready", target, "STACK="]).splitlines()[-1])
    result = CliRunner().invoke(sandbox, words[words.index("sandbox") + 1 :])
    assert result.exit_code == 2
    refused("", result.stderr)


def test_a_python_that_is_not_there_is_told_in_a_line() -> None:
    result = subprocess.run(
        [ROOT / "scripts" / "install.sh"],
        env={**os.environ, "PYTHON": "/usr/bin/nopython"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == "/usr/bin/nopython: no such program; set PYTHON to Python 3.11 or newer\n"


def test_an_environment_that_another_python_was_laid_over_is_made_anew(tmp_path: Path) -> None:
    """`pulumi install` runs `python3 -m venv .venv` over it: the interpreter starts, and modules of it are missing."""
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    python, made = tmp_path / ".venv" / "bin" / "python", tmp_path / "python"
    python.write_text("#!/bin/sh\necho \"No module named 'binascii'\" >&2\nexit 1\n")
    made.write_text('#!/bin/sh\n[ "$1" = -m ] && mkdir -p .venv/bin && printf "#!/bin/sh\\n" > .venv/bin/python\n'
                    "chmod +x .venv/bin/python 2>/dev/null; exit 0\n")  # fmt: skip
    python.chmod(0o755)
    made.chmod(0o755)
    environment = {"PATH": "/usr/bin:/bin", "PYTHON": str(made)}
    result = subprocess.run(
        [tmp_path / "scripts" / "install.sh"], env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert "The Python in .venv is broken: removing .venv\n" in result.stdout
    assert (tmp_path / ".venv" / ".ready").exists()
    assert "binascii" not in python.read_text()


def test_a_damaged_python_is_told_apart_from_a_missing_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        real = builtins.__import__

        def load(module: str, *rest: Any) -> Any:
            if module == "llmplatform.cli" and rest[2] == ("app",):
                raise ModuleNotFoundError(f"No module named '{name}'", name=name)
            return real(module, *rest)

        monkeypatch.setattr(builtins, "__import__", load)
        with pytest.raises(SystemExit) as ended:
            llmplatform.cli.main()
        monkeypatch.setattr(builtins, "__import__", real)
        return str(ended.value)

    assert missing("_csv").startswith("_csv is missing, a part of Python itself: ")
    assert missing("rich").startswith("rich is missing: the command line is the extra `cli`")
