"""`python -m benchmarks run` measures; `python -m benchmarks page` writes what was measured into the documentation."""

import json
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.measure import FULL, QUICK, measure

RESULT = Path(__file__).parent / "result.json"
app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)


@app.command()
def run(
    quick: Annotated[bool, typer.Option("--quick", help="A few minutes, up to 100 models.")] = False,
    out: Annotated[Path, typer.Option(help="File for the measurements.")] = RESULT,
) -> None:
    """Measure all cases."""
    result = measure(QUICK if quick else FULL, typer.echo)
    out.write_text(json.dumps(result, indent=1) + "\n")
    typer.echo(f"{result['minutes']} minutes; written to {out}")


@app.command()
def page(result: Annotated[Path, typer.Option(help="File with the measurements.")] = RESULT) -> None:
    """Write the page and its pictures."""
    from benchmarks.page import write

    write(json.loads(result.read_text()))


if __name__ == "__main__":
    app()
