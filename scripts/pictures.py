"""Draws docs/pictures: the output of commands on a terminal, from real runs in the sandbox.

`make pictures` runs the commands, which takes minutes, and draws the pictures.
"""

import io
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs/pictures"
WIDTH = 118
SHAPE = """
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: {char_height}px;
  line-height: {line_height}px; font-variant-east-asian: full-width; }}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: arial, sans-serif; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal"><rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>{lines}</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""
"""rich's own, without a font from a remote server."""


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A command, and the part of its output to draw."""

    name: str
    make: str
    """The typed command."""
    head: int
    """Lines from the beginning."""
    tail: int
    """Lines from the end."""
    after: str = ""
    """A later command, which is not drawn."""


PICTURES = (
    Picture(name="preview", make="make preview STACK=prod", head=34, tail=2),
    Picture(name="sandbox", make="make sandbox", head=12, tail=28, after="make sandbox-down"),
)


def shortened(lines: Sequence[str], head: int, tail: int) -> list[str]:
    """The beginning and the end, with a mark for the omitted part."""
    if len(lines) <= head + tail + 1:
        return list(lines)
    return [*lines[:head], f"… {len(lines) - head - tail} more lines", *lines[-tail:]]


def drawn(picture: Picture, printed: str) -> str:
    """The picture of a terminal with the command."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), color_system="truecolor", highlight=False)
    console.print(Text.assemble(("$ ", "green"), (picture.make, "bold")))
    # The duration depends on the machine, not on the command.
    lines = [line.rstrip() for line in printed.strip().splitlines() if not re.match(r"[\d.]+ s in all", line)]
    for line in shortened(lines, picture.head, picture.tail):
        console.print(styled(line))
    # A fixed id, so that the same text is the same file.
    return console.export_svg(title=picture.make, code_format=SHAPE, unique_id=picture.name)


def styled(line: str) -> Text:
    """A line with the colours of a terminal."""
    text = Text(line)
    text.highlight_regex(r"^\s*\+ .*", "green")
    text.highlight_regex(r"^✓", "green")
    text.highlight_regex(r"\b(Ready|Running)\b", "green")
    text.highlight_regex(r"^(Node|Namespace|Output|Real|Simulated|Not run|Next)\b.*", "bold")
    return text


def words(svg: str) -> str:
    """The words in a picture, for the test that checks them."""
    return re.sub(r"<[^>]+>", "", svg).replace("&#160;", " ").replace("&quot;", '"')


def main() -> int:
    """Run every command and draw it."""
    FOLDER.mkdir(exist_ok=True)
    # A make within a make tells of its folders.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    for picture in PICTURES:
        said = subprocess.run(
            picture.make.split(),
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
            env={**environment, "COLUMNS": str(WIDTH)},
        )
        (FOLDER / f"{picture.name}.svg").write_text(drawn(picture, said.stdout), encoding="utf-8")
        if picture.after:
            subprocess.run(picture.after.split(), cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return 0


if __name__ == "__main__":
    sys.exit(main())
