"""The command line, run in this process: what a process of its own would import costs more than most commands do."""

from dataclasses import dataclass

import typer
from typer.testing import CliRunner

from llmplatform_sandbox import commands

_LLMPLATFORM = typer.Typer()
_LLMPLATFORM.callback()(lambda: None)
_LLMPLATFORM.add_typer(commands.app, name="sandbox")


@dataclass(frozen=True)
class Said:
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


def llmplatform(*arguments: str, code: int = 0) -> Said:
    """`llmplatform sandbox …`, which ends with `code`. An error that would be a traceback is raised."""
    result = CliRunner().invoke(_LLMPLATFORM, arguments)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    said = Said(result.exit_code, result.stdout, result.stderr)
    assert said.returncode == code, said.stdout + said.stderr
    return said
