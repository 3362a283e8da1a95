"""Python environments of third-party programs: their own pinned packages, in the user's cache, made once for each set.

They stay out of `.venv`, which everyone installs.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from llmplatform_sandbox.paths import cache_folder


def interpreter(name: str, requirements: Path, *, used: str) -> Path:
    """The interpreter of an environment. The first call installs it; another process meanwhile waits.

    `used`: modules whose bytecode is made at once; containers often forbid to write any later.
    """
    version = f"{sys.implementation.cache_tag}\n".encode()
    digest = hashlib.sha256(version + requirements.read_bytes()).hexdigest()[:16]
    place = cache_folder().parent / "environments" / f"{name}-{digest}"
    python = place / "bin" / "python"
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (place / ".ready").exists():
            _install(place, python, requirements)
            subprocess.run([python, "-c", f"import {used}"], env={"PATH": os.defpath}, check=True)
            (place / ".ready").touch()
    return python


def _install(place: Path, python: Path, requirements: Path) -> None:
    # What an interrupted installation left. Other sets of packages may be in use by other checkouts.
    if place.exists():
        shutil.rmtree(place)
    uv = shutil.which("uv")
    # The list is complete, but for what stands in it under another name, such as a build that needs no compiler.
    packages = ["--no-deps", "--require-hashes", "--requirement", requirements]
    if uv:
        subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, place], check=True)
        subprocess.run([uv, "pip", "install", "--quiet", "--python", python, *packages], check=True)
    else:
        subprocess.run([sys.executable, "-m", "venv", place], check=True)
        quiet = ["--quiet", "--disable-pip-version-check", "--no-warn-script-location", "--no-compile"]
        subprocess.run([python, "-m", "pip", "install", *quiet, *packages], check=True)
