"""The map in CONTRIBUTING leads to files that exist, and misses no module with rules."""

import re
from pathlib import Path

import pytest
from support.documents import ROOT

MAP = (ROOT / "CONTRIBUTING.md").read_text().partition("## Where is the rule")[2].partition("\n## ")[0]
LIBRARY, SANDBOX = ROOT / "components/llmplatform", ROOT / "sandbox/llmplatform_sandbox"
SECTIONS = re.split(r"\n(?=\*\*)", MAP)


def paths(text: str) -> list[str]:
    """What stands in a table's second column as a path; `<name>` is any."""
    cells = [line.split("|")[2] for line in text.splitlines() if line.startswith("|") and line.count("|") == 3]
    spans = (re.sub(r"<\w+>", "*", span) for cell in cells for span in re.findall(r"`([^`]+)`", cell))
    return [span for span in spans if "/" in span]


CASES = [
    (span, ROOT if (ROOT / span.partition("/")[0]).exists() else SANDBOX if "**The sandbox**" in part else LIBRARY)
    for part in SECTIONS
    for span in paths(part)
]


@pytest.mark.parametrize(("span", "folder"), CASES, ids=[span for span, _ in CASES])
def test_a_path_of_the_map_exists(span: str, folder: Path) -> None:
    assert list(folder.glob(span)), f"there is no {span}; correct the map in CONTRIBUTING.md"


@pytest.mark.parametrize("folder", ["checks/rules", "planning"])
def test_every_module_with_rules_is_on_the_map(folder: str) -> None:
    helpers = {"__init__.py", "rule.py", "placement.py"}
    modules = {path.name for path in (LIBRARY / folder).glob("*.py")} - helpers
    assert modules, "the folder has moved"
    missing = {name for name in modules if f"`{folder}/{name}`" not in MAP}
    assert not missing, "add them to the map in CONTRIBUTING.md"
