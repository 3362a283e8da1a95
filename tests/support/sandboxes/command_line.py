"""The command line, run in this process: what a process of its own would import costs more than most commands do."""

from dataclasses import dataclass

from typer.testing import CliRunner

from llmplatform_sandbox.commands import app


@dataclass(frozen=True)
class Said:
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


def sandbox(*arguments: str) -> Said:
    """`llmplatform sandbox …`. An error that would be a traceback is raised."""
    result = CliRunner().invoke(app, arguments)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Said(result.exit_code, result.stdout, result.stderr)


def succeeded(*arguments: str, code: int = 0) -> Said:
    """A command that ends with `code`."""
    said = sandbox(*arguments)
    assert said.returncode == code, said.stdout + said.stderr
    return said
