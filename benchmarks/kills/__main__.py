"""`python -m benchmarks.kills`: many lives, a line for each kill, one JSON document and one table at the end."""

import json
import os
import platform
import shutil
import tempfile
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from random import SystemRandom
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from benchmarks.kills.life import Life, Record

ROOT = Path(__file__).parents[2]
RESULT = Path(__file__).parent / "result.json"
PER_LIFE = 14
"""Kills in one life of a stack."""


def main(
    kills: Annotated[int, typer.Option(help="Kills in all, at least.")] = 200,
    stacks: Annotated[str, typer.Option(help="Stacks, in turn.")] = "dev,dev-ack,prod,prod-ack",
    seed: Annotated[int | None, typer.Option(help="Number from which every moment is drawn.")] = None,
    jobs: Annotated[int, typer.Option(help="Lives at a time.")] = 2,
    result: Annotated[Path, typer.Option(help="Where the result goes; run again to go on from it.")] = RESULT,
) -> None:
    """Kill sandboxes at random moments and check that every one recovers by itself."""
    console = Console(stderr=True, highlight=False)
    done: dict[str, Any] = json.loads(result.read_text()) if result.exists() else {}
    lives: list[dict[str, Any]] = done.get("lives", [])
    drawn = int(done.get("seed", SystemRandom().randrange(10**6) if seed is None else seed))
    document: dict[str, Any] = {
        "seed": drawn,
        "machine": platform.platform(),
        "cores": os.cpu_count(),
        "load": os.getloadavg(),
    }
    document["lives"] = lives
    names, work = stacks.split(","), Path(tempfile.mkdtemp(prefix="kills-"))
    lived = {(each["stack"], each["seed"]) for each in lives}
    with ThreadPoolExecutor(jobs) as pool:
        number, running = 0, dict[Future[Record], Life]()
        try:
            while running or (_killed(lives) < kills and len(lives) < kills):
                while len(running) < jobs and _killed(lives) + PER_LIFE * len(running) < kills:
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
                console.print(
                    f"{_killed(lives)} of {kills} kills; {record.stack} {record.seed}: {record.seconds:.0f} s"
                )
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
    shown = Table(box=None, pad_edge=False)
    for title in ("Stack", "Lives", "Kills", "Runs", "Converged", "Orphans", "Duplicates", "Minutes"):
        shown.add_column(title, justify="left" if title == "Stack" else "right")
    for stack in sorted({each["stack"] for each in lives}):
        ours = [each for each in lives if each["stack"] == stack]
        words = Counter(
            word for each in ours for line in each["problems"] for word in ("orphan", "duplicate") if word in line
        )
        converged = sum(1 for each in ours if not each["problems"])
        shown.add_row(
            stack,
            str(len(ours)),
            str(_killed(ours)),
            str(sum(each["runs"] for each in ours)),
            f"{100 * converged / len(ours):.0f} %",
            str(words["orphan"]),
            str(words["duplicate"]),
            f"{sum(each['seconds'] for each in ours) / 60:.1f}",
        )
    return shown


def _killed(lives: Sequence[dict[str, Any]]) -> int:
    return sum(len(each["kills"]) for each in lives)


if __name__ == "__main__":
    typer.run(main)
