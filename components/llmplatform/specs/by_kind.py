"""A union with the discriminator `kind`, and a default arm for groups without it."""

import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from pydantic import BaseModel, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema


@dataclass(frozen=True)
class ByKind:
    """Marks a union as one by `kind`: `Annotated[A | B, ByKind()]`.

    The arm whose `kind` has a default is chosen if a group has none. All others require it, so that a group matches
    only one arm in the JSON schema, too. Pydantic's own discriminator has no default, and accepts no union of one.
    """

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        found = {tag: arm for arm in arms(source) for tag in tags(arm)}
        default = next((tag for tag, arm in found.items() if _default(arm) == tag), None)

        def kind(value: object) -> object:
            if isinstance(value, Mapping):
                return cast(Mapping[str, object], value).get("kind", default)
            # The arm reports a value that is no group.
            return getattr(value, "kind", default)

        choices = {tag: handler.generate_schema(arm) for tag, arm in found.items()}
        return core_schema.tagged_union_schema(cast(Any, choices), discriminator=cast(Any, kind))


def arms(union: object) -> list[type[BaseModel]]:
    """The models of a union; a single model is its own union."""
    return [cast(type[BaseModel], each) for each in typing.get_args(union) or (union,)]


def tags(arm: type[BaseModel]) -> tuple[str, ...]:
    """The kinds that choose an arm."""
    return typing.get_args(arm.model_fields["kind"].annotation)


def chosen(union: Sequence[type[BaseModel]], group: Mapping[str, object]) -> type[BaseModel] | None:
    """The arm of a group of keys; None if it matches none of them."""
    return next((arm for arm in union if group.get("kind", _default(arm)) in tags(arm)), None)


def _default(arm: type[BaseModel]) -> object:
    return arm.model_fields["kind"].default
