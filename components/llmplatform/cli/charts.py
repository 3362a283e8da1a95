"""`llmplatform charts`: fetch the pinned Helm charts, so that releases install from local archives."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from llmplatform.catalog.versions import CHARTS
from llmplatform.cli.chart_sources import ChartError, fetch
from llmplatform.cli.charts_lock import Lock
from llmplatform.specs import check_stack_file, load_stack
from llmplatform.specs.mirrors import Mirrors

app = typer.Typer(help="The pinned Helm charts.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """The pinned Helm charts."""


@app.command()
def pull(
    stack: Annotated[str | None, typer.Option("--stack", help="Stack whose mirrors to fetch through.")] = None,
    project: Annotated[Path, typer.Option("--project", help="Folder of Pulumi.yaml.")] = Path(),
) -> None:
    """Fetch every pinned chart into `.charts`, and record or check its digest in `charts.lock`.

    Example: `llmplatform charts pull --stack dev`. Charts that are there with the right digest are not fetched again.
    """
    console = Console(stderr=True)
    mirrors = _mirrors(stack, project)
    lock = Lock.read(project / "charts.lock")
    folder = project / ".charts"
    folder.mkdir(exist_ok=True)
    faults: list[str] = []
    for chart in CHARTS.values():
        archive = folder / f"{chart.name}-{chart.version}.tgz"
        if archive.exists() and lock.holds(chart, archive.read_bytes()):
            console.print(f"  {archive.name} is there")
            continue
        with console.status(f"fetching {chart.name} {chart.version}"):
            try:
                data = fetch(chart, mirrors.chart(chart.repository))
                lock.admit(chart, data)
            except ChartError as error:
                faults.append(str(error))
                continue
        partial = archive.with_suffix(".partial")
        partial.write_bytes(data)
        partial.replace(archive)
        console.print(f"  {archive.name} fetched")
        lock.write()
    for fault in faults:
        typer.echo(fault, err=True)
    if faults:
        raise typer.Exit(1)


def _mirrors(stack: str | None, project: Path) -> Mirrors:
    if stack is None:
        return Mirrors()
    path = project / f"Pulumi.{stack}.yaml"
    problems = check_stack_file(path)
    for problem in problems:
        typer.echo(problem, err=True)
    if problems:
        raise typer.Exit(2)
    return load_stack(path).mirrors
