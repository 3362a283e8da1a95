"""Writes docs/reference/stacks.md: the components of every committed stack and what waits for what."""

import re
from pathlib import Path

import component_graph
from support.program import STACKS

ROOT = Path(__file__).parents[1]
HEAD = """# The stacks, drawn

What the program registers for each committed stack file, by component: how many there are, and of how many resources.
An arrow leads from what is there first to what waits for it; deletion runs against the arrows. Arrows that follow
from others are left out. This page is written from the program (`make docs`).
"""
MARKED = re.compile(r"(?<=<!-- chart of prod -->\n).*?(?=<!-- end -->)", re.DOTALL)


def pages() -> dict[Path, str]:
    """Every document with a chart, as it should be."""
    charts = {stack: f"```mermaid\n{component_graph.flowchart(stack)}```\n" for stack in STACKS}
    found = {
        ROOT / "docs/reference/stacks.md": "\n".join([HEAD, *(f"## `{each}`\n\n{charts[each]}" for each in charts)])
    }
    for path in sorted(ROOT.glob("README*.md")):
        found[path] = MARKED.sub(lambda _: f"\n{charts['prod']}\n", path.read_text(encoding="utf-8"))
    return found


if __name__ == "__main__":
    for page, text in pages().items():
        page.write_text(text, encoding="utf-8")
