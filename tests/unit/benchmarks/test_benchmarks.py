"""The benchmark's own parts, at a tiny size. What they measure is not tested."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

import pulumi
import pulumi_random as random
import pytest
from typer.testing import CliRunner

from benchmarks import __main__ as command_line
from benchmarks import measure, page, revision
from benchmarks.kills import __main__ as kill_command
from benchmarks.kills import page as kill_page
from benchmarks.kills import summary as kill_summary
from benchmarks.platforms import settings
from benchmarks.recording import merge, record, replay
from benchmarks.summary import rows
from benchmarks.worker import Cost
from llmplatform.checks.files import parse
from llmplatform.testing import RecordingEngine

CASE = {"operation": "preview", "models": 1, "stacks": 1, "checkpoints": True, "repetitions": 2}
COST = {"seconds": 2.0, "program_mib": 100.0, "engine_mib": 50.0, "providers_mib": 1.0, "engine_cpu": 0.5, "load": 1.0}

OUTPUTS = {"random:index/randomPassword:RandomPassword": {"result": "secret"}}


@pytest.mark.parametrize("models", [1, 7, 1000])
def test_a_measured_stack_has_so_many_models_and_is_valid(models: int) -> None:
    config = settings(models)["config"]
    stack = parse({key.removeprefix("llmplatform:"): value for key, value in config.items()})
    assert len(stack.models) == models
    [pool] = {stack.pools[model.pool].max for model in stack.models.values()}
    assert models / 8 <= pool <= 450, "a node group has room for all, and EKS takes it"


def _program() -> None:
    source = random.RandomPassword("source", length=16)
    group = pulumi.ComponentResource("test:index:Group", "group")
    opts = pulumi.ResourceOptions(parent=group, protect=True, depends_on=[source])
    random.RandomId("known", byte_length=3, prefix="plain", opts=opts)
    random.RandomId("computed", byte_length=4, keepers={"of": source.result}, opts=pulumi.ResourceOptions(parent=group))


def _recorded(folder: Path) -> Path:
    for operation in ("preview", "up"):
        with (folder / operation).open("w") as file:

            def recorded(file: TextIO = file) -> None:
                record(file)
                _program()

            RecordingEngine(preview=operation == "preview", outputs={} if operation == "preview" else OUTPUTS).run(
                recorded
            )
    merge(folder / "preview", folder / "up", folder / "both")
    return folder / "both"


def _children(engine: RecordingEngine) -> dict[str, Any]:
    return {
        each.name: (each.type, each.inputs, each.protect, {urn.rsplit("::", 1)[1] for urn in each.dependencies})
        for each in engine.registered
        if each.custom
    }


def test_a_replay_registers_the_same_resources_without_components(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A recorder stays for the rest of its process.
    monkeypatch.setattr(pulumi.CustomResource, "__init__", pulumi.CustomResource.__init__)
    recording = _recorded(tmp_path)
    program = RecordingEngine(outputs=OUTPUTS).run(_program)
    replayed = RecordingEngine(outputs=OUTPUTS).run(lambda: replay(recording))
    assert _children(replayed) == _children(program), "inputs, options and dependencies are those of the program"
    assert all(each.custom for each in replayed.registered), "no component is left"


def test_ratios_are_per_registered_resource() -> None:
    ours = {**CASE, **COST, "program": "components", "program_cpu": 1.5, "resources": 20}
    raw = {**CASE, **COST, "program": "raw", "program_cpu": 0.5, "resources": 10}
    [row] = rows([ours, raw])
    assert (row.cpu.middle, row.raw_cpu.middle) == (2.0, 1.0)
    assert row.time_ratio.middle == 1.0, "twice the time for twice the resources"
    assert row.memory_ratio.middle == 1.0


def test_the_page_says_what_was_measured_and_where() -> None:
    ours = {**CASE, **COST, "program": "components", "program_cpu": 1.5, "resources": 20}
    raw = {**CASE, **COST, "program": "raw", "program_cpu": 0.5, "resources": 10}
    machine = {
        "processors": 2, "processor": "x", "memory_gib": 4, "system": "Linux", "python": "3.11", "pulumi": "3.272.0",
        "engine": "3.276.0",
    }  # fmt: skip
    timed = {"seconds": [0.5, 0.7], "cpu": [0.4, 0.4]}
    result: dict[str, Any] = {
        "machine": machine,
        "began": "2026-11-21T12:00:00+00:00",
        "minutes": 3.0,
        "samples": [ours, raw],
        "settings": [{"models": 1, "validate": timed, "schema": timed}],
    }
    text = page.text(json.loads(json.dumps(result)), list(rows(result["samples"])))
    assert "2026-11-21" in text
    assert "| preview | 1 | 20 | 2.0 | 2.0 | 100.0 | 10 | 1.0 | 1.00 | 100 + 50 | 1.00 |" in text
    assert "target 1.10, met; at most 1.00 (preview, 1 models)" in text
    assert "| `llmplatform validate` | 1 | 0.60 (0.50 to 0.70) | 0.40 |" in text


@pytest.mark.parametrize(("ours", "said"), [(1.1, "met"), (1.11, "**missed**")])
def test_a_target_is_met_or_missed_by_the_worst_case(ours: float, said: str) -> None:
    same = {**CASE, **COST, "program_cpu": 0.5, "resources": 10, "repetition": 0}
    dear = {**same, "operation": "up", "program_cpu": ours - 0.5}
    samples = [{**each, "program": program} for each in (same, dear) for program in ("components", "raw")]
    samples[3] |= {"program_cpu": 0.5}
    [time, _] = page.verdicts(list(rows(samples)))
    assert f"target 1.10, {said}; at most {ours:.2f} (up, 1 models)" in time


LIFE: dict[str, Any] = {
    "stack": "dev", "seed": 7, "problems": [], "runs": 9, "downs": 2, "inventories": 1, "seconds": 90.0,
    "kills": [{"killed": ["engine"]}, {"killed": ["command", "world"]}],
}  # fmt: skip


def test_the_kills_are_summed_up_by_stack() -> None:
    failed = {**LIFE, "stack": "prod", "problems": ["up: orphan in the cloud: x", "up: duplicate in the cloud: y"]}
    dev, prod, both = kill_summary.lines([LIFE, LIFE, failed])
    assert dev == ("dev", "2", "4", "18", "100 %", "0", "0", "2 of 4", "3.0")
    assert prod == ("prod", "1", "2", "9", "0 %", "1", "1", "1 of 2", "1.5")
    assert both[:5] == ("all", "3", "6", "27", "67 %")


def test_the_page_of_the_kills_says_who_was_killed() -> None:
    machine = {"processors": 2, "memory_gib": 4, "system": "Linux"}
    text = kill_page.text(
        {"lives": [LIFE], "machine": machine, "date": "2026-11-28T13:00:00", "revision": "a1", "seed": 7}
    )
    assert "2 kills, 2026-11-28, revision `a1`, seed 7" in text
    assert "engine 1 times, command 1 times, world 1 times" in text
    assert "| dev | 1 | 2 | 9 | 100 % |" in text


def test_only_what_lies_between_the_marks_of_a_page_is_written(tmp_path: Path) -> None:
    file = tmp_path / "page.md"
    file.write_text("before\n<!-- x: start -->\nold\n<!-- x: end -->\nafter\n")
    page.between(file, "x", "new\n")
    assert file.read_text() == "before\n<!-- x: start -->\nnew\n<!-- x: end -->\nafter\n"


def test_two_trees_that_differ_are_not_one_revision(monkeypatch: pytest.MonkeyPatch) -> None:
    def git(*arguments: str) -> str:
        return "abc-dirty\n" if arguments[0] == "describe" else changes

    monkeypatch.setattr(revision, "_git", git)
    changes = "one"
    first = revision.revision()
    changes = "another"
    assert first != revision.revision()


def test_kills_of_other_code_are_not_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kill_command, "revision", lambda: "new")
    file = tmp_path / "result.json"
    file.write_text(json.dumps({"revision": "new", "seed": 7, "lives": [LIFE]}))
    assert kill_command.earlier(file, None)
    assert not kill_command.earlier(file, 8), "other moments were asked for"
    monkeypatch.setattr(kill_command, "revision", lambda: "newer")
    assert not kill_command.earlier(file, None)


def test_an_interrupted_run_goes_on_with_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    cost = Cost(seconds=1.0, program_cpu=1.0, engine_cpu=0.5, program_mib=1.0, engine_mib=1.0, resources=3)

    def settings_of(_: Path, models: int) -> dict[str, int]:
        return {"models": models}

    def cost_of(*_: object) -> Cost:
        return cost

    monkeypatch.setattr(measure, "recorded", cost_of)
    monkeypatch.setattr(measure, "_settings", settings_of)
    monkeypatch.setattr(measure, "cost", cost_of)
    twice = measure.Case(models=1, operation="preview", repetitions=2)
    cases = [twice, measure.Case(models=2, operation="up", stacks=2)]
    result = measure.empty("a")
    kept: list[int] = []

    def interrupted() -> None:
        kept.append(len(result["samples"]))
        if len(kept) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure.measure(cases, result, interrupted, said.append)
    measure.measure(cases, result, lambda: None, said.append)
    counted = Counter((each["models"], each["program"], each["repetition"]) for each in result["samples"])
    assert set(counted.values()) == {1}, "nothing is measured twice"
    assert len(counted) == 2 * (2 + 3)
    assert {each["resources"] for each in result["samples"]} == {3, 6}, "several stacks add up"
    assert [each["models"] for each in result["settings"]] == [1, 1000]


def test_what_was_measured_is_written_where_it_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def measured(cases: object, result: dict[str, Any], keep: Callable[[], None], _say: object) -> None:
        result["minutes"] = 1 if cases is command_line.QUICK else 0
        keep()

    monkeypatch.setattr(command_line, "measure", measured)
    out = tmp_path / "result.json"
    result = CliRunner().invoke(command_line.app, ["run", "--quick", "--out", str(out)])
    assert result.exit_code == 0, result.output
    assert json.loads(out.read_text())["minutes"] == 1
