"""A resource type in a cloud's Pulumi SDK: names, nesting, types, required and deprecated properties.

Read from the classes of the installed SDK at a type's first use, so that it is always the program's version.
Needs the SDK's conventions: `<Type>Args` beside `<Type>`, getters that carry the wire name in `_pulumi_name`,
and `_pulumi_deprecated_callable` around deprecated ones.
"""

import importlib
import inspect
import re
import sys
import threading
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Any, Literal

Kind = Literal["string", "integer", "number", "boolean", "any", "list", "map", "object"]
_TOKEN = re.compile(r"^(?P<package>\w+):(?P<module>[\w-]+)/\w+:(?P<cls>\w+)$")
_SCALARS: Mapping[object, Kind] = {str: "string", int: "integer", float: "number", bool: "boolean"}


class UnknownType(LookupError):
    """The SDK has no such resource type."""


@dataclass(frozen=True)
class Shape:
    """The type of one property."""

    kind: Kind
    item: "Shape | None" = None
    """Of a list or a map."""
    cls: type | None = None
    """Of an object: the SDK class that names its fields."""
    text: bool = False
    """Whether a string is accepted in place of an object (policy documents)."""

    @property
    def fields(self) -> Mapping[str, "Property"]:
        """Of an object, by wire name; none for other kinds."""
        return properties(self.cls) if self.cls is not None else {}


@dataclass(frozen=True)
class Property:
    """One property by its wire name."""

    name: str
    shape: Shape
    required: bool
    deprecated: str | None = None
    """The SDK's message, of a deprecated one."""


_IMPORTING = threading.Lock()
"""The SDKs' modules import one another: two threads that begin at different ends would see incomplete modules."""


@dataclass(frozen=True)
class ResourceSchema:
    """Inputs and outputs of a resource type by wire name. Outputs include the inputs that the provider returns."""

    token: str
    inputs: Mapping[str, Property]
    outputs: Mapping[str, Property]


@cache
def resource(token: str) -> ResourceSchema:
    """The schema of a type token such as `aws:eks/nodeGroup:NodeGroup`. Raises `UnknownType`."""
    match = _TOKEN.match(token)
    if match is None:
        raise UnknownType(f"{token}: not a resource type; write package:module/file:Class")
    module_name = f"pulumi_{match['package']}.{match['module']}"
    try:
        with _IMPORTING:
            cls = getattr(importlib.import_module(module_name), match["cls"])
        own = sys.modules[cls.__module__]
        # If a nested type has the resource's name, the SDK calls the resource's own arguments InitArgs.
        args = next(vars(own)[name] for name in (f"{match['cls']}InitArgs", f"{match['cls']}Args") if name in vars(own))
    except (ImportError, AttributeError, StopIteration) as error:
        raise UnknownType(f"{token}: the installed pulumi_{match['package']} has no such type") from error
    return ResourceSchema(token, properties(args), properties(cls))


def inputs(type_: str) -> Mapping[str, Property]:
    """The inputs of a type by wire name; none for a kind that only the cloud creates."""
    return resource(type_).inputs if ":" in type_ else {}


@cache
def provider_arguments(package: str) -> Mapping[str, Property]:
    """The configuration that a package's provider accepts, by wire name."""
    return properties(importlib.import_module(f"pulumi_{package}").ProviderArgs)


@cache
def properties(cls: type) -> Mapping[str, Property]:
    """The properties of an SDK class, by wire name."""
    found: dict[str, Property] = {}
    for python_name, member in inspect.getmembers(cls, lambda value: isinstance(value, property)):
        getter = member.fget
        deprecated = getattr(getter, "_pulumi_deprecated_callable", None)
        plain: Any = deprecated or getter
        name = getattr(getter, "_pulumi_name", None) or getattr(plain, "_pulumi_name", None)
        if name is None or python_name.startswith("pulumi_resource_"):
            continue
        shape, required = _shape(_hint(plain))
        found[name] = Property(name, shape, required, _message(getter) if deprecated else None)
    return found


def _hint(getter: Any) -> Any:
    import pulumi.output

    while hasattr(getter, "__wrapped__"):
        getter = getter.__wrapped__
    module = sys.modules[getter.__module__]
    return typing.get_type_hints(getter, {**vars(pulumi.output), **vars(module)}).get("return", Any)


def _message(getter: Any) -> str:
    """The SDK keeps the deprecation's text only in the closure of the getter."""
    for cell in getter.__closure__ or ():
        if isinstance(cell.cell_contents, str) and " " in cell.cell_contents:
            return cell.cell_contents
    return "deprecated"


def _arms(hint: Any) -> Sequence[Any]:
    """Members of a union, without the arms for later values (Output, Awaitable).

    Those are forward references of the SDK that Python evaluates once per process, with an arbitrary type variable:
    their content is useless. Only a single Output, as resources have, is inspected.
    """
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return [arm for member in typing.get_args(hint) if not _carries_later(member) for arm in _arms(member)]
    if _carries_later(hint):
        inner = typing.get_args(hint)
        return _arms(inner[0]) if inner and not isinstance(inner[0], typing.TypeVar) else []
    return [] if isinstance(hint, typing.TypeVar) else [hint]


def _carries_later(hint: Any) -> bool:
    return getattr(typing.get_origin(hint) or hint, "__name__", "") in ("Output", "Awaitable")


def _shape(hint: Any) -> tuple[Shape, bool]:
    arms = _arms(hint)
    required = type(None) not in arms
    kinds = [_plain(arm) for arm in arms if arm is not type(None)]
    objects = [shape for shape in kinds if shape.kind == "object"]
    if objects:
        return Shape("object", cls=objects[0].cls, text=any(shape.kind == "string" for shape in kinds)), required
    return (kinds[0] if kinds else Shape("any")), required


def _plain(arm: Any) -> Shape:
    if arm in _SCALARS:
        return Shape(_SCALARS[arm])
    origin, inner = typing.get_origin(arm), typing.get_args(arm)
    if origin is not None and issubclass(origin, Mapping):
        return Shape("map", item=_shape(inner[1])[0])
    if origin is not None and issubclass(origin, Sequence):
        return Shape("list", item=_shape(inner[0])[0])
    if isinstance(arm, type) and issubclass(arm, Enum):
        return Shape("string")
    if isinstance(arm, type) and (hasattr(arm, "_pulumi_input_type") or hasattr(arm, "_pulumi_output_type")):
        return Shape("object", cls=arm)
    return Shape("any")
