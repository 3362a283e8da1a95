"""Writes lists of what an engine's release accepts and exposes, `catalog/data/engines/ENGINE-VERSION.txt`."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

DATA = Path(__file__).parent.parent / "components/llmplatform/catalog/data/engines"


def require(found: Sequence[object], fewest: int, what: str, source: str) -> None:
    """Raises SystemExit for fewer than a release surely has: its sources are built in another way."""
    if len(found) < fewest:
        raise SystemExit(f"only {len(found)} {what} found in {source}; adapt this script")


def write(engine: str, version: str, made: str, lines: Sequence[str]) -> None:
    """Write a list. `made`: by which script, and from what."""
    header = [
        f"# What {engine} {version} accepts. Made by {made}, {datetime.now(UTC).date()}.",
        "# Flags by their long name, and what their value is where that is plain; then other names.",
    ]
    target = DATA / f"{engine}-{version}.txt"
    target.write_text("\n".join([*header, *lines]) + "\n", encoding="utf-8")
    print(f"{target.name}: {len(lines)} lines")
