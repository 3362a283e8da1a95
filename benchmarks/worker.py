"""One measured operation in a process of its own: the engine is its child, and the program runs inside it.

`python -m benchmarks.worker JOB` with a `Job` as JSON; prints a `Cost` as JSON.
"""

import json
import os
import resource
import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from pulumi.automation import LocalWorkspace, Stack

from benchmarks.platforms import ROOT, STACK, write_project
from llmplatform_sandbox.checkpoint import Checkpoint
from llmplatform_sandbox.engine import SKIP_CHECKPOINTS, environment
from llmplatform_sandbox.paths import SandboxPaths
from llmplatform_sandbox.program import program_runner
from llmplatform_sandbox.project import copy_project, read_project
from llmplatform_sandbox.toolchain import PULUMI, ensure

Program = Literal["components", "raw", "recorder"]
Operation = Literal["preview", "up"]
PROGRAMS: dict[Program, Path] = {
    "components": ROOT / "infra",
    "raw": ROOT / "benchmarks" / "raw",
    "recorder": ROOT / "benchmarks" / "recorder",
}


@dataclass(frozen=True, kw_only=True)
class Job:
    """What is to be measured."""

    folder: str
    """Empty folder of the stack's state."""
    program: Program
    operation: Operation
    models: int
    providers: dict[str, int]
    """Pulumi package to port."""
    recording: str = ""
    """File that the programs `raw` and `recorder` read or write."""
    checkpoints: bool = True
    """Whether an update writes its state after every step, or only at the end."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What it took. Memory is the peak of one process in MiB."""

    seconds: float
    program_cpu: float
    engine_cpu: float
    program_mib: float
    engine_mib: float
    resources: int
    """Registered, the stack itself counted."""
    providers_mib: float = 0.0
    """Filled in by the caller that started the providers."""


def run(job: Job) -> Cost:
    """Carry out the operation on an empty stack."""
    stack, paths = _stack(job)
    began, own, children = time.monotonic(), _cpu(resource.RUSAGE_SELF), _cpu(resource.RUSAGE_CHILDREN)
    with _EngineMemory() as engine:
        if job.operation == "preview":
            changes = stack.preview(color="never", suppress_progress=True).change_summary
            resources = sum(changes.values())
        else:
            stack.up(color="never", suppress_progress=True)
            resources = 0
    seconds = time.monotonic() - began
    own, children = _cpu(resource.RUSAGE_SELF) - own, _cpu(resource.RUSAGE_CHILDREN) - children
    memory = peak_mib(os.getpid())
    # Counted after the measurement: reading the state takes memory.
    state = Checkpoint(paths, read_project(paths.project).name, STACK)
    return Cost(
        seconds=seconds,
        program_cpu=own,
        engine_cpu=children,
        program_mib=memory,
        engine_mib=engine.mib,
        resources=resources or len(state.resources()),
    )


def peak_mib(pid: int) -> float:
    """The most memory that a process has held so far; 0 when it is gone. Linux counts it for every process."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM:")), 0.0)


def _stack(job: Job) -> tuple[Stack, SandboxPaths]:
    paths = SandboxPaths(Path(job.folder))
    paths.create()
    program = PROGRAMS[job.program]
    source = paths.folder / "source"
    source.mkdir()
    extra = {"benchmark:recording": job.recording} if job.recording else {}
    write_project(source, program, job.models, extra)
    copy_project(read_project(source), STACK, paths)
    os.environ["PATH"] = f"{ensure([PULUMI])['pulumi'].parent}{os.pathsep}{os.environ['PATH']}"
    workspace = LocalWorkspace(
        work_dir=str(paths.project),
        pulumi_home=str(paths.pulumi_home),
        program=program_runner(program),
        env_vars={
            **environment(paths),
            "PULUMI_DEBUG_PROVIDERS": ",".join(f"{package}:{port}" for package, port in job.providers.items()),
            "PULUMI_AUTOMATION_API_SKIP_VERSION_CHECK": "true",
            SKIP_CHECKPOINTS: "true" if job.operation == "preview" or not job.checkpoints else "false",
        },
    )
    return Stack.create(STACK, workspace), paths


class _EngineMemory:
    """Watches the peak of this process's children while the operation runs: it cannot be read afterwards."""

    def __init__(self) -> None:
        self.mib = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "_EngineMemory":
        self._thread.start()
        return self

    def __exit__(self, *error: Any) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(0.05):
            for listing in Path("/proc/self/task").glob("*/children"):
                for child in _read(listing).split():
                    self.mib = max(self.mib, peak_mib(int(child)))


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _cpu(who: int) -> float:
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    """Entry point of the process."""
    for name in [name for name in os.environ if name.startswith("PULUMI_")]:
        del os.environ[name]
    sys.path.insert(0, str(ROOT))
    print(json.dumps(asdict(run(Job(**json.loads(sys.argv[1]))))))


if __name__ == "__main__":
    main()
