"""Turns pydantic's errors into plain sentences with a remedy and the path in the file."""

import dataclasses
import re
import typing
from collections.abc import Mapping, Sequence
from typing import Any, cast

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from llmplatform.checks.problems import QUOTED_FLAG, Problem, is_flag, listed, nearest, shown, suggestion
from llmplatform.checks.yaml_loader import Written
from llmplatform.specs import by_kind
from llmplatform.specs.by_kind import ByKind
from llmplatform.specs.stack import STACKS

_DISCRIMINATORS = ("kind", "provider")
"""Keys that discriminate a union."""

_UNKNOWN = ("extra_forbidden", "unexpected_keyword_argument")
_MISSING = ("missing", "missing_keyword_only_argument")
_NUMBERS = {
    "greater_than": "more than {gt:g}",
    "greater_than_equal": "at least {ge}",
    "less_than": "less than {lt:g}",
    "less_than_equal": "at most {le}",
}
_LENGTHS = {
    "too_short": ("has too few entries", "write {min_length} or more"),
    "too_long": ("has too many entries", "write {max_length} or fewer"),
    "string_too_short": ("is too short", "write {min_length} or more characters"),
    "string_too_long": ("is too long", "write {max_length} or fewer characters"),
}
_KINDS = {
    "int_type": ("a whole number", "write digits without quotes"),
    "int_parsing": ("a whole number", "write digits without quotes"),
    "int_from_float": ("a whole number", "write it without decimals"),
    "float_type": ("a number", "write digits without quotes"),
    "bool_parsing": ("true or false", "write true or false, without quotes"),
    "bool_type": ("true or false", "write true or false, without quotes"),
    "dict_type": ("a group of keys", "write 'key: value' lines below it"),
    "model_type": ("a group of keys", "write 'key: value' lines below it"),
    "dataclass_type": ("a group of keys", "write 'key: value' lines below it"),
    "model_attributes_type": ("a group of keys", "write 'key: value' lines below it"),
    "tuple_type": ("a list", "write it in brackets: [a, b]"),
}


NO_TEXT = tuple(f" is not {kind}" for kind in ("a whole number", "a number", "true or false"))
"""Endings of faults whose value should not be text."""

MOST_LISTED = 5
"""Most numbers to list as choices; of more, those beside a wrong one."""
MOST = 200
"""Most mistakes to report of one file: with more, the file is probably something else."""


def first(error: ValidationError) -> list[ErrorDetails]:
    """The first of pydantic's errors, up to the limit."""
    return error.errors(include_url=False)[:MOST]


def unexplained(error: ValidationError) -> Problem:
    """An error without a sentence: a poor report is better than a refusal without a word."""
    found = first(error)[0]
    return Problem(written([*found["loc"]]), f"this is not valid ({found['type']})", "see docs/reference/settings.md")


def problems(
    error: ValidationError, model: type[BaseModel], raw: Mapping[str, object], given: Mapping[str, object]
) -> list[Problem]:
    """One problem for each mistake. `raw`: the validated value; `given`: the same as it was read."""
    findings = first(error)
    more = error.error_count() - len(findings)
    misspelt = {
        (*found["loc"][:-1], nearest(str(found["loc"][-1]), _keys(_at(model, found["loc"][:-1]))))
        for found in findings
        if found["type"] in _UNKNOWN
    }
    cut = [Problem("the stack", f"{more} more mistakes are not shown", "correct these first")] if more else []
    return [
        _problem(found, model, raw, given)
        for found in findings
        # A misspelt key is unknown and missing: one mistake. A rule reports secrets in clear text, without quoting
        # them.
        if not (found["type"] in _MISSING and found["loc"] in misspelt)
        and not _shortened(found)
        and not (found["loc"][:1] == ("secrets",) and found["type"] not in _UNKNOWN and _is_scalar(found["input"]))
    ] + cut


def _shortened(found: ErrorDetails) -> bool:
    """Whether a list is too short only because its wrong entries, each reported by itself, were left out."""
    given: object = found["input"]
    return (
        found["type"] == "too_short"
        and isinstance(given, list)
        and len(cast(list[object], given)) >= found.get("ctx", {})["min_length"]
    )


