"""Writes rows of `data/models.csv`: one model a row, by its Hugging Face id."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from pathlib import Path

from llmplatform.catalog.models import COLUMNS, ModelShape
from llmplatform.catalog.tables import DATA

MODELS = DATA / "models.csv"
"""The file."""

_MEASURED = frozenset({"extra_gib"})
"""Fields that no configuration says."""


def row(shape: ModelShape) -> dict[str, str]:
    """Cells of a shape that a configuration gave. A default is an empty cell."""
    columns = {field: column for column, field in COLUMNS.items()}
    said = (each for each in fields(shape) if each.name not in _MEASURED)
    return {columns.get(each.name, each.name): _cell(getattr(shape, each.name), each.default) for each in said}


def _cell(value: object, default: object) -> str:
    if value is None or (default is not MISSING and value == default):
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) and abs(value) < 1e5 else str(value)


def known(model: str, path: Path | None = None) -> dict[str, str]:
    """The cells of a model's row; empty without one."""
    lines = (path or MODELS).read_text(encoding="utf-8").splitlines()
    return _rows(lines)[0].get(model, {})


def _rows(lines: Sequence[str]) -> tuple[dict[str, dict[str, str]], list[str]]:
    """The rows by id, and the columns."""
    reader = csv.DictReader(line for line in lines if not line.startswith("#"))
    return {found["id"]: found for found in reader}, list(reader.fieldnames or ())


def write(model: str, cells: Mapping[str, str], path: Path | None = None) -> None:
    """Write a model's row.

    Cells that are not given, such as the id at ModelScope, stay as they were. Comments stay.
    """
    path = path or MODELS
    lines = path.read_text(encoding="utf-8").splitlines()
    comments = [line for line in lines if line.startswith("#")]
    rows, columns = _rows(lines)
    rows[model] = {**rows.get(model, {}), **cells, "id": model}
    partial = path.with_suffix(".partial")
    with partial.open("w", encoding="utf-8", newline="") as file:
        file.writelines(f"{line}\n" for line in comments)
        writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows.values())
    partial.replace(path)
