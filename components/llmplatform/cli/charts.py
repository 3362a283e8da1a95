"""`llmplatform charts`: fetch the pinned Helm charts, so that releases install from local archives."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from llmplatform.cli.stacks import named, refuse, stack_file

if TYPE_CHECKING:
    from llmplatform.specs.mirrors import Mirrors

app = typer.Typer(help="The pinned Helm charts.", no_args_is_help=True, rich_markup_mode="markdown")


@app.callback()
def group() -> None:
    """The pinned Helm charts."""


@app.command()
def pull(
    stack: Annotated[str | None, typer.Option("--stack", help="Stack whose mirrors to fetch through.")] = None,
    project: Annotated[
        Path, typer.Option("--project", help="Folder of Pulumi.yaml.", show_default="current folder")
    ] = Path(),
) -> None:
    """Fetch every pinned chart into `.charts`, and record or check its digest in `charts.lock`.

    Example: `llmplatform charts pull --stack dev`. Charts with the right digest are not fetched again.
    """
    from llmplatform.catalog.versions import CHARTS
    from llmplatform.cli.chart_sources import ChartError, UnreachableError, fetch
    from llmplatform.cli.charts_lock import Lock
    from llmplatform.cli.machine import console_for

    console = console_for(stderr=True)
    if not (project / "Pulumi.yaml").is_file():
        typer.echo(f"{project / 'Pulumi.yaml'}: there is no such file; name its folder with --project", err=True)
        raise typer.Exit(2)
    try:
        lock = Lock.read(project / "charts.lock")
    except ChartError as fault:
        typer.echo(str(fault), err=True)
        raise typer.Exit(2) from None
    mirrors = _mirrors(stack, project)
    folder = project / ".charts"
    faults: list[ChartError] = []
    try:
        folder.mkdir(exist_ok=True)
        for chart in CHARTS.values():
            archive = folder / chart.archive
            if archive.exists() and lock.holds(chart, archive.read_bytes()):
                console.print(f"  {archive.name} is there")
                continue
            with console.status(f"fetching {chart.name} {chart.version}"):
                try:
                    data = fetch(chart, mirrors.chart(chart.repository))
                    lock.admit(chart, data)
                except ChartError as error:
                    faults.append(error)
                    continue
            partial = archive.with_suffix(".partial")
            partial.write_bytes(data)
            partial.replace(archive)
            lock.write()
            console.print(f"  {archive.name} fetched")
    except OSError as error:
        place = error.filename or folder
        typer.echo(
            f"{place}: cannot be written ({error.strerror}); make room or give the right, and run again", err=True
        )
        raise typer.Exit(1) from None
    away = [fault for fault in faults if isinstance(fault, UnreachableError)]
    for fault in faults:
        typer.echo(str(fault), err=True)
    if away:
        typer.echo(
            f"{len(away)} of {len(CHARTS)} charts could not be fetched; check the network, or set mirrors.charts in "
            "the stack file and pass --stack, and run the same command again: what was fetched stays",
            err=True,
        )
    if faults:
        raise typer.Exit(1)


def _mirrors(stack: str | None, project: Path) -> "Mirrors":
    from llmplatform.checks import load_stack, stack_problems
    from llmplatform.specs.mirrors import Mirrors

    if stack is None:
        return Mirrors()
    path = stack_file(named(stack), project)
    refuse(stack_problems(path))
    return load_stack(path).mirrors