def _problem(
    error: ErrorDetails, model: type[BaseModel], raw: Mapping[str, object], given: Mapping[str, object]
) -> Problem:
    place = steps(error["loc"], raw, model)
    path = written(place)
    kind, value, context = error["type"], error["input"], error.get("ctx", {})
    if isinstance(value, float):
        value = _at_place(given, place)
    if error["loc"][-1:] == ("[key]",):
        choices = _choices(kind, context)
        if choices:
            return Problem(path, f"'{place[-1]}' is not known", suggestion(str(place[-1]), choices))
        fault, remedy = _value(kind, value, context) or _ours(error)
        return Problem(path, f"its name {fault}" if fault.startswith("is ") else f"its name is wrong: {fault}", remedy)
    if kind in _UNKNOWN:
        known = _keys(_at(model, error["loc"][:-1]))
        other = _cloud_with(str(place[-1]), model, error["loc"][:-1])
        if other:
            return Problem(path, f"'{place[-1]}' is for {other} alone", _keys_remedy(known))
        return Problem(path, f"unknown key '{place[-1]}'", suggestion(str(place[-1]), known, _keys_remedy(known)))
    if kind in _MISSING:
        return Problem(path, "required key is missing", _missing_remedy(_at(model, error["loc"][:-1]), str(place[-1])))
    if kind == "union_tag_not_found":
        key = str(context["discriminator"]).strip("'()")
        choices = _tags(_at(model, error["loc"]))
        return Problem(f"{path}.{key}", "required key is missing", f"write {key}: {' or '.join(choices)}")
    if kind == "union_tag_invalid":
        key = str(context["discriminator"]).strip("'()")
        choices = _tags(_at(model, error["loc"]))
        return Problem(f"{path}.{key}", f"'{context['tag']}' is not known", suggestion(str(context["tag"]), choices))
    if kind == "literal_error" and value is not None:
        choices = typing.get_args(_plain(_at(model, error["loc"])))
        if len(choices) > MOST_LISTED and isinstance(value, int | float):
            choices = tuple(_beside(value, choices))
        texts = [each for each in choices if isinstance(each, str)]
        remedy = suggestion(str(value), texts) if texts else f"use {listed(choices)}"
        return Problem(path, f"{shown(value)} is not a choice", remedy)
    fault, remedy = _value(kind, value, context) or _ours(error)
    return Problem(path, fault, remedy)


def _choices(kind: str, context: Mapping[str, Any]) -> list[str]:
    """The keys that a table can have, as pydantic lists them: `'a', 'b' or 'c'`."""
    return re.findall(r"'([^']*)'", str(context.get("expected", ""))) if kind == "literal_error" else []


def _beside(value: float, choices: Sequence[int]) -> list[int]:
    """The choices closest to a number."""
    below, above = [each for each in choices if each < value], [each for each in choices if each > value]
    return [*([max(below)] if below else []), *([min(above)] if above else [])]


def _cloud_with(key: str, model: type[BaseModel], loc: Sequence[int | str]) -> str | None:
    """The other cloud, if it has that key."""
    others = (provider for provider, other in STACKS.items() if other is not model and key in _keys(_at(other, loc)))
    return next(others, None)


def _value(kind: str, value: object, context: Mapping[str, Any]) -> tuple[str, str] | None:
    if value is None:
        return "has no value", "write one, or remove the key"
    if kind == "string_type":
        if isinstance(value, bool):
            return f"YAML reads this as {str(value).lower()}", "put it in quotes"
        if isinstance(value, int | float):
            text = value.text if isinstance(value, Written) else value
            return f"{text} is a number", f'put it in quotes: "{text}"'
        return "must be text", f"put it in quotes: {QUOTED_FLAG}" if is_flag(value) else "write one value"
    if kind == "int_parsing_size":
        return "the number is too large", "write one that a setting can have"
    if kind in _KINDS:
        wanted, remedy = _KINDS[kind]
        return f"{shown(value)} is not {wanted}", remedy
    if kind in _NUMBERS:
        bound = _NUMBERS[kind].format(**context)
        return f"{value} is out of range", f"write {bound}"
    if kind in _LENGTHS:
        fault, remedy = _LENGTHS[kind]
        return fault, remedy.format(**context)
    return None


def _ours(error: ErrorDetails) -> tuple[str, str]:
    """Fault and remedy of our own validators, which write `fault; remedy`."""
    text = error["msg"].removeprefix("Value error, ")
    fault, separator, remedy = text.partition("; ")
    return fault, remedy if separator else "see the description of the key"


