"""What is lost when an object is deleted or replaced, by its type.

Rows of the catalog have it for the stacks' cloud types; risks.toml has all others.
"""

import re
import tomllib
from collections.abc import Collection, Mapping
from fnmatch import fnmatchcase
from functools import cache
from importlib import resources
from typing import Any

from llmplatform.catalog.resources import RESOURCES


def loss_of(type_: str, *, gone: bool = False) -> str:
    """What is lost with an object of a type, as a clause; empty if a new one is equal.

    `gone`: it is deleted without a replacement.
    """
    known = RESOURCES.get(type_)
    if known is not None:
        return (known.loss_when_deleted if gone else "") or known.loss
    row = next((row for row in _table()["loss"] if fnmatchcase(type_, row["type"])), {"says": ""})
    return row.get("gone", row["says"]) if gone else row["says"]


def left_empty(type_: str) -> str:
    """What to know if an object stays in the account, and another one replaces it."""
    return "the old one stays in the account, and nothing of it is in the new one" if loss_of(type_) else ""


def restarts(type_: str, inputs: Mapping[str, Any], paths: Collection[str]) -> str:
    """Effect of an update on running pods, or another surprise: a clause, empty without one."""
    for row in _table()["update"]:
        if fnmatchcase(type_, row["type"]) and any(path.startswith(tuple(row["paths"])) for path in paths):
            return row["says"]
    if type_ not in _table()["pods"]["types"] or not any(path.startswith("spec.template") for path in paths):
        return ""
    strategy = ((inputs.get("spec") or {}).get("strategy") or {}).get("type", "RollingUpdate")
    return _table()["pods"]["strategies"].get(strategy, "")


def refused(type_: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """Why the cloud refuses an update in a plan: a clause, empty without a known reason."""
    table = _table()["minors"]
    known = RESOURCES.get(type_)
    if known is None or not known.runs_a_cluster:
        return ""
    old, new = (_minor(inputs.get(table["property"])) for inputs in (before, after))
    if old is None or new is None:
        return ""
    return table["lower"] if new < old else table["leap"] if new > old + 1 else ""


def _minor(version: Any) -> int | None:
    """35 of `1.35` and of `1.35.2-aliyun.1`."""
    found = re.match(r"1\.(\d+)", version) if isinstance(version, str) else None
    return int(found[1]) if found else None


@cache
def _table() -> Mapping[str, Any]:
    return tomllib.loads(resources.files("llmplatform_sandbox.diff").joinpath("risks.toml").read_text())
