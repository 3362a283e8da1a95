"""The official releases of the tools: `releases.toml`, read for the machine that it runs on.

Only Linux on amd64 and arm64 has them: Kubernetes releases its servers for nothing else.
"""

import hashlib
import os
import platform
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from llmplatform_sandbox.toolchain.tools import Tool

MIRROR = "LLMPLATFORM_TOOLS_MIRROR"
_ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


@dataclass(frozen=True, kw_only=True)
class Asset:
    """One file of a release."""

    url: str
    """Official address."""
    members: Mapping[str, str]
    """Name of a binary → its path in the archive; an empty path: the file is the binary."""
    checksums: str
    """Official address of the checksum file; empty where `sha256` is pinned."""
    sha256: str
    """Pinned SHA-256 in hex; empty where the checksum file counts."""

    @property
    def file(self) -> str:
        """Name of the file."""
        return self.url.rpartition("/")[2]


@dataclass(frozen=True, kw_only=True)
class Release:
    """What a tool is downloaded from."""

    tool: Tool
    assets: tuple[Asset, ...]

    @property
    def folder_name(self) -> str:
        """Name of the tool's folder in the cache; changes with addresses and pins."""
        digest = hashlib.sha256(repr(self.assets).encode())
        return f"{self.tool.name}-{self.tool.version}-release-{digest.hexdigest()[:12]}"


def release_of(tool: Tool) -> Release | None:
    """The release for this machine; None where there is none."""
    row = rows().get(tool.name)
    architecture = _ARCHITECTURES.get(platform.machine().lower())
    if row is None or sys.platform != "linux" or architecture is None:
        return None
    return _release(tool, row, architecture)


@cache
def rows() -> Mapping[str, Mapping[str, Any]]:
    """`releases.toml` as it is written: name of the tool → its row."""
    return tomllib.loads((Path(__file__).parent / "releases.toml").read_text())


def mirrored(url: str) -> str:
    """The address to ask: `$LLMPLATFORM_TOOLS_MIRROR/<host>/<path>` when that is set, else the official one."""
    mirror = os.environ.get(MIRROR, "").rstrip("/")
    parts = urlsplit(url)
    return f"{mirror}/{parts.netloc}{parts.path}" if mirror else url


def _release(tool: Tool, row: Mapping[str, Any], architecture: str) -> Release:
    pinned = row.get("sha256", {}).get(architecture, "")
    words = {
        "version": tool.version,
        "number": tool.version.removeprefix("v"),
        "arch": row.get("architectures", {}).get(architecture, architecture),
    }
    files: dict[str, dict[str, str]] = {}
    for binary in tool.binaries:
        members = files.setdefault(row["url"].format(**words, binary=binary), {})
        members[binary] = row.get("member", "").format(**words, binary=binary)
    return Release(
        tool=tool,
        assets=tuple(
            Asset(
                url=url,
                members=members,
                checksums="" if pinned else row["checksums"].format(**words, binary=next(iter(members))),
                sha256=pinned,
            )
            for url, members in files.items()
        ),
    )
