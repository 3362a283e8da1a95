"""`python -m benchmarks run` measures; `python -m benchmarks page` writes what was measured into the documentation."""

import json
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.measure import FULL, QUICK, empty, measure
from benchmarks.revision import revision

RESULT = Path(__file__).parent / "result.json"
app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)


@app.command()
def run(
    quick: Annotated[bool, typer.Option("--quick", help="A few minutes, up to 100 models.")] = False,
    anew: Annotated[bool, typer.Option("--anew", help="Leave out what an earlier run has measured.")] = False,
    out: Annotated[Path, typer.Option(help="File for the measurements.")] = RESULT,
) -> None:
    """Measure all cases, or what an interrupted run of the same revision has left."""
    result = json.loads(out.read_text()) if out.exists() and not anew else empty(revision())
    if result["revision"] != revision():
        typer.echo(f"{out} is of {result['revision']}; measuring {revision()} anew")
        result = empty(revision())

    def keep() -> None:
        out.write_text(json.dumps(result, indent=1) + "\n")

    measure(QUICK if quick else FULL, result, keep, typer.echo)
    typer.echo(f"{result['minutes']:.0f} minutes; written to {out}")


@app.command()
def page(result: Annotated[Path, typer.Option(help="File with the measurements.")] = RESULT) -> None:
    """Write the page and its pictures."""
    from benchmarks.page import write

    write(json.loads(result.read_text()))


if __name__ == "__main__":
    app()
