"""One life of a stack: created, changed, changed back, destroyed, with kills during all of it."""

import json
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import yaml

from benchmarks.kills.by_hand import recovered
from benchmarks.kills.forked import ForkedCommand
from benchmarks.kills.moments import Kill, draw
from benchmarks.kills.verify import settled_differences, unfinished
from llmplatform_sandbox.checkpoint import Checkpoint
from llmplatform_sandbox.killing import KillPlan, strike
from llmplatform_sandbox.lifecycle import Sandbox
from llmplatform_sandbox.processes import end_engines
from llmplatform_sandbox.progress import silent

_HANGS = 300.0
"""Seconds after which a run without a kill counts as hanging."""
_LONELY = 6.0
"""Seconds that a command whose helpers were killed may continue before its user presses Ctrl-C."""
BY_HAND = 0.35
"""Share of the kills of an update after which a user recovers the stack, by `llmplatform recover`."""
PHASES = {"up": 0.4, "change": 0.2, "change back": 0.15, "down": 0.25}
"""Phase of a life → its share of the kills."""
_CHANGES = {"up": 130, "change": 90, "change back": 90, "down": 130}
"""About how many changes a phase makes; known better once the stack is there."""


@dataclass(kw_only=True)
class Record:
    """The results of one life."""

    stack: str
    seed: int
    kills: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    problems: list[str] = field(default_factory=list[str])
    runs: int = 0
    downs: int = 0
    """How often the stack was destroyed completely."""
    inventories: int = 0
    """How often of those the account was seen empty: a kill may come after the look."""
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class _Run:
    code: int
    struck: list[str]
    """The killed processes."""
    output: str

    @property
    def document(self) -> dict[str, Any]:
        """The command's output for programs; empty if it did not come so far."""
        begin, end = self.output.rfind("\n{\n"), self.output.rfind("\n}")
        return json.loads(self.output[begin : end + 2]) if 0 <= begin < end else {}


