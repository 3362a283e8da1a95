"""The root command. Other distributions add commands by the entry point group `llmplatform.commands`."""

from importlib.metadata import entry_points
from importlib.metadata import version as installed
from typing import Annotated

import typer

from llmplatform.cli import catalog, charts, doctor, platforms, recover, stacks, sweep
from llmplatform.cli.machine import refusals_of_the_machine

app = typer.Typer(
    help="An LLM platform on AWS EKS or Alibaba ACK, from one stack file.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
app.command("validate")(stacks.validate)
app.command("schema")(stacks.schema)
app.command("doctor")(doctor.doctor)
app.command("recover")(recover.recover)
app.command("sweep")(sweep.sweep)
app.command("use-platform")(platforms.use_platform)
app.add_typer(charts.app, name="charts")
app.add_typer(catalog.app, name="catalog")


_ANYTHING = {"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []}


def _no_sandbox() -> None:
    """Explains why the documented command `sandbox` is missing."""
    typer.echo("sandbox: it is another distribution; install the folder `sandbox` of the repository", err=True)
    raise typer.Exit(2)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(installed("llmplatform"))
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version and stop.", is_eager=True, callback=_print_version),
    ] = False,
) -> None:
    """Common options."""


def main() -> None:
    """Entry point of the console command."""
    joined = entry_points(group="llmplatform.commands")
    for point in joined:
        app.add_typer(point.load(), name=point.name)
    if "sandbox" not in joined.names:
        app.command("sandbox", hidden=True, context_settings=_ANYTHING)(_no_sandbox)
    with refusals_of_the_machine():
        app()
