"""The values that AWS accepts for a property, from the service models inside botocore (no client is built)."""

import gzip
import json
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def shapes(service: str) -> dict[str, Any]:
    """The shapes of a service's model, by name."""
    versions = files("botocore") / "data" / service
    latest = max((entry for entry in versions.iterdir() if entry.is_dir()), key=lambda entry: entry.name)
    packed = latest / "service-2.json.gz"
    text = gzip.decompress(packed.read_bytes()) if packed.is_file() else (latest / "service-2.json").read_bytes()
    return json.loads(text)["shapes"]


@cache
def values(name: str) -> tuple[str, ...]:
    """The members of an enumeration such as `eks.AMITypes`. Raises KeyError if botocore has none of that name."""
    service, _, shape = name.partition(".")
    members = shapes(service)[shape].get("enum")
    if members is None:
        raise KeyError(f"{name}: not an enumeration")
    return tuple(members)
