"""The reference of stack files, from their models: every key, its type, default and meaning."""

import inspect
import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, is_dataclass
from enum import Enum
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import annotated_types
from pydantic import BaseModel, JsonValue
from pydantic.fields import FieldInfo
from source_docs import attributes

from llmplatform.specs.stack import STACKS

CLOUDS = {"aws": "AWS", "alicloud": "Alibaba Cloud"}
WORDS: Mapping[Any, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "`true` or `false`",
    Any: "anything",
    JsonValue: "anything",
}
ORDER = (
    *("environment", "cloud", "network", "cluster", "platform", "pools"),
    *("models", "addons", "services", "jobs", "mirrors", "outside", "secrets", "tags"),
)
"""Sections in reading order."""
DECIDES = ("kind", "provider")
"""Discriminators; the heading of an arm has its value."""
HEAD = """# Settings

This page lists every setting of a stack file below `llmplatform:`. Generated from the settings' models by `make docs`;
`llmplatform schema` prints the same for editors, and `llmplatform validate STACK` checks a file.

`NAME` is a name that you choose.
"""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One model at one place of the file."""

    path: str
    model: type
    choice: str
    """Its discriminator: `kind: new`; empty without one."""


def text() -> str:
    """The whole page."""
    found: dict[Part, list[str]] = {}
    for provider, stack in STACKS.items():
        for part in _parts("", stack):
            where = found.setdefault(part, [])
            # Several arms of a union may share a section.
            where += [provider] if provider not in where else []
    order = {name: place for place, name in enumerate(ORDER)}
    paths = sorted(
        {part.path for part in found if part.path and _fields(part.model)},
        key=lambda path: (order[path.split(".")[0]], path),
    )
    chapters = (_chapter({part: where for part, where in found.items() if part.path == path}) for path in paths)
    return "\n".join([HEAD, *_overview(), *chapters])


def _overview() -> Iterator[str]:
    root = next(iter(STACKS.values())).model_fields
    if missing := {*root} ^ {*ORDER}:
        raise ValueError(f"{', '.join(missing)}: give every section its place in ORDER")
    yield from ("| Section | Meaning |", "|---|---|")
    yield from (
        f"| `{name}` | {' '.join((root[name].description or '').split())} |" for name in ORDER if _filled(root[name])
    )
    yield ""


def _filled(section: FieldInfo) -> bool:
    """Whether a section has settings yet."""
    return any(_fields(model) for _, model in _models(section.annotation))


def _parts(path: str, model: type, choice: str = "") -> Iterator[Part]:
    yield Part(path=path, model=model, choice=choice)
    for name, field in _fields(model).items():
        below = f"{path}.{name}" if path else name
        arms = list(_models(field.annotation))
        for suffix, arm in arms:
            chosen = [
                f"{key}: {get_args(each.annotation)[0]}"
                for key, each in _fields(arm).items()
                if key in DECIDES
                and get_origin(each.annotation) is Literal
                and (len(arms) > 1 or len(get_args(each.annotation)) == 1)
            ]
            yield from _parts(below + suffix, arm, "".join(chosen))


def _models(annotation: Any) -> Iterator[tuple[str, type]]:
    """The models within a type, each with its path."""
    origin, args = get_origin(annotation), get_args(annotation)
    if inspect.isclass(annotation) and (issubclass(annotation, BaseModel) or is_dataclass(annotation)):
        yield "", annotation
    elif origin is dict:
        yield from ((f".NAME{suffix}", model) for suffix, model in _models(args[1]))
    elif origin is Annotated:
        yield from _models(args[0])
    else:
        for each in args:
            yield from _models(each)


def _fields(model: type) -> Mapping[str, FieldInfo]:
    """The fields of a model, also of one that is a plain dataclass of the catalog."""
    if issubclass(model, BaseModel):
        return model.model_fields
    hints = get_type_hints(model, include_extras=True)
    found = {each.name: each for each in attributes(model) if each.name in model.__dataclass_fields__}
    fields = {
        name: FieldInfo.from_annotation(hints[name])
        if each.default is None
        else FieldInfo.from_annotated_attribute(hints[name], getattr(model, name))
        for name, each in found.items()
    }
    for name, field in fields.items():
        field.description = found[name].doc
    return fields


def _chapter(parts: Mapping[Part, list[str]]) -> str:
    path = next(iter(parts)).path
    lines = [f"{'#' * min(4, 2 + path.replace('.NAME', '').count('.'))} `{path}`", ""]
    choices = dict.fromkeys(part.choice for part in parts)
    for choice in choices:
        arms = {where[0]: part.model for part, where in parts.items() if part.choice == choice for where in [where]}
        clouds = [where for part, where in parts.items() if part.choice == choice]
        everywhere = sum(map(len, clouds)) == len(STACKS)
        mark = f"**`{choice}`.** " if choice and len(choices) > 1 else ""
        said = dict.fromkeys(_sentence(model) for model in arms.values())
        only = "" if everywhere or choice.startswith("provider") else f" {CLOUDS[clouds[0][0]]} only."
        lines += [f"{mark}{' '.join(said)}{only}", "", "| Key | Type | Default | Meaning |", "|---|---|---|---|"]
        lines += _rows(arms, DECIDES if choice else ())
        files = dict.fromkeys(inspect.getfile(model).rsplit("llmplatform/", 1)[1] for model in arms.values())
        lines += ["", *(f"<sub>[{file}](../../components/llmplatform/{file})</sub>" for file in files), ""]
    return "\n".join(lines)


def _rows(arms: Mapping[str, type], said: Sequence[str]) -> Iterator[str]:
    """A row for each field but what is `said`; one that differs between the clouds has a row for each."""
    names = dict.fromkeys(name for model in arms.values() for name in _fields(model) if name not in said)
    for name in names:
        rows = {cloud: _row(_fields(model)[name]) for cloud, model in arms.items() if name in _fields(model)}
        same = len(set(rows.values())) == 1 and len(rows) == len(arms)
        for cloud, row in list(rows.items())[: 1 if same else None]:
            yield f"| `{name}`{'' if same else f' ({CLOUDS[cloud]})'} | {row} |"


def _sentence(model: type) -> str:
    return " ".join((model.__doc__ or "").split())


def _row(field: FieldInfo) -> str:
    kind = _type(field.annotation, field.metadata)
    meaning = " ".join((field.description or "").split())
    forms = " ".join(dict.fromkeys(_forms(field.annotation, field.metadata)))
    cells = (kind, _default(field), " ".join(filter(None, (meaning, forms))))
    return " | ".join(cell.replace("|", "\\|") for cell in cells)


def _type(annotation: Any, metadata: list[Any] | tuple[Any, ...] = ()) -> str:
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _type(args[0], args[1:])
    if origin is Literal:
        return ", ".join(f"`{each}`" for each in args)
    if origin in (Union, types.UnionType):
        arms = [each for each in args if each is not type(None)]
        if all(any(True for _ in _models(each)) for each in arms):
            return "section"
        return " or ".join(dict.fromkeys(_type(each, metadata) for each in arms))
    if origin is tuple:
        return f"list of {_type(args[0])}"
    if origin is dict:
        return "section per name" if any(True for _ in _models(args[1])) else f"{_type(args[1])} per key"
    if any(True for _ in _models(annotation)):
        return "section"
    if inspect.isclass(annotation) and issubclass(annotation, Enum):
        return ", ".join(f"`{each.value}`" for each in annotation)
    return WORDS[annotation] + _bounds(metadata)


def _bounds(metadata: list[Any] | tuple[Any, ...]) -> str:
    signs = {annotated_types.Ge: ("at least", "ge"), annotated_types.Gt: ("above", "gt")}
    signs |= {annotated_types.Le: ("at most", "le"), annotated_types.Lt: ("below", "lt")}
    flat = [one for each in metadata for one in (getattr(each, "metadata", None) or [each])]
    said = [
        f"{words} {getattr(each, attribute)}"
        for each in flat
        for kind, (words, attribute) in signs.items()
        if isinstance(each, kind)
    ]
    return f", {' and '.join(said)}" if said else ""


def _forms(annotation: Any, metadata: list[Any] | tuple[Any, ...] = ()) -> Iterator[str]:
    """The vocabulary's rule for a value."""
    for each in metadata:
        if rule := getattr(each, "rule", None):
            yield f"{rule[0].upper()}{rule[1:]}."
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        yield from _forms(args[0], args[1:])
    elif origin is not Literal:
        for each in args:
            yield from _forms(each)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**required**"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, BaseModel):
        choice = getattr(value, "kind", None)
        return f"`kind: {choice}`" if choice and len(list(_models(field.annotation))) > 1 else "see there"
    if value is None or value in ((), {}):
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value}`"
