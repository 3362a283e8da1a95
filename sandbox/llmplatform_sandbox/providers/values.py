"""Property values between the engine and a provider, in plain Python.

Shapes: `dict`, `list`, `str`, `int`, `float`, `bool`, `None`, plus `UNKNOWN` (computed, not known in a preview) and
`Secret(value)`. Whole numbers come in as `int`. Assets and archives become `Asset(kind, fields)`.
The signatures are the engine's wire protocol, as in `pulumi.runtime.rpc`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, Literal

from google.protobuf import struct_pb2

_SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
_SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - marks secrets, is none
_OUTPUT: Final = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
_RESOURCE: Final = "5cf8f73096256a8f31e491e813e4eb8e"
_ASSETS: Final[dict[str, Literal["asset", "archive"]]] = {
    "c44067f5952c0a294b673a41bacd8c17": "asset",
    "0def7320c3a5731c473e5ecbe6d01bc7": "archive",
}
_UNKNOWN_STRING: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
_UNKNOWNS: Final = frozenset(
    {
        _UNKNOWN_STRING,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # bool
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # number
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # array
        "030794c1-ac77-496b-92df-f27374a8bd58",  # asset
        "e48ece36-62e2-4504-bad9-02848725956a",  # archive
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # object
    }
)


class Unknown(Enum):
    """The type of `UNKNOWN`: an enum of one member, so that a type checker narrows `value is UNKNOWN`."""

    UNKNOWN = "unknown"

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown.UNKNOWN
"""A value that a preview cannot know yet."""


@dataclass(frozen=True)
class Secret:
    """A value that must not be shown or stored in clear. Never nested in another `Secret`."""

    value: Any = field(repr=False)


@dataclass(frozen=True)
class Asset:
    """A file or archive by reference, passed through unchanged."""

    kind: Literal["asset", "archive"]
    fields: Mapping[str, Any]


def to_plain(value: struct_pb2.Value) -> Any:
    """One wire value as plain Python."""
    match value.WhichOneof("kind"):
        case "string_value":
            return UNKNOWN if value.string_value in _UNKNOWNS else value.string_value
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() and abs(number) < 2**63 else number
        case "bool_value":
            return value.bool_value
        case "list_value":
            return [to_plain(item) for item in value.list_value.values]
        case "struct_value":
            return _plain_struct(value.struct_value)
        case _:
            return None


def _plain_struct(struct: struct_pb2.Struct) -> Any:
    fields = struct.fields
    signature = fields[_SIGNATURE].string_value if _SIGNATURE in fields else ""
    if not signature:
        return {key: to_plain(item) for key, item in fields.items()}
    rest = {key: to_plain(item) for key, item in fields.items() if key != _SIGNATURE}
    if signature == _SECRET:
        return secret(rest.get("value"))
    if signature == _OUTPUT:
        inner = rest.get("value", UNKNOWN)
        return secret(inner) if rest.get("secret") else inner
    if signature == _RESOURCE:
        return rest.get("id") or rest.get("urn")
    if signature in _ASSETS:
        return Asset(_ASSETS[signature], rest)
    raise ValueError(f"a property value carries the signature {signature}, which this provider does not know")


def from_event(value: Any) -> Any:
    """A property value from the engine's events (JSON) as plain Python; a secret as `Secret(None)`."""
    match value:
        case str():
            return UNKNOWN if value in _UNKNOWNS else value
        case list():
            return [from_event(item) for item in value]
        case Mapping():
            signature = value.get(_SIGNATURE, "")
            if signature == _SECRET:
                return Secret(None)
            rest = {key: from_event(item) for key, item in value.items() if key != _SIGNATURE}
            return Asset(_ASSETS[signature], rest) if signature in _ASSETS else rest
        case _:
            return value


