"""The benchmark's whole way, once and small: recorded, replayed raw, both measured by the real engine."""

from pathlib import Path

import pytest

from benchmarks.measure import Case, cost, recorded

pytestmark = pytest.mark.sandbox


def test_the_raw_twin_registers_all_that_the_program_does_but_components(tmp_path: Path) -> None:
    said: list[str] = []
    recording = recorded(tmp_path, 1, said.append)
    lines = len(recording.read_text().splitlines())
    assert said == [f"1 models: {lines} resources recorded"]
    for operation in ("preview", "up"):
        case = Case(models=1, operation=operation)
        ours, raw = (cost(tmp_path, case, program, recording) for program in ("components", "raw"))
        # The stack itself is a resource, too.
        assert raw.resources == lines + 1, f"{operation}: the same resources"
        assert ours.resources > raw.resources, f"{operation}: components are resources"
        for each in (ours, raw):
            assert each.program_cpu > 0
            assert each.engine_cpu > 0
            assert min(each.program_mib, each.engine_mib, each.providers_mib) > 10, "a process that was looked at"
