"""Wrong stack files: each is the dev file with a few words replaced, and the exact lines that a user reads."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from llmplatform.specs import check_stack_file
from llmplatform.specs.rules import clusters

DEV = Path(__file__).parents[2] / "Pulumi.dev.yaml"
CASES: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "bad_stack_files.yaml").read_text("utf-8"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_wrong_file_is_told_in_one_line_for_each_mistake(
    case: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clusters, "today", lambda: date(2026, 11, 21))
    text = DEV.read_text(encoding="utf-8")
    for edit in case["edits"]:
        assert text.count(edit["old"]) == 1, f"'{edit['old'].strip()}' must name one place of {DEV.name}"
        text = text.replace(edit["old"], edit["new"])
    path = tmp_path / DEV.name
    path.write_text(text, encoding="utf-8")
    assert check_stack_file(path) == case["lines"], "a user acts on these very words"
