"""The readable part of wrong settings: every value that is valid by itself, at every depth."""

import json
import typing
from collections.abc import Mapping, Sequence
from functools import cache
from types import new_class
from typing import Any, cast

from pydantic import BaseModel, TypeAdapter, ValidationError

from llmplatform.checks.problems import nearest
from llmplatform.specs import by_kind
from llmplatform.specs.stack import AlicloudStack, AwsStack, Stack

Location = tuple[int | str, ...]
"""Path of a value in the file."""


class Unread(Exception):
    """A rule asks for a setting that cannot be read."""


def partial(kind: type[AwsStack] | type[AlicloudStack], raw: Mapping[str, object], faulty: Sequence[Location]) -> Stack:
    """Plain settings as a stack whose faulty settings raise `Unread` when a rule asks for them.

    `faulty` locates the faults. A fault at a group of keys concerns their combination, not each key.
    """
    return cast(Stack, _group(kind, raw, faulty))


def _group(kind: type[BaseModel], raw: Mapping[str, object], faulty: Sequence[Location]) -> BaseModel:
    # A rule sees neither a misspelt key nor the default of the setting that it was meant for.
    meant = {nearest(key, kind.model_fields) for key in raw if key not in kind.model_fields}
    values: dict[str, object] = {}
    for name, field in kind.model_fields.items():
        if name in raw and field.annotation is not None:
            value = _value(field.annotation, raw[name], [each[1:] for each in faulty if each[:1] == (name,)])
            if value is not _NOTHING:
                values[name] = value
        elif name not in meant and not field.is_required():
            values[name] = field.get_default(call_default_factory=True)
    group = (kind if len(values) == len(kind.model_fields) else _partial(kind)).model_construct(**cast(Any, values))
    for name in group.__dict__.keys() - values.keys():
        object.__delattr__(group, name)  # The file meant a value here: hide the default.
    return group


@cache
def _partial(kind: type[BaseModel]) -> type[BaseModel]:
    """The class of a group that lacks some of its settings."""

    def missing(group: BaseModel, name: str) -> object:
        raise Unread(name) if name in kind.model_fields else AttributeError(name)

    body = {"__getattr__": missing, "__module__": __name__, "model_config": {"defer_build": True}}
    return new_class(kind.__name__, (kind,), exec_body=lambda namespace: namespace.update(body))


_NOTHING = object()


def _value(kind: object, raw: object, faulty: Sequence[Location]) -> object:
    """The value; a group or table of groups without its faults; nothing if it is wrong as a whole."""
    if not faulty:
        try:
            return _adapter(kind).validate_json(json.dumps(raw), strict=True)
        except ValidationError:
            return _NOTHING
    if not isinstance(raw, Mapping):
        return _NOTHING
    group, entries = _chosen(kind, raw), cast(Mapping[str, object], raw)
    if group:
        return _group(group, entries, faulty)
    entry = _entry(kind)
    if entry is None or () in faulty:
        return _NOTHING
    if entry is str:
        # Rules do not check the form of a text.
        return {name: str(value) for name, value in entries.items()}
    each = {name: [rest[1:] for rest in faulty if rest[:1] == (name,)] for name in entries}
    return {
        name: _group(
            cast(type[BaseModel], entry),
            cast(Mapping[str, object], value) if isinstance(value, Mapping) else {},
            each[name],
        )
        for name, value in entries.items()
    }


_ADAPTERS: dict[int, tuple[object, TypeAdapter[object]]] = {}
"""Keyed by identity, because types with metadata cannot be compared; kept alive, so that ids stay unique."""


def _adapter(kind: object) -> TypeAdapter[object]:
    if id(kind) not in _ADAPTERS:
        _ADAPTERS[id(kind)] = kind, TypeAdapter[object](cast(Any, kind))
    return _ADAPTERS[id(kind)][1]


def _chosen(kind: object, raw: object) -> type[BaseModel] | None:
    """The class of a group of keys. Among several classes, the group's discriminator chooses."""
    groups = [arm for arm in _arms(kind) if isinstance(arm, type) and issubclass(arm, BaseModel)]
    return by_kind.chosen(groups, cast(Mapping[str, object], raw)) if len(groups) > 1 else next(iter(groups), None)


def _entry(kind: object) -> type[BaseModel] | type[str] | None:
    """The class of a table's entries, if they are groups or texts."""
    tables = [arm for arm in _arms(kind) if typing.get_origin(arm) is dict]
    entries = _arms(typing.get_args(tables[0])[1]) if tables else []
    return next((each for each in entries if isinstance(each, type) and issubclass(each, BaseModel | str)), None)


def _arms(kind: object) -> list[object]:
    while typing.get_origin(kind) is typing.Annotated:
        kind = typing.get_args(kind)[0]
    if isinstance(kind, type) or typing.get_origin(kind) is dict:
        return [kind]
    if typing.get_origin(kind) is tuple:
        return []  # A list is read completely or not at all.
    return [each for arm in typing.get_args(kind) for each in _arms(arm)]
