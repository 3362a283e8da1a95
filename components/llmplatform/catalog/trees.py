"""Trees of values: mappings by key, such as a chart's values."""

from collections.abc import Mapping
from typing import Any, cast


def merged(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Both, merged mapping by mapping; anything else of the second wins."""
    both = {**first, **second}
    for key in first.keys() & second.keys():
        if isinstance(first[key], Mapping) and isinstance(second[key], Mapping):
            both[key] = merged(cast(Mapping[str, Any], first[key]), cast(Mapping[str, Any], second[key]))
    return both
