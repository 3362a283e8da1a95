"""Wrong values, as data: each makes a right stack file one that is refused, at the path of the value."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from llmplatform.checks import check, check_stack_file

ROOT = Path(__file__).parents[3]
ROWS = [row for row in yaml.safe_load((Path(__file__).parent / "wrong_values.yaml").read_text("utf-8")) if "set" in row]


def written(row: dict[str, Any], folder: Path) -> Path:
    """The stack file of a row."""
    stack = row.get("stack", "dev")
    folder_of, _, name = stack.rpartition("/")
    right = ROOT / (f"examples/{folder_of}" if folder_of else "") / f"Pulumi.{name}.yaml"
    document = yaml.safe_load(right.read_text(encoding="utf-8"))
    for place, value in row["set"].items():
        section, *steps = place.split(" ")
        parent, key = document["config"], f"llmplatform:{section}"
        for step in steps:
            parent, key = parent.setdefault(key, {}), step
        parent[key] = value
    path = folder / right.name
    path.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    return path


def _cases(*, warned: bool) -> list[Any]:
    return [pytest.param(row, id=f"{row['set']}"[:100]) for row in ROWS if row.get("warned", False) == warned]


@pytest.mark.parametrize("row", _cases(warned=False))
def test_a_wrong_value_is_refused_at_its_path(row: dict[str, Any], tmp_path: Path) -> None:
    lines = check_stack_file(written(row, tmp_path))
    assert lines, f"taken for right, though {row['why']}"
    assert any(line.startswith(row["at"]) for line in lines), f"no line is about {row['at']}: {lines}"


@pytest.mark.parametrize("row", _cases(warned=True))
def test_what_only_harms_is_warned_of_at_its_path(row: dict[str, Any], tmp_path: Path) -> None:
    checked = check(written(row, tmp_path))
    assert not checked.problems, "it may be meant"
    assert row["at"] in {warning.path for warning in checked.warnings}, row["why"]