def _is_scalar(value: object) -> bool:
    return isinstance(value, str | int | float)


def _keys_remedy(known: Sequence[str]) -> str:
    return f"remove it; the keys here are {listed(known, 'and')}"


def _missing_remedy(parent: object, key: str) -> str:
    field = parent.model_fields.get(key) if isinstance(parent, type) and issubclass(parent, BaseModel) else None
    text = (field.description or "") if field else ""
    about = text.replace("\n", " ").split(". ")[0].split(": ")[0].rstrip(".")
    return f"add '{key}:'" + (f" ({about})" if about else "")


def steps(loc: Sequence[int | str], raw: object, model: object) -> list[int | str]:
    """The location without what only pydantic knows: the arms of unions, and marks of keys."""
    found: list[int | str] = []
    here, wanted = raw, model
    for part in loc:
        if part == "[key]":
            continue
        wanted, within = _within(wanted, part), wanted
        said = [here.get(key) for key in _DISCRIMINATORS if here.get(key)] if isinstance(here, Mapping) else []
        # Only a union has arms: elsewhere a key may be called as the value of `kind`.
        if not isinstance(_plain(within), type) and (part in said or (not said and _arm(within, part))):
            continue
        if isinstance(here, Mapping):
            here = here.get(part)
        elif isinstance(here, Sequence) and isinstance(part, int) and part < len(here):
            here = here[part]
        found.append(part)
    return found


def _at_place(values: Any, place: Sequence[int | str]) -> object:
    for step in place:
        values = values[step]
    return values


def written(place: Sequence[int | str]) -> str:
    """The path of a value in the file's spelling: `cluster.admins[0]`."""
    text = ""
    for step in place:
        text += f"[{step}]" if isinstance(step, int) else f".{step}"
    return text.removeprefix(".") or "the stack"


def _at(model: object, loc: Sequence[int | str]) -> object:
    """The type expected at a location; None outside of models."""
    here: object = model
    for part in loc:
        here = _within(here, part)
    return _plain(here)


def _within(here: object, part: int | str) -> object:
    """The type of a part, or the arm that it names."""
    return _arm(here, part) or _step(_plain(here), part)


def _arm(here: object, part: int | str) -> type[BaseModel] | None:
    """The arm of a union by kind that a part names."""
    marks = (mark for each in (here, *typing.get_args(here)) for mark in getattr(each, "__metadata__", ()))
    if not any(isinstance(mark, ByKind) for mark in marks):
        return None
    return next((arm for arm in by_kind.arms(_plain(here)) if part in by_kind.tags(arm)), None)


def _step(here: object, part: int | str) -> object:
    if isinstance(here, type) and issubclass(here, BaseModel):
        field = here.model_fields.get(str(part))
        if field is None:
            return None
        return typing.Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
    if isinstance(here, type) and dataclasses.is_dataclass(here):
        return typing.get_type_hints(here).get(str(part))
    arms = typing.get_args(here)
    if typing.get_origin(here) in (dict, tuple):
        return arms[1] if typing.get_origin(here) is dict else arms[0]
    return next((arm for arm in arms if part in _tags(arm)), None)


def _plain(annotation: object) -> object:
    """The annotation without metadata and without None."""
    while typing.get_origin(annotation) is typing.Annotated:
        annotation = typing.get_args(annotation)[0]
    arms = [arm for arm in typing.get_args(annotation) if arm is not type(None)]
    if len(arms) == 1 and len(typing.get_args(annotation)) == 2:
        return _plain(arms[0])
    return annotation


def _keys(here: object) -> list[str]:
    if isinstance(here, type) and issubclass(here, BaseModel):
        return sorted(here.model_fields, key=lambda key: key not in _DISCRIMINATORS)
    if isinstance(here, type) and dataclasses.is_dataclass(here):
        return [field.name for field in dataclasses.fields(here)]
    return []


def _tags(here: object) -> list[str]:
    """The values of the discriminating key."""
    if isinstance(here, type) and issubclass(here, BaseModel):
        fields = [here.model_fields[key] for key in _DISCRIMINATORS if key in here.model_fields]
        return [str(choice) for field in fields for choice in typing.get_args(field.annotation)]
    return [tag for arm in typing.get_args(here) for tag in _tags(arm)]
