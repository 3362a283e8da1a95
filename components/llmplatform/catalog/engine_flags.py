"""Command lines of engines, from `data/engines/<engine>-<version>.txt`. The first line of a list names its script."""

import re
from collections.abc import Mapping
from functools import lru_cache

from llmplatform.catalog import engines


@lru_cache
def _lines(engine: str, version: str) -> tuple[str, ...]:
    path = engines.FOLDER / f"{engine}-{version}.txt"
    if not path.exists():
        raise KeyError(
            f"{engine} {version}: its flags are not on record; run the script that its other lists name first"
        )
    return tuple(line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#"))


@lru_cache
def kinds(engine: str, version: str) -> Mapping[str, str]:
    """Long flag to the type of its value, which is empty if it is unknown.

    `on` (none), `switch` (none, and there is a `--no-` form, which is not listed), `whole`, `readable` (also as 8k),
    `number`, or `one-of` with the choices behind it; behind a number its bounds, as `>0 <=1`. Raises KeyError if that
    version's flags are not recorded.
    """
    flags = (line.partition(" ") for line in _lines(engine, version) if line.startswith("--"))
    return {flag: kind for flag, _, kind in flags}


@lru_cache
def flags(engine: str, version: str) -> frozenset[str]:
    """Long flags, as in `kinds`."""
    return frozenset(kinds(engine, version))


def choices(engine: str, version: str, flag: str) -> tuple[str, ...]:
    """Values of a flag; empty if it has no list of them. Raises KeyError as `kinds` does."""
    kind, *listed = kinds(engine, version).get(flag, "").split(" ")
    return tuple(listed) if kind == "one-of" else ()


@lru_cache
def names(engine: str, version: str, kind: str) -> frozenset[str]:
    """Names of a kind that a release knows, such as `tool-parser`. Raises KeyError as `flags` does."""
    start = f"{kind} "
    return frozenset(line.removeprefix(start) for line in _lines(engine, version) if line.startswith(start))


_UNITS = {"k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


def readable(text: str) -> int | None:
    """A number of the type `readable`, such as 8192, 8k or 8K; None for another text."""
    found = re.fullmatch(r"(-?\d{1,15}(?:\.\d{1,15})?)([kKmMgGtT]?)", text, re.ASCII)
    return int(float(found[1]) * _UNITS.get(found[2], 1)) if found else None
