"""Builds the tools that are missing, two at a time, and hands out the paths of their binaries.

A build works in a temporary folder of the cache, with Go caches of its own (several GB, deleted afterwards), and
appears under its final name in one rename: a cache folder that exists is complete. One lock serialises builders on a
machine; whoever waited finds the work done.
"""

import fcntl
import os
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from llmplatform_sandbox.errors import SandboxError
from llmplatform_sandbox.paths import cache_folder
from llmplatform_sandbox.progress import Report, ToolBuild, silent
from llmplatform_sandbox.toolchain.go import find_go
from llmplatform_sandbox.toolchain.tools import PULUMI, Tool

PULUMI_MINIMUM = (3, 274)
"""Engines up to 3.260 follow every path of the dependencies after a failed deletion, for hours; 3.274 does not."""
_SIMULTANEOUS = 2
_HEARTBEAT = 5.0


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
    """Return the tools, building first what is in neither the cache nor (for Pulumi) on PATH.

    Raises `SandboxError` with the last lines of the build's output when a build fails.
    """
    cache = cache or cache_folder()
    binaries: dict[str, Path] = {}
    versions: dict[str, str] = {}
    missing: list[Tool] = []
    for tool in tools:
        on_path = _pulumi_on_path() if tool is PULUMI else None
        if on_path:
            binaries["pulumi"], versions["pulumi"] = on_path
            continue
        folder = cache / tool.folder_name
        binaries |= {binary: folder / binary for binary in tool.binaries}
        versions[tool.name] = tool.version
        if not _complete(tool, folder):
            missing.append(tool)
    if missing:
        _build_all(missing, cache, report)
    return Toolchain(binaries, versions)


def _pulumi_on_path() -> tuple[Path, str] | None:
    # In the shell of a sandbox the first on PATH is our own stand-in.
    folders = os.environ.get("PATH", "").split(os.pathsep)
    found = shutil.which("pulumi", path=os.pathsep.join(each for each in folders if ".sandbox" not in Path(each).parts))
    if not found:
        return None
    answer = subprocess.run(
        [found, "version"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"},
    )
    version = re.match(r"v?(\d+)\.(\d+)\.\S+", answer.stdout.strip())
    if version and (int(version[1]), int(version[2])) >= PULUMI_MINIMUM:
        return Path(found), answer.stdout.strip()
    return None


def _complete(tool: Tool, folder: Path) -> bool:
    """Whether the tool is there whole: somebody may have cleaned up within."""
    return all(os.access(folder / binary, os.X_OK) for binary in tool.binaries)


def _build_all(tools: Sequence[Tool], cache: Path, report: Report) -> None:
    cache.mkdir(parents=True, exist_ok=True)
    with _locked(cache / ".lock"):
        waiting = [tool for tool in tools if not _complete(tool, cache / tool.folder_name)]
        if not waiting:
            return
        # What a killed build left: its Go caches hold most of the work, and Go itself writes them in whole pieces.
        work = cache / ".build"
        work.mkdir(exist_ok=True)
        try:
            go = find_go(cache)
            with ThreadPoolExecutor(_SIMULTANEOUS) as pool:
                for finished in [pool.submit(_build, tool, go, cache, work, report) for tool in waiting]:
                    finished.result()
        finally:
            _remove(work)


def _build(tool: Tool, go: Path, cache: Path, work: Path, report: Report) -> None:
    module = work / tool.name
    _remove(module)
    shutil.copytree(tool.module, module)
    output = module / "out"
    output.mkdir()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("GO", "CGO")) or name in _KEPT},
        "GOFLAGS": "-mod=readonly -modcacherw -trimpath -buildvcs=false",
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
        "GOENV": "off",
        "CGO_ENABLED": "0",
        "GOCACHE": str(work / "gocache"),
        "GOMODCACHE": str(work / "gomodcache"),
        "GOPATH": str(work / "gopath"),
        "GOTMPDIR": str(output.parent),
    }
    command = [str(go), "build", "-ldflags", tool.linker_flags, "-o", f"{output}/", *tool.binaries.values()]
    log = module / "build.log"
    began = time.monotonic()
    done = threading.Event()

    def beat() -> None:
        report(ToolBuild(tool=tool.name, version=tool.version, seconds=0.0))
        while not done.wait(_HEARTBEAT):
            report(ToolBuild(tool=tool.name, version=tool.version, seconds=time.monotonic() - began))

    heart = threading.Thread(target=beat, daemon=True)
    heart.start()
    try:
        with log.open("w") as sink:
            result = subprocess.run(
                command, cwd=module, env=environment, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, check=False
            )
    finally:
        done.set()
        heart.join()
    if result.returncode != 0:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-8:])
        raise SandboxError(
            f"{tool.name} {tool.version}: the build failed; see that it has a Go module proxy (GOPROXY) and 8 GB of "
            f"disk, and run the same command again: tools that are built stay\n{tail}"
        )
    _named_as_asked(tool, output)
    _remove(cache / tool.folder_name)
    output.rename(cache / tool.folder_name)
    report(ToolBuild(tool=tool.name, version=tool.version, seconds=time.monotonic() - began, done=True))


_KEPT = {"GOPROXY", "GONOPROXY", "GOPRIVATE", "GOSUMDB", "GONOSUMDB", "GOINSECURE", "GOAUTH"}


def _named_as_asked(tool: Tool, output: Path) -> None:
    # `go build -o folder/` names a binary after its package's folder: etcd comes out as `server`.
    for binary, package in tool.binaries.items():
        last = next(part for part in reversed(package.split("/")) if not re.fullmatch(r"v\d+", part))
        if last != binary:
            (output / last).rename(output / binary)


@contextmanager
def _locked(path: Path) -> Generator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
