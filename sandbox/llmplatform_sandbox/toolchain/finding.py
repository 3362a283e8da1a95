"""Hands out the tools: from PATH, else from the cache, else downloaded into it, else built into it.

A tool that is neither taken from PATH nor released is built, whatever way is asked for.

One lock lets one process at a time fill the cache of a machine; the next finds the work done.
"""

import fcntl
import os
import shutil
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from llmplatform_sandbox.errors import SandboxError
from llmplatform_sandbox.paths import cache_folder
from llmplatform_sandbox.progress import Output, Report, silent
from llmplatform_sandbox.toolchain.builder import build_all
from llmplatform_sandbox.toolchain.downloads import SLOWEST, DownloadError, download
from llmplatform_sandbox.toolchain.path import on_path
from llmplatform_sandbox.toolchain.releases import Release, release_of
from llmplatform_sandbox.toolchain.tools import Recent, Tool

WAY = "LLMPLATFORM_TOOLS"
_WAYS = ("path", "download", "build")


@dataclass(frozen=True)
class Toolchain:
    """Paths of the binaries that were asked for."""

    binaries: dict[str, Path]
    """Name of the binary → absolute path."""
    versions: dict[str, str]
    """Name of the tool → version."""

    def __getitem__(self, binary: str) -> Path:
        return self.binaries[binary]


def ensure(tools: Sequence[Tool], *, report: Report = silent, cache: Path | None = None) -> Toolchain:
    """Return the tools, downloading or building first what is neither on PATH nor in the cache.

    `LLMPLATFORM_TOOLS` set to `path`, `download` or `build` leaves one way only; what can only be built is built all
    the same. Raises `SandboxError`: a tool that cannot be had in that way, or a build that fails, with the last lines
    of its output.
    """
    cache, way = cache or cache_folder(), _way()
    found = {tool.name: _found(tool, cache, way) for tool in tools}
    missing = [tool for tool in tools if not found[tool.name]]
    if missing:
        _fill(missing, cache, way, report)
        found |= {tool.name: _found(tool, cache, way) for tool in missing}
    there = {name: answer for name, answer in found.items() if answer}
    return Toolchain(
        {binary: path for binaries, _ in there.values() for binary, path in binaries.items()},
        {name: version for name, (_, version) in there.items()},
    )


def _way() -> str:
    way = os.environ.get(WAY, "")
    if way and way not in _WAYS:
        raise SandboxError(f"{WAY}={way}: write {', '.join(_WAYS[:-1])} or {_WAYS[-1]}, or unset it")
    return way


def _found(tool: Tool, cache: Path, way: str) -> tuple[dict[str, Path], str] | None:
    way = way if tool.recent else "build"
    if way in ("", "path") and (answer := on_path(tool)):
        return answer
    release = release_of(tool)
    folders = {"build": cache / tool.folder_name, "download": cache / release.folder_name if release else None}
    for made, folder in folders.items():
        # Half of a folder may have been deleted since.
        if folder and way in ("", made) and all(os.access(folder / binary, os.X_OK) for binary in tool.binaries):
            return {binary: folder / binary for binary in tool.binaries}, tool.version
    return None


def _fill(missing: Sequence[Tool], cache: Path, way: str, report: Report) -> None:
    absent = [_not_on_path(tool, tool.recent) for tool in missing if tool.recent]
    if way == "path" and absent:
        raise SandboxError("\n".join(absent))
    cache.mkdir(parents=True, exist_ok=True)
    with _locked(cache / ".lock"):
        waiting = [tool for tool in missing if not _found(tool, cache, way)]
        if waiting and way != "build":
            waiting = _downloaded(waiting, cache, way, report)
        if waiting:
            build_all(waiting, cache, report)
        shutil.rmtree(cache / ".download", ignore_errors=True)


def _downloaded(tools: Sequence[Tool], cache: Path, way: str, report: Report) -> list[Tool]:
    """Download what can be had, and return the rest, with a line for each refusal."""
    releases = {tool.name: release_of(tool) for tool in tools}
    slowest = 0 if way == "download" else SLOWEST

    def attempt(release: Release) -> str:
        try:
            download(release, cache, report, slowest=slowest)
        except DownloadError as error:
            return f"{release.tool.name} {release.tool.version}: {error}"
        return ""

    with ThreadPoolExecutor(max(len(tools), 1)) as pool:
        refused = [line for line in pool.map(attempt, [each for each in releases.values() if each]) if line]
    without = [
        f"{tool.name} {tool.version}: no release for this machine"
        for tool in tools
        if tool.recent and not releases[tool.name]
    ]
    if way == "download" and (refused or without):
        raise SandboxError(
            "\n".join([*refused, *without, f"{WAY}=download forbids to build it; unset that, or mend it"])
        )
    for line in refused:
        report(Output(text=f"{line}; it is built instead", severity="warning"))
    return [tool for tool in tools if not _found(tool, cache, way)]


def _not_on_path(tool: Tool, recent: Recent) -> str:
    binaries = ", ".join(tool.binaries)
    minimum = ".".join(map(str, recent.minimum))
    kind = f" and of the same {'minor' if recent.same == 2 else 'major'}"
    return f"{tool.name}: {WAY}=path, but PATH has no {binaries} of {minimum} or newer{kind}; install it, or unset that"


@contextmanager
def _locked(path: Path) -> Generator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
