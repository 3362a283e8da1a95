"""What the machine refuses, as the command line says it."""

import errno
import io
import os
import subprocess
import sys

import pytest

from llmplatform.cli.machine import refusals_of_the_machine


class FullDisk(io.StringIO):
    def flush(self) -> None:
        raise OSError(errno.ENOSPC, "no")


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, "free some space"),
        (errno.EROFS, "use a folder that can be written to"),
        (errno.ENOTDIR, "name a folder"),
    ],
)
def test_a_refusal_of_the_machine_is_a_sentence_with_its_file(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, number: int, remedy: str
) -> None:
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    with pytest.raises(SystemExit) as ended, refusals_of_the_machine():
        raise OSError(number, "no", "/some/file")
    assert ended.value.code == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("/some/file: no; ")
    assert remedy in line


def test_output_that_cannot_be_written_fails_the_command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdout", FullDisk())
    with pytest.raises(SystemExit), refusals_of_the_machine():
        print("a plan")
    assert "free some space" in capsys.readouterr().err


def test_a_fault_of_the_program_stays_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    with pytest.raises(FileNotFoundError), refusals_of_the_machine():
        raise FileNotFoundError(errno.ENOENT, "gone")


def test_a_reader_that_has_seen_enough_ends_the_command_without_a_word(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Closed(io.StringIO):
        def flush(self) -> None:
            raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    monkeypatch.setattr(sys, "stdout", Closed())
    with pytest.raises(SystemExit) as ended, refusals_of_the_machine():
        print("a plan")
    assert (ended.value.code, capsys.readouterr().err) == (1, "")


def test_a_closed_output_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    with refusals_of_the_machine():
        pass


SETTLED = "from llmplatform.cli.surroundings import settle; settle()\n"


def _run(program: str, redirections: str = "", **environment: str) -> "subprocess.CompletedProcess[str]":
    command = f'exec "$0" -c "$1" {redirections}'
    return subprocess.run(
        ["sh", "-c", command, sys.executable, SETTLED + program],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_no_file_is_opened_in_place_of_a_closed_standard_stream() -> None:
    ran = _run("import sys; print(open('/dev/null').fileno() > 2); print('x', file=sys.stderr)", "2>&-")
    assert (ran.returncode, ran.stdout) == (0, "True\n")


def test_a_command_has_a_path_where_its_surroundings_have_none() -> None:
    bare = subprocess.run(
        [sys.executable, "-c", SETTLED + "import os; print(os.environ['PATH'])"],
        env={},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (bare.returncode, bare.stdout) == (0, f"{os.defpath}\n")


def test_a_warning_of_a_library_ends_no_command_of_a_shell_that_makes_warnings_errors() -> None:
    program = "import os, warnings; warnings.warn('old', DeprecationWarning); print('PYTHONWARNINGS' in os.environ)"
    ran = _run(program, PYTHONWARNINGS="error")
    assert (ran.returncode, ran.stdout) == (0, "False\n")
