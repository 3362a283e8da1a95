"""Chart archives that cannot be installed: missing, damaged, or different from the recorded digest."""

import gzip
import hashlib
import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from llmplatform.catalog.versions import Chart
from llmplatform.checks.problems import Problem

LOCK = "charts.lock"
"""Beside the folder of the archives: the digest of each accepted archive."""


def missing_archives(charts: tuple[Chart, ...], folder: Path) -> list[Problem]:
    """A problem for each chart whose archive is not in the folder."""
    return [
        Problem(f"{folder.name}/{chart.archive}", "there is no such archive", "run `llmplatform charts pull`")
        for chart in charts
        if not (folder / chart.archive).is_file()
    ]


def unfit_archives(charts: tuple[Chart, ...], folder: Path) -> list[Problem]:
    """A problem for each archive that is missing, damaged, or different from the recorded one."""
    try:
        digests = locked(folder.parent / LOCK)
    except ValueError as error:
        return [Problem(LOCK, str(error), "restore the committed file")]
    there = [chart for chart in charts if (folder / chart.archive).is_file()]
    found = [_unfit(folder / chart.archive, digests.get(lock_key(chart))) for chart in there]
    return [*missing_archives(charts, folder), *(problem for problem in found if problem)]


def lock_key(chart: Chart) -> str:
    """The key of a chart's digest."""
    return f"{chart.name}-{chart.version}"


def locked(path: Path) -> dict[str, str]:
    """SHA-256 of each accepted archive; empty without a file. Raises ValueError if the file is malformed."""
    try:
        read: Any = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise ValueError("it is not JSON") from None
    if not isinstance(read, Mapping) or not all(isinstance(each, str) for pair in read.items() for each in pair):
        raise ValueError("it is not a digest for each chart")
    return dict(read)


def _unfit(archive: Path, digest: str | None) -> Problem | None:
    path, again = f"{archive.parent.name}/{archive.name}", "run `llmplatform charts pull`, which fetches it anew"
    try:
        data = archive.read_bytes()
        gzip.decompress(data)
    except OSError as error:
        return Problem(path, f"it is damaged, or cannot be read ({error.strerror or 'not gzip'})", again)
    except (EOFError, zlib.error):
        return Problem(path, "it is damaged: the archive ends early", again)
    found = hashlib.sha256(data).hexdigest()
    if digest and digest != found:
        return Problem(path, f"its SHA-256 is {found}, and {LOCK} has {digest}", again)
    return None if data else Problem(path, "it is damaged: the archive is empty", again)
