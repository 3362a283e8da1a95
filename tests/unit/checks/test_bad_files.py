"""Wrong stack files: each is a dev file with a few settings changed, and the exact lines that a user reads.

A case says what becomes of the settings, by path: `rename`, `set`, `remove`. Where the text itself is at fault, `text`
replaces words of the file.
"""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from llmplatform.checks import check_stack_file
from llmplatform.checks.rules import clusters
from llmplatform.cli.app import app
from llmplatform.specs.stack import NAMESPACE

ROOT = Path(__file__).parents[3]
FILES = {"Pulumi.dev.yaml": "bad_stack_files.yaml", "Pulumi.dev-ack.yaml": "bad_ack_stack_files.yaml"}
"""Right file to the wrong ones that are made from it."""
CASES = [
    pytest.param(right, case, id=f"{right}: {case['name']}")
    for right, cases in FILES.items()
    for case in yaml.safe_load((Path(__file__).parent / cases).read_text("utf-8"))
]


def wrong(text: str, case: dict[str, Any]) -> str:
    """The text of a right file, made wrong as a case says."""
    if "text" in case:
        for edit in case["text"]:
            assert text.count(edit["old"]) == 1, f"'{edit['old'].strip()}' must name one place of the file"
            text = text.replace(edit["old"], edit["new"])
        return text
    document = yaml.safe_load(text)
    for path, name in case.get("rename", {}).items():
        group, key = place(document, path)
        renamed = name if "." in path else f"{NAMESPACE}{name}"
        changed = {renamed if each == key else each: value for each, value in group.items()}
        group.clear()
        group.update(changed)
    for path, value in case.get("set", {}).items():
        group, key = place(document, path)
        group[key] = value
    for path in case.get("remove", []):
        group, key = place(document, path)
        del group[key]
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True)


def place(document: dict[str, Any], path: str) -> tuple[dict[str, Any], str]:
    """The group that a setting is in, and its key there; groups on the way are made where they are missing."""
    *above, last = f"{NAMESPACE}{path}".split(".")
    group = document["config"]
    for key in above:
        group = group.setdefault(key, {})
    return group, last


@pytest.mark.parametrize(("right", "case"), CASES)
def test_a_wrong_file_is_told_in_one_line_for_each_mistake(
    right: str, case: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clusters, "today", lambda: date(2026, 11, 21))
    path = tmp_path / right
    path.write_text(wrong((ROOT / right).read_text(encoding="utf-8"), case), encoding="utf-8")
    assert check_stack_file(path) == case["lines"], "a user acts on these very words"
    said = CliRunner().invoke(app, ["validate", str(path)])
    assert (said.exit_code, said.stdout) == (2, ""), "wrong input is told apart from a failure"
    assert said.stderr.splitlines() == case["lines"], "and nothing beside them, no traceback above all"
