"""Writes docs/reference/stacks.md: the components of every committed stack and what waits for what."""

from pathlib import Path

import component_graph
from program import STACKS

PAGE = Path(__file__).parents[1] / "docs/reference/stacks.md"
HEAD = """# The stacks, drawn

What the program registers for each committed stack file, by component: how many there are, and of how many resources.
An arrow leads from what is there first to what waits for it; deletion runs against the arrows. Arrows that follow
from others are left out. This page is written from the program (`make docs`).
"""


def text() -> str:
    """The whole page."""
    return "\n".join(
        [HEAD, *(f"## `{stack}`\n\n```mermaid\n{component_graph.flowchart(stack)}```\n" for stack in STACKS)]
    )


if __name__ == "__main__":
    PAGE.write_text(text(), encoding="utf-8")
