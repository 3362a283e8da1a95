"""Wrong stack files: each is a dev file with a few words replaced, and the exact lines that a user reads."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from llmplatform.checks import check_stack_file
from llmplatform.checks.rules import clusters
from llmplatform.cli.app import app

ROOT = Path(__file__).parents[2]
FILES = {"Pulumi.dev.yaml": "bad_stack_files.yaml", "Pulumi.dev-ack.yaml": "bad_ack_stack_files.yaml"}
"""Right file to the wrong ones that are made from it."""
CASES = [
    pytest.param(right, case, id=f"{right}: {case['name']}")
    for right, cases in FILES.items()
    for case in yaml.safe_load((Path(__file__).parent / cases).read_text("utf-8"))
]


@pytest.mark.parametrize(("right", "case"), CASES)
def test_a_wrong_file_is_told_in_one_line_for_each_mistake(
    right: str, case: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clusters, "today", lambda: date(2026, 11, 21))
    text = (ROOT / right).read_text(encoding="utf-8")
    for edit in case["edits"]:
        assert text.count(edit["old"]) == 1, f"'{edit['old'].strip()}' must name one place of {right}"
        text = text.replace(edit["old"], edit["new"])
    path = tmp_path / right
    path.write_text(text, encoding="utf-8")
    assert check_stack_file(path) == case["lines"], "a user acts on these very words"
    said = CliRunner().invoke(app, ["validate", str(path)])
    assert (said.exit_code, said.stdout) == (2, ""), "wrong input is told apart from a failure"
    assert said.stderr.splitlines() == case["lines"], "and nothing beside them, no traceback above all"
