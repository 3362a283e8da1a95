"""What Alibaba Cloud offers: versions of Kubernetes, NVIDIA drivers, service roles. The rows are in offered.toml."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from llmplatform_sandbox.citations import Cited


class Minor(Cited):
    """A minor version of Kubernetes on ACK."""

    releases: tuple[str, ...]
    """Exact versions, the newest first: new clusters get only that one; the others are for existing clusters."""


class Drivers(Cited):
    """The NVIDIA drivers that ACK installs."""

    versions: tuple[str, ...]
    default: str
    """The driver that it installs by default, and for an unknown version."""


class Role(Cited):
    """A service role, which an account's owner authorises once."""

    purpose: str
    """What fails without it."""


@cache
def _tables() -> Mapping[str, Any]:
    return tomllib.loads((files("llmplatform_sandbox.cloud.alicloud") / "offered.toml").read_text(encoding="utf-8"))


@cache
def versions() -> Mapping[str, Minor]:
    """The minors of ACK, the oldest first."""
    return {minor: Minor.model_validate(row) for minor, row in _tables()["kubernetes"].items()}


@cache
def drivers() -> Drivers:
    """The drivers of ACK."""
    return Drivers.model_validate(_tables()["drivers"])


@cache
def roles() -> Mapping[str, Role]:
    """The service roles by name."""
    return {name: Role.model_validate(row) for name, row in _tables()["roles"].items()}
