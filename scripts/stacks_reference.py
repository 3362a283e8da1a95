"""Writes docs/reference/stacks.md: the components of every committed stack and what waits for what."""

from pathlib import Path

import component_graph
from support.program import STACKS

ROOT = Path(__file__).parents[1]
HEAD = """# The stacks, drawn

This page shows the components and resources of each committed stack file. An arrow leads from a component to one that
depends on it; deletion runs against the arrows. Indirect arrows are left out.
Generated from the program by `make docs`.
"""


def pages() -> dict[Path, str]:
    """The page, as it should be."""
    charts = (f"## `{stack}`\n\n```mermaid\n{component_graph.flowchart(stack)}```\n" for stack in STACKS)
    return {ROOT / "docs/reference/stacks.md": "\n".join([HEAD, *charts])}


if __name__ == "__main__":
    for page, text in pages().items():
        page.write_text(text, encoding="utf-8")