def to_wire(value: Any) -> struct_pb2.Value:
    """Plain Python as one wire value. Raises `TypeError` on anything outside the shapes of this module."""
    match value:
        case None:
            return struct_pb2.Value(null_value=struct_pb2.NULL_VALUE)
        case Unknown():
            return struct_pb2.Value(string_value=_UNKNOWN_STRING)
        case Secret():
            fields = {_SIGNATURE: struct_pb2.Value(string_value=_SECRET), "value": to_wire(value.value)}
            return struct_pb2.Value(struct_value=struct_pb2.Struct(fields=fields))
        case Asset():
            signature = next(key for key, kind in _ASSETS.items() if kind == value.kind)
            fields = {_SIGNATURE: struct_pb2.Value(string_value=signature)}
            fields |= {key: to_wire(item) for key, item in value.fields.items()}
            return struct_pb2.Value(struct_value=struct_pb2.Struct(fields=fields))
        case bool():
            return struct_pb2.Value(bool_value=value)
        case int() | float():
            return struct_pb2.Value(number_value=value)
        case str():
            return struct_pb2.Value(string_value=value)
        case Mapping():
            return struct_pb2.Value(struct_value=struct_to_wire(value))
        case list() | tuple():
            return struct_pb2.Value(list_value=struct_pb2.ListValue(values=[to_wire(item) for item in value]))
        case _:
            raise TypeError(f"cannot send a {type(value).__name__} to the engine")


def struct_to_plain(struct: struct_pb2.Struct) -> dict[str, Any]:
    """The properties of a resource as plain Python."""
    return {key: to_plain(item) for key, item in struct.fields.items()}


def struct_to_wire(values: Mapping[str, Any]) -> struct_pb2.Struct:
    """The properties of a resource for the wire. Keys whose value is `UNKNOWN` stay, as computed values."""
    return struct_pb2.Struct(fields={str(key): to_wire(item) for key, item in values.items()})


def secret(value: Any) -> Secret:
    """`value` as a secret, without nesting."""
    return Secret(unwrap_secrets(value))


def unwrap_secrets(value: Any) -> Any:
    """A deep copy without `Secret` wrappers. It is in clear: never log it."""
    return _map(value, lambda leaf: unwrap_secrets(leaf.value) if isinstance(leaf, Secret) else leaf)


def contains_unknown(value: Any) -> bool:
    """Whether a value, or anything inside it, is unknown."""
    return any(leaf is UNKNOWN for leaf in _leaves(value))


def contains_secret(value: Any) -> bool:
    """Whether a value, or anything inside it, is a secret."""
    match value:
        case Secret():
            return True
        case Mapping():
            return any(contains_secret(item) for item in value.values())
        case list() | tuple():
            return any(contains_secret(item) for item in value)
        case _:
            return False


def mark_secrets(value: Any, like: Any) -> Any:
    """`value` with `Secret` at every place where `like` (of the same shape, as far as it goes) has one."""
    if isinstance(like, Secret):
        return secret(value)
    if isinstance(value, Mapping) and isinstance(like, Mapping):
        return {key: mark_secrets(item, like[key]) if key in like else item for key, item in value.items()}
    if isinstance(value, list) and isinstance(like, list):
        return [mark_secrets(item, like[i]) if i < len(like) else item for i, item in enumerate(value)]
    return value


def completed(given: Any, old_inputs: Any, old_outputs: Any) -> Any:
    """An object of the inputs with the cloud's own additions, which an update keeps."""
    if not (isinstance(given, Mapping) and isinstance(old_inputs, Mapping) and isinstance(old_outputs, Mapping)):
        return given
    added = {key: value for key, value in old_outputs.items() if key not in old_inputs and key not in given}
    return {
        **added,
        **{key: completed(value, old_inputs.get(key), old_outputs.get(key)) for key, value in given.items()},
    }


def _map(value: Any, leaf: Callable[[Any], Any]) -> Any:
    match value:
        case Mapping():
            return {key: _map(item, leaf) for key, item in value.items()}
        case list() | tuple():
            return [_map(item, leaf) for item in value]
        case _:
            return leaf(value)


def _leaves(value: Any) -> Iterator[Any]:
    match value:
        case Secret():
            yield from _leaves(value.value)
        case Mapping():
            for item in value.values():
                yield from _leaves(item)
        case list() | tuple():
            for item in value:
                yield from _leaves(item)
        case _:
            yield value
