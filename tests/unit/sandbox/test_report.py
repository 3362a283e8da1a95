"""What `sandbox up` prints at its end, on a terminal of 100 columns."""

import io
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from llmplatform_sandbox.report import WIDTH, print_next_steps, print_snapshot
from llmplatform_sandbox.snapshot import Snapshot

PLATFORM = {"cloud": {"account_id": "111122223333"}, **{f"part_{number}": "x" * 60 for number in range(8)}}


def printed(outputs: dict[str, Any]) -> list[str]:
    sink = io.StringIO()
    print_snapshot(Console(file=sink, width=WIDTH), Snapshot(outputs=outputs))
    return [line.rstrip() for line in sink.getvalue().splitlines()]


def test_outputs_are_told_entry_by_entry_and_what_is_nested_only_by_how_much_it_is() -> None:
    models = {"chat": "http://chat.models.svc:8000", "embed": "http://embed.models.svc:8000"}
    assert printed({"cluster": "dev", "models": models, "platform": PLATFORM, "zones": ["a", "b"], "none": {}}) == [
        "Output    Value",
        "cluster   dev",
        "models    chat: http://chat.models.svc:8000",
        "          embed: http://embed.models.svc:8000",
        "none      {}",
        "platform  9 values; --json prints them",
        "zones     a",
        "          b",
    ]


def test_an_output_of_many_entries_is_not_a_page_of_its_own() -> None:
    assert printed({"ids": [*range(40)]})[1:] == ["ids     40 values; --json prints them"]


@pytest.mark.parametrize("stack", ["dev", "prod-ack"])
@pytest.mark.parametrize("program", ["llmplatform", ".venv/bin/llmplatform"])
def test_what_to_do_next_fits_the_width_beside_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stack: str, program: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(sys, "argv", [str(tmp_path / program) if "/" in program else "python"])
    sink = io.StringIO()
    print_next_steps(Console(file=sink, width=WIDTH), stack)
    lines = sink.getvalue().splitlines()
    assert f"  {program} sandbox down {stack}  delete everything, and see that nothing is left" in lines
    assert max(map(len, lines)) <= WIDTH


def test_a_command_too_long_for_its_reason_stands_below_it_and_whole(tmp_path: Path) -> None:
    sink = io.StringIO()
    project = tmp_path / ("long" * 20)
    print_next_steps(Console(file=sink, width=WIDTH), "dev", project)
    lines = sink.getvalue().splitlines()
    assert lines[1] == "  # nodes, pods, and why a pod waits"
    assert lines[2].endswith(f" sandbox status dev --project {project}"), "a command that is cut cannot be copied"
