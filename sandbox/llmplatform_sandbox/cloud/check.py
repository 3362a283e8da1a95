"""Checks a resource's inputs as the cloud would, and reports all faults at once."""

import difflib
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from llmplatform_sandbox.cloud import enums, schema
from llmplatform_sandbox.cloud.facts import CloudFacts, TypeFacts, find
from llmplatform_sandbox.cloud.templates import get

Finding = tuple[str, str]
"""(property path, fault and remedy)."""
UNKNOWN = object()
"""Stands for a value that a preview does not know: it exists, and is not checked further."""


def check(
    facts: CloudFacts, type_: str, inputs: Mapping[str, Any], *, generated: Collection[str] = ()
) -> list[Finding]:
    """All faults of the inputs of one resource, in a stable order.

    `generated`: inputs that the provider itself set, which may be deprecated ones.
    """
    try:
        rules, known = facts.of(type_), schema.resource(type_)
    except LookupError as error:
        return [("", str(error))]
    if not rules.registered:
        return [("", f"{type_}: made by the cloud itself; it cannot be registered")]
    own = {name: replace(one, deprecated=None) for name, one in known.inputs.items() if name in generated}
    findings = list(_object({**known.inputs, **own}, inputs, ""))
    wrong = {path for path, _ in findings}
    findings += [finding for finding in _rules(rules, inputs) if finding[0] not in wrong]
    return findings


def check_arguments(package: str, arguments: Mapping[str, Any]) -> list[Finding]:
    """All faults of a provider's configuration."""
    return list(_object(schema.provider_arguments(package), arguments, ""))


def _object(known: Mapping[str, schema.Property], value: Mapping[str, Any], at: str) -> Iterator[Finding]:
    for name, inner in value.items():
        path = f"{at}.{name}" if at else name
        if name.startswith("__") or inner is None:
            continue
        if name not in known:
            near = difflib.get_close_matches(_camel(name), known, n=1, cutoff=0.6)
            remedy = f"write {near[0]}" if near else f"write one of {', '.join(known)}"
            yield path, f"no such property; {remedy}"
            continue
        if known[name].deprecated:
            yield path, f"deprecated: {known[name].deprecated}"
        yield from _value(known[name].shape, inner, path)
    for name, wanted in known.items():
        if wanted.required and value.get(name) is None:
            yield f"{at}.{name}" if at else name, "missing; it is required"


def _value(shape: schema.Shape, value: Any, at: str) -> Iterator[Finding]:
    if value is UNKNOWN or value is None or shape.kind == "any":
        return
    match shape.kind:
        case "object" if shape.text and isinstance(value, str):
            return
        case "object":
            if isinstance(value, Mapping):
                # A document in object form may have keys that the SDK does not list.
                yield from () if shape.text else _object(shape.fields, value, at)
            else:
                yield at, f"a {_name(value)}; write an object with {', '.join(shape.fields)}"
        case "list":
            if not isinstance(value, list):
                yield at, f"a {_name(value)}; write a list"
                return
            for index, inner in enumerate(value):
                yield from _value(shape.item or schema.Shape("any"), inner, f"{at}[{index}]")
        case "map":
            if not isinstance(value, Mapping):
                yield at, f"a {_name(value)}; write a map"
                return
            for key, inner in value.items():
                yield from _value(shape.item or schema.Shape("any"), inner, f"{at}.{key}")
        case kind:
            if not _is(kind, value):
                yield at, f"a {_name(value)}; write a {kind}"


def _is(kind: str, value: Any) -> bool:
    match kind:
        case "string":
            return isinstance(value, str)
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return not isinstance(value, bool) and (
                isinstance(value, int) or (isinstance(value, float) and value.is_integer())
            )
        case _:
            return isinstance(value, (int, float)) and not isinstance(value, bool)


def _name(value: Any) -> str:
    names: Mapping[type, str] = {
        str: "string",
        bool: "boolean",
        int: "number",
        float: "number",
        list: "list",
        dict: "map",
    }
    return names.get(type(value), type(value).__name__)


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.title() for part in rest)


def _rules(rules: TypeFacts, inputs: Mapping[str, Any]) -> Iterator[Finding]:
    for pattern, allowed in rules.enums.items():
        members = enums.values(allowed) if isinstance(allowed, str) else allowed
        for path, value in _known(inputs, pattern):
            if value not in members:
                near = difflib.get_close_matches(str(value), members, n=1)
                yield path, f"'{value}' is not offered; write {near[0] if near else ' | '.join(members)}"
    for pattern, refusals in rules.refused.items():
        for path, value in _known(inputs, pattern):
            yield from ((path, f"'{value}': {one.reason}") for one in refusals if re.search(one.pattern, str(value)))
    for pattern, (low, high) in rules.ranges.items():
        for path, value in _known(inputs, pattern):
            if isinstance(value, (int, float)) and not low <= value <= high:
                yield path, f"{value:g} is out of range; write {low:g} to {high:g}"
    for pattern, expression in rules.patterns.items():
        for path, value in _known(inputs, pattern):
            text = f"{value:g}" if isinstance(value, float) else str(value)
            if not re.search(expression, text):
                yield path, f"'{text}' is not valid; it has to match {expression}"
    if rules.name and isinstance(name := inputs.get(rules.name.property), str) and len(name) > rules.name.max:
        yield rules.name.property, f"'{name}' has {len(name)} characters; write at most {rules.name.max}"
    for pattern in rules.json_documents:
        for path, value in _known(inputs, pattern):
            if isinstance(value, str) and not _is_json(value):
                yield path, "not valid JSON"
    yield from _groups(rules.exclusive, rules.one_of, inputs)


def _groups(
    exclusive: Sequence[Sequence[str]], one_of: Sequence[Sequence[str]], inputs: Mapping[str, Any]
) -> Iterator[Finding]:
    for group in (*exclusive, *one_of):
        present = [path for path in group if get(inputs, path) is not None]
        if len(present) > 1:
            yield present[1], f"conflicts with {present[0]}; write only one of {', '.join(present)}"
    for group in one_of:
        if not any(get(inputs, path) is not None for path in group):
            yield group[0], f"missing; write one of {', '.join(group)}"


def _known(inputs: Mapping[str, Any], pattern: str) -> Iterator[tuple[str, Any]]:
    return ((path, value) for path, value in find(inputs, pattern) if value is not UNKNOWN)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
