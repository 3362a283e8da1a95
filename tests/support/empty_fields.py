"""Fields of a manifest that an API server does not keep."""

from typing import Any

EMPTY_ON_PURPOSE = ("emptyDir", "namespaceSelector", "podSelector", "selfSigned")
"""Pointers to structures: empty, they mean something, and an API server keeps them."""


def empty(part: Any, where: str = "") -> list[str]:
    """Fields that an API server leaves out, because they are empty: each update would find them missing."""
    if isinstance(part, list) and part:
        return [found for number, each in enumerate(part) for found in empty(each, f"{where}[{number}]")]
    if isinstance(part, dict) and part:
        return [found for key, each in part.items() for found in empty(each, f"{where}.{key}")]
    missing = part in ("", [], {}, None) and where.rpartition(".")[2] not in EMPTY_ON_PURPOSE
    return [where] if missing else []
