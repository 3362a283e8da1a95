"""`python -m benchmarks.kills`: many lives, a line for each kill, one JSON document and one table at the end."""

import json
import shutil
import tempfile
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from random import SystemRandom
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Column, Table

from benchmarks.kills.life import Life, Record
from benchmarks.kills.summary import TITLES, killed, lines
from benchmarks.machine import machine
from benchmarks.revision import revision

ROOT = Path(__file__).parents[2]
RESULT = Path(__file__).parent / "result.json"
PER_LIFE = 14
"""Kills in one life of a stack."""


def main(
    kills: Annotated[int, typer.Option(help="Kills in all, at least.")] = 200,
    stacks: Annotated[str, typer.Option(help="Stacks, in turn.")] = "dev,dev-ack,prod,prod-ack",
    seed: Annotated[int | None, typer.Option(help="Number from which every moment is drawn.")] = None,
    jobs: Annotated[int, typer.Option(help="Lives at a time.")] = 2,
    result: Annotated[
        Path, typer.Option(help="Where the result goes; the same revision goes on from it, another begins anew.")
    ] = RESULT,
) -> None:
    """Kill sandboxes at random moments and check that every one recovers by itself."""
    console = Console(stderr=True, highlight=False)
    document = earlier(result, seed) or {
        "revision": revision(),
        "seed": SystemRandom().randrange(10**6) if seed is None else seed,
        "machine": machine(),
        "lives": [],
    }
    lives: list[dict[str, Any]] = document["lives"]
    drawn: int = document["seed"]
    names, work = stacks.split(","), Path(tempfile.mkdtemp(prefix="kills-"))
    lived = {(each["stack"], each["seed"]) for each in lives}
    with ThreadPoolExecutor(jobs) as pool:
        number, running = 0, dict[Future[Record], Life]()
        try:
            while running or (killed(lives) < kills and len(lives) < kills):
                while len(running) < jobs and killed(lives) + PER_LIFE * len(running) < kills:
                    stack, number = names[number % len(names)], number + 1
                    if (stack, drawn + number) not in lived:
                        folder = work / f"{stack}-{drawn + number}"
                        life = Life(ROOT, folder, stack, drawn + number, PER_LIFE, console.print)
                        running[pool.submit(life.run)] = life
                finished = next(as_completed(running))
                life, record = running.pop(finished), finished.result()
                lives.append(asdict(record))
                document["date"] = datetime.now(UTC).isoformat(timespec="seconds")
                result.write_text(json.dumps(document, indent=1))
                console.print(f"{killed(lives)} of {kills} kills; {record.stack} {record.seed}: {record.seconds:.0f} s")
                if record.problems:
                    console.print("\n".join(record.problems), style="red")
                    console.print(f"logs: {life.folder}")
                else:
                    shutil.rmtree(life.folder)
        except KeyboardInterrupt:
            for life in running.values():
                life.end()
            console.print("interrupted; the same command goes on with the next life")
            raise typer.Exit(130) from None
    Console().print(table(lives))
    raise typer.Exit(1 if any(each["problems"] for each in lives) else 0)


def table(lives: Sequence[dict[str, Any]]) -> Table:
    """A line for each stack."""
    first, *rest = TITLES
    shown = Table(first, *(Column(title, justify="right") for title in rest), box=None, pad_edge=False)
    for line in lines(lives):
        shown.add_row(*line)
    return shown


def earlier(file: Path, seed: int | None) -> dict[str, Any] | None:
    """What an interrupted run of the same code, and of the seed that is asked for, has come to."""
    document: dict[str, Any] | None = json.loads(file.read_text()) if file.exists() else None
    same = document and document.get("revision") == revision() and seed in (None, document["seed"])
    return document if same else None


if __name__ == "__main__":
    typer.run(main)