class Life:
    """A copy of a project in a folder of its own, and one of its stacks: from nothing to nothing, till it is enough."""

    def __init__(
        self,
        root: Path,
        folder: Path,
        stack: str,
        seed: int,
        kills: int,
        said: Callable[[str], None],
        phases: Sequence[str] = tuple(PHASES),
    ) -> None:
        self.folder, self._stack, self._said, self._wanted, self._phases = folder, stack, said, kills, phases
        self._ended = threading.Event()
        self._random = Random(f"{stack}-{seed}")  # noqa: S311 - repeatable, and guards nothing
        self._hands = Random(f"{stack}-{seed}-hands")  # noqa: S311 - the same
        self.record = Record(stack=stack, seed=seed)
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("Pulumi.yaml", f"Pulumi.{stack}.yaml"):
            shutil.copy(root / name, folder)
        shutil.copytree(root / "infra", folder / "infra", ignore=shutil.ignore_patterns("__pycache__"))
        self._file = folder / f"Pulumi.{stack}.yaml"
        self._original = self._file.read_text()
        self._sandbox = Sandbox(folder, stack, silent)

    def run(self) -> Record:
        """Live it to its end, or to the first problem; nothing is left running."""
        began = time.monotonic()
        try:
            while len(self.record.kills) < self._wanted and not self._over():
                for number, phase in enumerate(self._phases):
                    # A phase that ended before its kills were used leaves them to the next.
                    share = PHASES[phase] / sum(PHASES[each] for each in self._phases[number:])
                    self._phase(phase, round((self._wanted - len(self.record.kills)) * share))
                    if self._over():
                        break
        finally:
            if self._sandbox.paths.exists():
                end_engines(self._sandbox.paths)
                self._sandbox.stop()
            self.record.seconds = round(time.monotonic() - began, 1)
        return self.record

    def end(self) -> None:
        """From another thread: stop soon, and leave nothing running."""
        self._ended.set()

    def _over(self) -> bool:
        return bool(self.record.problems) or self._ended.is_set()

    def _phase(self, phase: str, kills: int) -> None:
        if phase == "change":
            self._file.write_text(_changed(self._original))
        elif phase == "change back":
            self._file.write_text(self._original)
        command = "down" if phase == "down" else "up"
        for left in range(kills, 0, -1):
            if command == "down" and not self._sandbox.paths.exists():
                break  # The last kill came too late; a plan would need a state folder, and create one.
            kill = draw(self._random, self._remaining(phase), left)
            run = self._attempt(command, kill)
            if run.struck:
                self.record.kills.append({"phase": phase, **kill.described(), "killed": run.struck, "code": run.code})
                self._said(f"{self._stack} {self.record.seed}: {phase}, {'+'.join(run.struck)} killed")
                if command == "up" and self._hands.random() < BY_HAND:
                    self._by_hand(phase)
            elif not self._over() and run.code != 0:
                self._problem(f"{phase}: failed with no kill", run.output)
            if self._over():
                return
            if not run.struck:
                break
        self._converge(phase, command)

    def _by_hand(self, phase: str) -> None:
        """A user continues with the product's own commands; else the sandbox recovers by itself."""
        typed, left = recovered(self._sandbox)
        self.record.kills[-1]["by_hand"] = typed
        if left:
            self._problem(f"{phase}: llmplatform recover comes to no end", "\n".join(left))
            return
        for line in unfinished(self._sandbox):
            self._problem(f"{phase}: after llmplatform recover: {line}", "")

    def _converge(self, phase: str, command: str) -> None:
        """Without further kills the next run finishes the work, and the one after it changes nothing."""
        run = self._attempt(command, None)
        if self._over():
            return
        if run.code != 0:
            self._problem(f"{phase}: the run after the last kill failed", run.output)
        elif command == "down":
            self.record.downs += 1
            paths = self._sandbox.paths
            left = [each.name for each in (paths.folder, paths.remainder) if each.exists()]
            if left:
                self._problem(f"{phase}: {', '.join(left)} is still there", run.output)
        else:
            for line in settled_differences(self._sandbox):
                self._problem(f"{phase}: {line}", "")
            again = self._attempt("up", None)
            changes = again.document["changes"] if again.code == 0 else again.output
            if set(changes) != {"same"} and not self._ended.is_set():
                self._problem(f"{phase}: a second run changes something: {changes}", again.output)

    def _attempt(self, command: str, kill: Kill | None) -> "_Run":
        self.record.runs += 1
        log = self.folder / "run.log"
        arguments = [command, self._stack, "--project", str(self.folder), "--json"]
        process = ForkedCommand(arguments, log, {"COLUMNS": "200"})
        struck = self._supervised(process, kill) if kill else self._awaited(process)
        text = log.read_text()
        with (self.folder / "all.log").open("a") as everything:
            everything.write(f"--- {command} {kill}: {struck}\n{text}\n")
        run = _Run(code=process.wait() or 0, struck=struck, output=text)
        if command == "down" and run.document:
            # Which process was killed, and when, is the same here: what a run saw in its inventory counts.
            for each in run.document["left_behind"]:
                self._problem(f"down: orphan in the cloud: {each['type']} {each['id']}", "")
            self.record.inventories += not run.document["absent"] and not run.document["left_behind"]
        return run

    def _supervised(self, process: ForkedCommand, kill: Kill) -> list[str]:
        """The processes that were killed during the run."""
        paths, note, began, struck_at = self._sandbox.paths, self.folder / "struck.json", time.monotonic(), 0.0
        note.unlink(missing_ok=True)
        if kill.seconds is None:
            KillPlan(
                change=kill.change,
                moment=kill.moment,
                delay=kill.delay,
                victims=kill.victims,
                group=process.pid,
                note=str(note),
            ).write(paths)
        while process.poll() is None:
            now = time.monotonic()
            if note.exists():
                struck_at = struck_at or now
                if now - struck_at > _LONELY:
                    self._interrupt(process)
            elif kill.seconds is not None and now - began > kill.seconds:
                # Until one of them runs: an engine, for example, needs time to start.
                strike(paths, kill.victims, process.pid, note)
            if now - began > _HANGS or self._ended.is_set():
                self._end(process, "a run that was to be killed")
            time.sleep(0.02)
        KillPlan.clear(paths)
        if "program" not in kill.victims:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        return json.loads(note.read_text()) if note.exists() else []

    def _interrupt(self, process: ForkedCommand) -> None:
        os.killpg(process.pid, signal.SIGINT)
        if process.wait(20) is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _awaited(self, process: ForkedCommand) -> list[str]:
        deadline = time.monotonic() + _HANGS
        while process.poll() is None:
            if self._ended.is_set() or time.monotonic() > deadline:
                self._end(process, "a run without a kill")
            time.sleep(0.05)
        return []

    def _end(self, process: ForkedCommand, what: str) -> None:
        if not self._ended.is_set():
            self._problem(f"{what} hangs for {_HANGS:.0f} s", "")
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def _remaining(self, phase: str) -> int:
        resources = self._checkpoint().resources()
        there = sum(1 for each in resources if each.get("custom") and not each["type"].startswith("pulumi:"))
        if phase == "up":
            return max(5, _CHANGES[phase] - there)
        return there if phase == "down" and there else _CHANGES[phase]

    def _checkpoint(self) -> Checkpoint:
        return Checkpoint(self._sandbox.paths, self._sandbox.project.name, self._stack)

    def _problem(self, text: str, output: str) -> None:
        tail = "\n".join(output.splitlines()[-30:])
        self.record.problems.append(f"{text}\n{tail}" if tail else text)


def _changed(text: str) -> str:
    """The stack file with other tags on everything, other disks for the system's nodes, another pool, no gateway."""
    document = yaml.safe_load(text)
    config: dict[str, Any] = document["config"]
    config["llmplatform:environment"]["owner"] = "another-team"
    pools: dict[str, Any] = config["llmplatform:pools"]
    pools["system"]["disk_gib"] += 10
    # Another model would need GPUs that a production stack may not be allowed to buy.
    pools["one-more"] = {**pools["system"], "min": 1, "max": 1}
    if config["llmplatform:addons"]["cert_manager"]["issuer"]["kind"] != "acme":
        config["llmplatform:addons"].pop("gateway")
    return yaml.safe_dump(document)
