"""Reads the catalog's tables: comma-separated files below `data/`, whose `#` lines have the source and its date."""

import csv
from collections.abc import Iterator
from pathlib import Path

DATA = Path(__file__).parent / "data"
"""Folder of the data files."""


def rows(name: str) -> Iterator[dict[str, str]]:
    """The rows of `data/<name>.csv`, each by column.

    An empty cell is an empty string: the fact is unknown or does not apply.
    """
    with (DATA / f"{name}.csv").open(encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(line for line in lines if not line.startswith("#"))
