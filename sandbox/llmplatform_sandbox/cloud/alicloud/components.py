"""The components that ACK can install, from components.toml: names, configuration keys, required roles."""

import json
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from llmplatform_sandbox.citations import Cited


class Component(Cited):
    """One component."""

    required: bool = False
    """Whether every cluster always has it."""
    network: bool = False
    """Whether it is a network plugin."""
    role: str = ""
    """Service role that it needs; empty: none."""
    config: tuple[str, ...] | None = None
    """Keys of its configuration; None if they are not published."""


@cache
def components() -> Mapping[str, Component]:
    """All of them, by name."""
    text = (files("llmplatform_sandbox.cloud.alicloud") / "components.toml").read_text(encoding="utf-8")
    return {name: Component.model_validate(row) for name, row in tomllib.loads(text).items()}


def faults(at: str, name: Any, config: Any) -> Sequence[tuple[str, str]]:
    """Faults of a requested component: (property, reason)."""
    if not isinstance(name, str):
        return ()
    known = components().get(name)
    if known is None:
        return [(f"{at}name", f"'{name}': ACK has no component of that name")]
    given = configuration(config)
    unknown = [] if known.config is None else [key for key in given if key not in known.config]
    taken = ", ".join(known.config or ())
    return [(f"{at}config", f"{name} takes no {key}; it takes {taken}") for key in unknown]


def configuration(config: Any) -> Mapping[str, Any]:
    """A component's configuration; empty if there is none, or it is not known yet."""
    try:
        found = json.loads(config) if isinstance(config, str) else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def canonical(config: str) -> str:
    """As the provider's Read writes it: compact, with sorted keys (Go's json.Marshal of a map)."""
    return json.dumps(json.loads(config), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
