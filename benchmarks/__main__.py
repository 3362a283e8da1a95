"""`python -m benchmarks run` measures; `python -m benchmarks page` writes the results into the documentation."""

import json
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.measure import FULL, QUICK, empty, measure
from benchmarks.revision import revision

_HERE = Path(__file__).parent
RESULT, KILLS = _HERE / "result.json", _HERE / "kills" / "result.json"
PUBLISHED, KILLS_PUBLISHED = _HERE / "published.json", _HERE / "kills" / "published.json"
"""Targets on the pages."""
app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)


@app.command()
def run(
    quick: Annotated[bool, typer.Option("--quick", help="A few minutes, up to 100 models.")] = False,
    anew: Annotated[bool, typer.Option("--anew", help="Leave out what an earlier run has measured.")] = False,
    out: Annotated[Path, typer.Option(help="File for the measurements.")] = RESULT,
) -> None:
    """Measure all cases, or those that an interrupted run of the same revision has left."""
    result = json.loads(out.read_text()) if out.exists() and not anew else empty(revision())
    if result["revision"] != revision():
        typer.echo(f"{out} is of {result['revision']}; measuring {revision()} anew")
        result = empty(revision())

    def keep() -> None:
        out.write_text(json.dumps(result, indent=1) + "\n")

    measure(QUICK if quick else FULL, result, keep, typer.echo)
    typer.echo(f"{result['minutes']:.0f} minutes; written to {out}")


@app.command()
def page() -> None:
    """Write these measurements into the pages and their pictures, and keep them beside the code."""
    from benchmarks import page as costs
    from benchmarks.kills import page as kills

    for measured, kept, write in ((RESULT, PUBLISHED, costs.write), (KILLS, KILLS_PUBLISHED, kills.write)):
        if measured.exists():
            kept.write_text(measured.read_text())
        if kept.exists():
            write(json.loads(kept.read_text()))


if __name__ == "__main__":
    app()
