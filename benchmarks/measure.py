"""Runs the compared programs in turn, and keeps every single measurement."""

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.machine import machine
from benchmarks.platforms import ROOT, STACK, write_project
from benchmarks.recording import merge
from benchmarks.worker import Cost, Job, Operation, Program, peak_mib

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Case:
    """A stack (or several alike, one after the other) and what is done with it."""

    models: int
    operation: Operation
    stacks: int = 1
    checkpoints: bool = True
    repetitions: int = 3


QUICK = (
    Case(models=1, operation="preview"),
    Case(models=10, operation="preview"),
    Case(models=100, operation="preview"),
    Case(models=1, operation="up"),
    Case(models=10, operation="up"),
)
FULL = (
    *(Case(models=models, operation="preview") for models in (1, 10, 100, 300, 1000)),
    Case(models=50, operation="preview", stacks=20, repetitions=1),
    *(Case(models=models, operation="up") for models in (1, 10)),
    *(Case(models=models, operation="up", repetitions=1) for models in (50, 100)),
    *(Case(models=models, operation="up", checkpoints=False, repetitions=2) for models in (100, 300)),
    Case(models=1000, operation="up", checkpoints=False, repetitions=1),
    Case(models=50, operation="up", checkpoints=False, stacks=20, repetitions=1),
)


def measure(cases: Sequence[Case], result: dict[str, Any], keep: Callable[[], None], say: Say) -> None:
    """Add missing measurements of all cases to the result, each beside its raw twin; `keep` saves it meanwhile."""
    samples: list[dict[str, Any]] = result["samples"]
    done = {(Case(**{name: each[name] for name in Case.__annotations__}), each["repetition"]) for each in samples}
    # Pairs of one run are closer to each other than repetitions.
    wanted = [
        (case, repetition)
        for repetition in range(max(case.repetitions for case in cases))
        for case in cases
        if repetition < case.repetitions and (case, repetition) not in done
    ]
    with tempfile.TemporaryDirectory(prefix="llmplatform-bench-") as scratch:
        folder = Path(scratch)
        recordings = {models: recorded(folder, models, say) for models in sorted({case.models for case, _ in wanted})}
        for case, repetition in wanted:
            began = time.monotonic()
            # The order alternates.
            pair: list[Program] = ["components", "raw"] if repetition % 2 == 0 else ["raw", "components"]
            measured: list[dict[str, Any]] = []
            for program in pair:
                load = os.getloadavg()[0]
                total = _total([cost(folder, case, program, recordings[case.models]) for _ in range(case.stacks)])
                measured.append({**asdict(case), "repetition": repetition, "program": program, "load": load, **total})
                say(f"{_named(case)} {program}: {total['seconds']:.1f} s, {total['resources']} resources")
            samples.extend(measured)
            result["minutes"] += round((time.monotonic() - began) / 60, 2)
            keep()
        if not result["settings"]:
            result["settings"].extend(_settings(folder, models) for models in (1, 1000))
            keep()


def empty(revision: str) -> dict[str, Any]:
    """A result with nothing measured yet."""
    began = datetime.now(UTC).isoformat(timespec="seconds")
    return {
        "revision": revision,
        "machine": machine(),
        "began": began,
        "minutes": 0.0,
        "samples": list[dict[str, Any]](),
        "settings": list[dict[str, Any]](),
    }


def recorded(folder: Path, models: int, say: Say) -> Path:
    """What the program registers for that many models."""
    target = folder / f"{models}.jsonl"
    parts: dict[Operation, Path] = {"preview": folder / "preview.jsonl", "up": folder / "up.jsonl"}
    for operation, part in parts.items():
        case = Case(models=models, operation=operation, checkpoints=False)
        cost(folder, case, "recorder", part)
    count = merge(parts["preview"], parts["up"], target)
    say(f"{models} models: {count} resources recorded")
    return target


def cost(folder: Path, case: Case, program: Program, recording: Path) -> Cost:
    """One stack of a case by one program; the recorder writes the recording, the others read it."""
    with _stack_folder(folder) as state, _providers(state, None if program == "recorder" else recording) as served:
        ports, provider = served
        job = Job(
            folder=str(state),
            program=program,
            operation=case.operation,
            models=case.models,
            providers=ports,
            recording="" if program == "components" else str(recording),
            checkpoints=case.checkpoints,
        )
        command = [sys.executable, "-m", "benchmarks.worker", json.dumps(asdict(job))]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{_named(case)} {program} failed:\n{done.stderr[-4000:]}")
        return replace(Cost(**json.loads(done.stdout.splitlines()[-1])), providers_mib=peak_mib(provider))


@contextmanager
def _stack_folder(folder: Path) -> Generator[Path]:
    state = Path(tempfile.mkdtemp(dir=folder))
    try:
        yield state
    finally:
        shutil.rmtree(state)


@contextmanager
def _providers(state: Path, recording: Path | None) -> Generator[tuple[dict[str, int], int]]:
    command = [
        sys.executable,
        "-m",
        "benchmarks.providers",
        str(state / "accounts"),
        *([recording] if recording else []),
    ]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        if process.stdout is None or process.stdin is None:
            raise RuntimeError("no pipes")
        yield json.loads(process.stdout.readline()), process.pid
        process.stdin.close()


def _total(costs: Sequence[Cost]) -> dict[str, float]:
    """One after the other: times and resources add up, the peak of memory is the highest."""
    values = [asdict(cost) for cost in costs]
    return {key: (max if key.endswith("_mib") else sum)(value[key] for value in values) for key in values[0]}


def _settings(folder: Path, models: int) -> dict[str, Any]:
    """Seconds of `llmplatform validate` and `llmplatform schema` as whole processes."""
    project = folder / f"settings-{models}"
    project.mkdir()
    write_project(project, ROOT / "infra", models, {})
    found: dict[str, Any] = {"models": models}
    for name, arguments in {"validate": ["validate", STACK], "schema": ["schema"]}.items():
        command = [str(Path(sys.executable).with_name("llmplatform")), *arguments]
        runs = [_run(command, project) for _ in range(5)]
        found[name] = {"seconds": [run[0] for run in runs], "cpu": [run[1] for run in runs]}
    return found


def _run(command: Sequence[str], folder: Path) -> tuple[float, float]:
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    seconds, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _named(case: Case) -> str:
    stacks = f"{case.stacks} stacks of " if case.stacks > 1 else ""
    without = "" if case.checkpoints else " without checkpoints"
    return f"{case.operation} {stacks}{case.models} models{without}"
