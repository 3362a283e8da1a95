"""What goes with an object when it is deleted or made anew, by its type: the table is risks.toml."""

import tomllib
from collections.abc import Collection, Mapping
from fnmatch import fnmatchcase
from functools import cache
from importlib import resources
from typing import Any


def loss_of(type_: str, *, gone: bool = False) -> str:
    """What an object of a type takes with it, as a clause; empty for one that is made anew as it was.

    `gone`: it is deleted, and no other takes its place.
    """
    row = next((row for row in _table()["loss"] if fnmatchcase(type_, row["type"])), {"says": ""})
    return row.get("gone", row["says"]) if gone else row["says"]


def left_empty(type_: str) -> str:
    """What to know where an object of a type stays in the account, and another one takes its place."""
    return "the old one stays in the account, and nothing of it is in the new one" if loss_of(type_) else ""


def restarts(type_: str, inputs: Mapping[str, Any], paths: Collection[str]) -> str:
    """How an update touches running pods: a clause, empty when it does not."""
    if type_ not in _table()["pods"]["types"] or not any(path.startswith("spec.template") for path in paths):
        return ""
    strategy = ((inputs.get("spec") or {}).get("strategy") or {}).get("type", "RollingUpdate")
    return _table()["pods"]["strategies"].get(strategy, "")


@cache
def _table() -> Mapping[str, Any]:
    return tomllib.loads(resources.files("llmplatform_sandbox.diff").joinpath("risks.toml").read_text())
