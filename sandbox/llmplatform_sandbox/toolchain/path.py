"""Finds tools on PATH that are recent enough."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from llmplatform_sandbox.toolchain.tools import Recent, Tool, numbers

_ANSWERS_WITHIN: Final = 30.0
"""Seconds that a binary has to print its version, on a busy machine too."""


def said(command: Sequence[str], **variables: str) -> str:
    """What a command prints; empty where it cannot be run, e.g. of another architecture, or does not end."""
    try:
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, **variables},
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=_ANSWERS_WITHIN,
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""


def on_path(tool: Tool) -> tuple[dict[str, Path], str] | None:
    """Paths of the tool's binaries and their version; None unless all are there, of one recent version."""
    if not tool.recent:
        return None
    # In the shell of a sandbox the first on PATH is our own stand-in.
    folders = os.environ.get("PATH", "").split(os.pathsep)
    others = os.pathsep.join(each for each in folders if ".sandbox" not in Path(each).parts)
    found = {binary: path for binary in tool.binaries if (path := shutil.which(binary, path=others))}
    if len(found) < len(tool.binaries):
        return None
    versions = {_version(path, tool.recent) for path in found.values()}
    version = versions.pop()
    if versions or not version or not tool.recent.takes(version):
        return None
    return {binary: Path(path) for binary, path in found.items()}, "v" + ".".join(map(str, version))


def _version(binary: str, recent: Recent) -> tuple[int, int, int] | None:
    try:
        return numbers(said([binary, *recent.arguments], PULUMI_SKIP_UPDATE_CHECK="true"))
    except ValueError:
        return None
