"""The program's own modules: few, small, and without a circle. import-linter sees packages only."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

from support.program import ROOT

MODULES = {path.stem: path for path in (ROOT / "infra").glob("*.py")}


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def test_the_programs_modules_import_each_other_without_a_circle() -> None:
    graph = {name: {each for each in imported(path) if each in MODULES} for name, path in MODULES.items()}
    assert list(TopologicalSorter(graph).static_order())[-1] == "__main__"


def test_the_program_stays_a_page_of_contents_and_four_small_files() -> None:
    assert set(MODULES) == {"__main__", "capabilities", "clouds", "providers", "settings"}
    assert sum(len(path.read_text().splitlines()) for path in MODULES.values()) < 450
