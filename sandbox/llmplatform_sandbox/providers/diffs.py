"""Structural differences between the old and the new inputs of a resource, as the engine's property paths."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from llmplatform_sandbox.providers.values import UNKNOWN, Secret

_MISSING = object()


class Change(Enum):
    """The effect on a property."""

    ADD = "add"
    DELETE = "delete"
    UPDATE = "update"


@dataclass(frozen=True, kw_only=True)
class Diff:
    """What an update would change."""

    changes: Mapping[str, Change] = field(default_factory=dict[str, Change])
    """Property path (`spec.template.metadata.labels["app"]`, `ports[0].name`) → the effect on it."""
    replaces: Collection[str] = ()
    """The paths of `changes` that cannot be changed in place."""
    delete_before_replace: bool = False
    """The old and the new one cannot exist at the same time (same name)."""

    def __bool__(self) -> bool:
        return bool(self.changes)


def diff_values(old: Any, new: Any) -> dict[str, Change]:
    """Deep difference of two property maps: leaf paths and the effect on each.

    Secrets are compared by their value; an unknown new value counts as an update, as the engine cannot know better.
    """
    return dict(_walk(old, new, ""))


def _walk(old: Any, new: Any, path: str) -> Iterator[tuple[str, Change]]:
    old, new = _clear(old), _clear(new)
    if old is _MISSING:
        yield path, Change.ADD
    elif new is _MISSING:
        yield path, Change.DELETE
    elif new is UNKNOWN:
        yield path, Change.UPDATE
    elif isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted({*old, *new}, key=str):
            yield from _walk(old.get(key, _MISSING), new.get(key, _MISSING), join(path, str(key)))
    elif isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            left = old[index] if index < len(old) else _MISSING
            right = new[index] if index < len(new) else _MISSING
            yield from _walk(left, right, f"{path}[{index}]")
    elif old != new or isinstance(old, bool) != isinstance(new, bool):
        yield path, Change.UPDATE


def _clear(value: Any) -> Any:
    return value.value if isinstance(value, Secret) else value


def join(path: str, key: str) -> str:
    """`path` extended by a key, in the engine's spelling: `a.b`, and `a["b.c/d"]` where the key is no plain word."""
    if not key.replace("_", "").replace("-", "").isalnum():
        escaped = key.replace("\\", "\\\\").replace('"', '\\"')
        return f'{path}["{escaped}"]'
    return f"{path}.{key}" if path else key


def top_level(path: str) -> str:
    """The name of the top-level property that a path starts at."""
    if path.startswith('["'):
        return path[2 : path.index('"]')]
    return path.split(".", 1)[0].split("[", 1)[0]
