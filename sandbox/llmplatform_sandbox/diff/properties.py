"""The changes of one resource, property by property, in a reviewer's terms.

The engine names changed leaves. A new element in a list moves all following ones, so leaves in lists are combined: into
the whole list if its length changes, else into the list of plain values.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from llmplatform_sandbox.providers.values import UNKNOWN, Asset, Secret

Kind = Literal["add", "update", "delete"]
Step = str | int
MISSING: Final = object()
"""No value at a path."""
_STEP = re.compile(r'\["(?P<quoted>(?:[^"\\]|\\.)*)"\]|\[(?P<index>\d+)\]|\.?(?P<plain>[^.\[]+)')


@dataclass(frozen=True, kw_only=True)
class PropertyChange:
    """One property that would change."""

    path: str
    kind: Kind
    old: Any
    """In plain Python, `Secret(None)` for a secret, `MISSING` without a value."""
    new: Any
    """As `old`; `UNKNOWN` for a value that only the update knows."""
    replaces: bool = False
    """Whether it cannot change in place."""
    causes: tuple[str, ...] = ()
    """URNs of changed resources that the new value comes from, if nothing else changes it."""

    @property
    def follows(self) -> bool:
        """Whether the value is unknown only because another resource changes, and may stay the same."""
        return bool(self.causes)


def steps_of(path: str) -> list[Step]:
    """Parts of the engine's property path: `a["b.c"][0].d` is `a`, `b.c`, `0`, `d`."""
    return [
        int(match["index"])
        if match["index"] is not None
        else match["quoted"].replace('\\"', '"').replace("\\\\", "\\")
        if match["quoted"] is not None
        else match["plain"]
        for match in _STEP.finditer(path)
    ]


def spelled(steps: Collection[Step]) -> str:
    """The path of parts, as `steps_of` reads it."""
    text = ""
    for step in steps:
        if isinstance(step, int):
            text += f"[{step}]"
        elif re.fullmatch(r"[\w-]+", step):
            text += f".{step}" if text else step
        else:
            escaped = step.replace("\\", "\\\\").replace('"', '\\"')
            text += f'["{escaped}"]'
    return text


def look_up(values: Any, steps: Collection[Step]) -> Any:
    """The value at a path; the secret around it, and `UNKNOWN` below an unknown value."""
    for step in steps:
        if isinstance(values, Secret) or values is UNKNOWN:
            return values
        if isinstance(step, int):
            values = values[step] if isinstance(values, list) and step < len(values) else MISSING
        else:
            values = values.get(step, MISSING) if isinstance(values, Mapping) else MISSING
        if values is MISSING:
            return MISSING
    return values


@dataclass(frozen=True, kw_only=True)
class Leaf:
    """One difference in the engine's form."""

    path: str
    kind: Kind
    replaces: bool


def property_changes(
    leaves: Collection[Leaf], old: Mapping[str, Any], new: Mapping[str, Any], causes: Mapping[str, Collection[str]]
) -> list[PropertyChange]:
    """The combined differences of one resource in the order of their paths, those that replace first.

    `causes`: top-level property → URNs of changed resources that its value came from.
    """
    groups: dict[str, list[tuple[Leaf, list[Step]]]] = {}
    for leaf in leaves:
        steps = steps_of(leaf.path)
        groups.setdefault(spelled(_drawn_together(steps, old, new)), []).append((leaf, steps))
    found = [_change(path, members, old, new, causes) for path, members in groups.items()]
    return sorted(found, key=lambda one: (not one.replaces, one.follows, one.path))


def _drawn_together(steps: list[Step], old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Step]:
    for depth, step in enumerate(steps):
        if not isinstance(step, int):
            continue
        before, after = look_up(old, steps[:depth]), look_up(new, steps[:depth])
        if not (isinstance(before, list) and isinstance(after, list)):
            return steps[:depth]
        plain = not any(isinstance(item, (Mapping, list)) for item in [*before, *after])
        if len(before) != len(after) or (plain and depth == len(steps) - 1):
            return steps[:depth]
    return steps


def _change(
    path: str,
    members: list[tuple[Leaf, list[Step]]],
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    causes: Mapping[str, Collection[str]],
) -> PropertyChange:
    steps = steps_of(path)
    before, after = look_up(old, steps), look_up(new, steps)
    own = [leaf for leaf, _ in members if leaf.path == path]
    kind: Kind = own[0].kind if own else "update"
    # An unknown secret looks like a known one; one from a changed resource counts as following it.
    unseen = all(
        leaf.kind == "update" and (look_up(new, at) is UNKNOWN or isinstance(look_up(new, at), Secret))
        for leaf, at in members
    )
    from_others = tuple(sorted(causes.get(str(steps[0]) if steps else path, ()))) if unseen else ()
    return PropertyChange(
        path=path,
        kind=kind,
        old=before,
        new=after,
        replaces=any(leaf.replaces for leaf, _ in members),
        causes=from_others,
    )


def hidden(value: Any) -> bool:
    """Whether a value is, or contains, a secret."""
    return any(isinstance(leaf, Secret) for leaf in leaves_of(value))


def leaves_of(value: Any) -> Iterator[Any]:
    """All values in a value that contain no other."""
    if isinstance(value, Mapping):
        for item in value.values():
            yield from leaves_of(item)
    elif isinstance(value, list):
        for item in value:
            yield from leaves_of(item)
    elif isinstance(value, Asset):
        yield value.kind
    else:
        yield value
