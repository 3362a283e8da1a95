"""Writes docs/reference/stacks.md: the components of every committed stack and what waits for what."""

from pathlib import Path

import component_graph
from support.program import STACKS

ROOT = Path(__file__).parents[1]
HEAD = """# The stacks, drawn

What the program registers for each committed stack file, by component: how many there are, and of how many resources.
An arrow leads from what is there first to what waits for it; deletion runs against the arrows. Arrows that follow
from others are left out. This page is written from the program (`make docs`).
"""


def pages() -> dict[Path, str]:
    """The page, as it should be."""
    charts = (f"## `{stack}`\n\n```mermaid\n{component_graph.flowchart(stack)}```\n" for stack in STACKS)
    return {ROOT / "docs/reference/stacks.md": "\n".join([HEAD, *charts])}


if __name__ == "__main__":
    for page, text in pages().items():
        page.write_text(text, encoding="utf-8")
