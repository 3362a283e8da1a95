"""Templates in facts.toml for values that the cloud makes up.

`{id}`, `{region}`, `{account}`, `{partition}`, `{now}`, `{epoch}` (seconds), `{each}`; a path of the object's own
properties (`{tag.key}`); `{path>output}` for an output of the object that a reference points at; and fresh values:
`{uuid}`, `{ipv4}` (public, by the object's number `serial`), `{privateIpv4}`, `{hexN}`, `{upperN}`, `{digitsN}` with N
characters. `{{` and `}}` are braces. A string that is one path alone keeps the type of its value; a path that is absent
gives an empty string.
"""

import ipaddress
import re
import secrets
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, cast

_TOKEN = re.compile(r"\{\{|\}\}|\{([^{}]+)\}")
_COUNTED = re.compile(r"^(hex|upper|digits)(\d+)$")
_ALPHABETS = {"hex": "0123456789abcdef", "upper": "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", "digits": "0123456789"}
_PUBLIC = ipaddress.IPv4Network("198.18.0.0/15")
"""No host on the internet has one of these (RFC 6890, 2.2.2)."""

Follow = Callable[[str, str], Any]
"""(path of a reference, output of its target) → value."""


def get(values: Mapping[str, Any], path: str) -> Any:
    """The value at a concrete path (`a.b[0].c`), None where it is absent."""
    found: Any = values
    for step in re.findall(r"[^.\[\]]+", path):
        if isinstance(found, list):
            found = found[int(step)] if int(step) < len(found) else None
        else:
            found = found.get(step) if isinstance(found, Mapping) else None
    return found


def put(values: dict[str, Any], path: str, value: Any, *, append: bool = False) -> None:
    """Set a dotted path, making the objects on the way."""
    *parents, last = path.split(".")
    for step in parents:
        inner = values.get(step)
        values[step] = dict(inner) if isinstance(inner, Mapping) else {}
        values = values[step]
    values[last] = [*values.get(last, []), value] if append else value


def render(template: Any, values: Mapping[str, Any], follow: Follow) -> Any:
    """A template, or a list or mapping of them, with its values filled in."""
    if isinstance(template, Mapping):
        return {key: render(inner, values, follow) for key, inner in template.items()}
    if isinstance(template, (list, tuple)):
        return [render(inner, values, follow) for inner in template]
    if not isinstance(template, str):
        return template
    alone = _TOKEN.fullmatch(template)
    if alone and alone[1]:
        return _value(alone[1], values, follow)

    def text(match: re.Match[str]) -> str:
        if not match[1]:
            return match[0][0]
        value = _value(match[1], values, follow)
        return "" if value is None else str(value)

    return _TOKEN.sub(text, template)


def _value(token: str, values: Mapping[str, Any], follow: Follow) -> Any:
    counted = _COUNTED.match(token)
    if counted:
        return "".join(secrets.choice(_ALPHABETS[counted[1]]) for _ in range(int(counted[2])))
    match token:
        case "uuid":
            return str(uuid.uuid4())
        case "now":
            return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        case "epoch":
            return int(datetime.now(UTC).timestamp())
        case "ipv4":
            # One drawn at random is soon another object's, too, and what looks for an address finds the wrong one.
            return str(_PUBLIC[values["serial"] % _PUBLIC.num_addresses])
        case "privateIpv4":
            return f"10.{secrets.randbelow(256)}.{secrets.randbelow(256)}.{secrets.randbelow(254) + 1}"
        case _ if ">" in token:
            return follow(*token.split(">", 1))
        case _:
            return get(values, token)


def with_cloud_made(before: Any, asked: Any, value: Any) -> Any:
    """A changed property with the parts that the cloud itself added (an id, a group)."""
    if not isinstance(value, Mapping) or not isinstance(before, Mapping):
        return value
    given = cast(Mapping[str, Any], asked or {})
    kept = {key: part for key, part in cast(Mapping[str, Any], before).items() if key not in given}
    return {**kept, **cast(Mapping[str, Any], value)}
