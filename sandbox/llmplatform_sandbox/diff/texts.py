"""Phrases of a difference: the same on a terminal, in Markdown and for programs."""

import json
from collections.abc import Collection, Mapping
from difflib import unified_diff
from typing import Any

import yaml

from llmplatform_sandbox.diff.plan import Op, Plan, ResourceChange, name_of, type_of
from llmplatform_sandbox.diff.properties import MISSING, PropertyChange, hidden
from llmplatform_sandbox.providers.values import UNKNOWN, Asset, Secret

SIGNS: Mapping[Op, str] = {"create": "+", "update": "~", "replace": "±", "delete": "-"}
PAST: Mapping[Op, str] = {"create": "created", "update": "updated", "replace": "replaced", "delete": "deleted"}
LATER = "known after the update"
SECRET = "[secret]"  # noqa: S105 stands in place of one
_SHORT = 60
_LONGEST = 160
_CONTEXT = 2


def summary(plan: Plan) -> list[str]:
    """The numbers, a phrase each: `2 replaced`, `140 unchanged`."""
    phrases = [f"{count} {PAST[op]}" for op, count in plan.counts().items() if count]
    if plan.following:
        phrases.append(f"{plan.following} may change with what they refer to")
    if plan.unprotected:
        phrases.append(f"{len(plan.unprotected)} no longer protected")
    if plan.outputs:
        phrases.append(f"{len(plan.outputs)} {'output' if len(plan.outputs) == 1 else 'outputs'} changed")
    return [*(phrases or ["no changes"]), f"{plan.unchanged} unchanged"]


def what_happens(change: ResourceChange) -> str:
    """A clause after the resource's name."""
    forgotten = change.op == "delete" and change.retained
    parts = ["is forgotten", "the object stays in the account"] if forgotten else [f"is {PAST[change.op]}"]
    if change.op == "replace":
        replacing = [one for one in change.properties if one.replaces]
        decisive = [one.path for one in replacing if not one.follows] or [one.path for one in replacing]
        if decisive:
            parts[0] += f", because {listed(decisive)} cannot change in place"
        elif not change.properties:
            parts[0] += ", together with what it depends on"
        if change.first_deleted:
            parts.append("the old one goes before the new one comes")
    if change.loss:
        parts.append(change.loss)
    if change.refused:
        parts.append(change.refused)
    if change.restarts:
        parts.append(change.restarts)
    if change.protected and change.goes:
        parts.append("it is protected, and the update is refused until pulumi state unprotect takes that off")
    return "; ".join(parts)


def noun(type_: str) -> str:
    """The last word of a type: `Vpc` of `aws:ec2/vpc:Vpc`."""
    return type_.rpartition(":")[2]


def called(urn: str) -> str:
    """A resource in two words: `Vpc core-vpc`."""
    return f"{noun(type_of(urn))} {name_of(urn)}"


def follows(urns: Collection[str]) -> str:
    """The origins of a change, by name."""
    return listed([called(urn) for urn in urns])


def short(value: Any, *, most: int | None = _LONGEST) -> str:
    """A value on one line; `most`: characters to show."""
    if value is MISSING:
        return "(none)"
    if value is UNKNOWN:
        return f"({LATER})"
    if isinstance(value, Secret):
        return SECRET
    text = value if isinstance(value, str) else json.dumps(shown(value), ensure_ascii=False)
    text = text.replace("\n", "⏎")
    return text if most is None or len(text) <= most else f"{text[: most - 1]}…"


def sides(change: PropertyChange, *, most: int | None = _LONGEST) -> tuple[str, str]:
    """The value before and after on one line each; `most`: characters of each to show."""
    if isinstance(change.old, Secret) and isinstance(change.new, Secret):
        return SECRET, f"{SECRET} changed"
    if change.follows:
        return short(change.old, most=most), f"(comes from {follows(change.causes)})"
    return short(change.old, most=most), short(change.new, most=most)


def lines(change: PropertyChange) -> list[str]:
    """The changed lines, as a unified diff without its head; empty if one line is enough."""
    values = (change.old, change.new)
    if change.follows or any(value is UNKNOWN or isinstance(value, Secret) for value in values):
        return []
    old, new = (_document(value) for value in values)
    if max(len(old), len(new)) <= 1 and max(map(len, [*old, *new]), default=0) <= _SHORT:
        return []
    _, _, *found = [*unified_diff(old, new, lineterm="", n=_CONTEXT)] or ["", ""]
    if not found and hidden(change.old) and hidden(change.new):
        return [f"~ {SECRET} changed"]
    # The first head of a part is useless to a reader, the later ones mark omitted lines.
    return ["⋯" if line.startswith("@@") else f"{line[0]} {line[1:]}" for line in found[1:]]


def shown(value: Any) -> Any:
    """A value for JSON and YAML: a secret or unknown value as a word."""
    if isinstance(value, Mapping):
        return {str(key): shown(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shown(item) for item in value]
    if isinstance(value, Asset):
        return {value.kind: shown(value.fields)}
    if value is UNKNOWN:
        return f"({LATER})"
    if isinstance(value, Secret):
        return SECRET
    return None if value is MISSING else value


def _document(value: Any) -> list[str]:
    """A value as lines: text as it is, JSON text indented, everything else as YAML."""
    if value is MISSING:
        return []
    if isinstance(value, str):
        try:
            inner = json.loads(value)
        except ValueError:
            return value.splitlines()
        return json.dumps(inner, indent=2).splitlines() if isinstance(inner, (dict, list)) else [value]
    if isinstance(value, list) and not any(isinstance(item, (Mapping, list)) for item in value):
        return [short(item) for item in value]
    if isinstance(value, (Mapping, list)):
        return yaml.safe_dump(shown(value), sort_keys=False, width=_LONGEST, allow_unicode=True).splitlines()
    return [short(value)]


def listed(names: Collection[str], *, most: int = 4) -> str:
    """Names in a sentence, each once: `a, b and c`."""
    ordered = list(dict.fromkeys(names))
    shown_names = ordered[:most]
    if len(ordered) > most:
        return f"{', '.join(shown_names)} and {len(ordered) - most} more"
    return (
        " and ".join([", ".join(shown_names[:-1]), shown_names[-1]]) if len(shown_names) > 1 else "".join(shown_names)
    )
