"""Builds tools from their Go modules, two at a time.

A build works in a temporary folder of the cache, with Go caches that all builds share (several GB, deleted once all are
built), and appears under its final name in one rename: a cache folder that exists is complete.
"""

import os
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from llmplatform_sandbox.errors import SandboxError
from llmplatform_sandbox.progress import Report, ToolWork
from llmplatform_sandbox.toolchain.go import find_go
from llmplatform_sandbox.toolchain.tools import Tool

_SIMULTANEOUS = 2
_HEARTBEAT = 5.0


def build_all(tools: Sequence[Tool], cache: Path, report: Report) -> None:
    """Build tools into their folders of the cache. The caller holds the cache's lock.

    Raises `SandboxError` with the last lines of the build's output when a build fails.
    """
    # What a failed, killed or interrupted build left: its Go caches hold most of the work, and Go writes them in whole
    # pieces.
    work = cache / ".build"
    work.mkdir(exist_ok=True)
    go = find_go(cache, tools)
    with ThreadPoolExecutor(_SIMULTANEOUS) as pool:
        for finished in [pool.submit(_build, tool, go, cache, work, report) for tool in tools]:
            finished.result()
    shutil.rmtree(work)


def _build(tool: Tool, go: Path, cache: Path, work: Path, report: Report) -> None:
    module = work / tool.name
    shutil.rmtree(module, ignore_errors=True)
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
    build = [
        str(go),
        "build",
        "-ldflags",
        tool.linker_flags,
        "-o",
        f"{output}/",
        *sorted(set(tool.binaries.values())),
    ]
    log = module / "build.log"
    began = time.monotonic()
    done = threading.Event()

    def beat() -> None:
        report(ToolWork(doing="build", tool=tool.name, version=tool.version, seconds=0.0))
        while not done.wait(_HEARTBEAT):
            report(ToolWork(doing="build", tool=tool.name, version=tool.version, seconds=time.monotonic() - began))

    heart = threading.Thread(target=beat, daemon=True)
    heart.start()
    try:
        with log.open("w") as sink:

            def run(command: Sequence[str]) -> int:
                return subprocess.run(
                    command,
                    cwd=module,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=sink,
                    stderr=sink,
                    check=False,
                ).returncode

            code = _complete(tool, go, Path(environment["GOMODCACHE"]), run) or run(build)
    finally:
        done.set()
        heart.join()
    if code != 0:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-8:])
        raise SandboxError(
            f"{tool.name} {tool.version}: the build failed; see that it has a Go module proxy (GOPROXY) and 8 GB of "
            f"disk, and run the same command again: what is compiled stays\n{tail}"
        )
    _named_as_asked(tool, output)
    shutil.rmtree(cache / tool.folder_name, ignore_errors=True)
    output.rename(cache / tool.folder_name)
    report(ToolWork(doing="build", tool=tool.name, version=tool.version, seconds=time.monotonic() - began, done=True))


_KEPT = {"GOPROXY", "GONOPROXY", "GOPRIVATE", "GOSUMDB", "GONOSUMDB", "GOINSECURE", "GOAUTH"}


def _complete(tool: Tool, go: Path, modules: Path, run: Callable[[Sequence[str]], int]) -> int:
    """Add to modules what they lack: Go takes a file from nowhere else (`-overlay` stops at its module cache)."""
    for place, text in tool.added:
        if code := run([str(go), "mod", "download", place.partition("@")[0]]):
            return code
        file = modules / place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return 0


def _named_as_asked(tool: Tool, output: Path) -> None:
    # `go build -o folder/` names a binary after its package's folder: etcd comes out as `server`.
    for package in set(tool.binaries.values()):
        parts = [part for part in package.split("/") if not re.fullmatch(r"v\d+", part)]
        linked = output / (tool.name if package == "." else parts[-1])
        names = [binary for binary, each in tool.binaries.items() if each == package]
        for name in names:
            if name != linked.name:
                os.link(linked, output / name)
        if linked.name not in names:
            linked.unlink()
