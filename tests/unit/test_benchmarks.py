"""The benchmark's own parts, at a tiny size. What they measure is nobody's test."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

import pulumi
import pulumi_random as random
import pytest
from engine import Engine
from typer.testing import CliRunner

from benchmarks import __main__ as command_line
from benchmarks import measure, page
from benchmarks.platforms import settings
from benchmarks.recording import merge, record, replay
from benchmarks.summary import rows
from benchmarks.worker import Cost
from llmplatform.specs.files import parse

CASE = {"operation": "preview", "models": 1, "stacks": 1, "checkpoints": True, "repetitions": 2}
COST = {"seconds": 2.0, "program_mib": 100.0, "engine_mib": 50.0, "providers_mib": 1.0, "engine_cpu": 0.5, "load": 1.0}

OUTPUTS = {"random:index/randomPassword:RandomPassword": {"result": "secret"}}


@pytest.mark.parametrize("models", [1, 7])
def test_a_measured_stack_has_so_many_models_and_is_valid(models: int) -> None:
    config = settings(models)["config"]
    stack = parse({key.removeprefix("llmplatform:"): value for key, value in config.items()})
    assert len(stack.models) == models


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

            Engine(preview=operation == "preview", outputs={} if operation == "preview" else OUTPUTS).run(recorded)
    merge(folder / "preview", folder / "up", folder / "both")
    return folder / "both"


def _children(engine: Engine) -> dict[str, Any]:
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
    program = Engine(outputs=OUTPUTS).run(_program)
    replayed = Engine(outputs=OUTPUTS).run(lambda: replay(recording))
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
        "processors": 2, "processor": "x", "memory_gib": 4, "system": "Linux", "python": "3.11", "pulumi": "3.272.0"
    }  # fmt: skip
    timed = {"seconds": [0.5, 0.7], "cpu": [0.4, 0.4]}
    result = {
        "machine": machine,
        "began": "2026-11-21T12:00:00+00:00",
        "minutes": 3.0,
        "samples": [ours, raw],
        "settings": [{"models": 1, "validate": timed, "schema": timed}],
    }
    text = page.text(json.loads(json.dumps(result)), list(rows(result["samples"])))
    assert "2026-11-21" in text
    assert "| preview | 1 | 20 | 2.0 | 2.0 | 1.00 | 100 + 50 | 1.00 |" in text
    assert "| `llmplatform validate` | 1 | 0.60 (0.50 to 0.70) | 0.40 |" in text


def test_an_interrupted_run_goes_on_with_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    cost = Cost(seconds=1.0, program_cpu=1.0, engine_cpu=0.5, program_mib=1.0, engine_mib=1.0, resources=3)

    def settings_of(_: Path, models: int) -> dict[str, int]:
        return {"models": models}

    def cost_of(*_: object) -> Cost:
        return cost

    monkeypatch.setattr(measure, "_recorded", cost_of)
    monkeypatch.setattr(measure, "_settings", settings_of)
    monkeypatch.setattr(measure, "_cost", cost_of)
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
