"""The server's Python environment: its own pinned packages, in the user's cache, made once for each set of them.

They stay out of `.venv`, which everyone installs: a model library, a web server, and what they need.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from llmplatform_sandbox.paths import cache_folder

EXAMPLE = Path(__file__).parents[3] / "examples" / "fastapi-server"
REQUIREMENTS = EXAMPLE / "requirements" / "test.txt"
USED = "fastapi, mlx_lm, openai, prometheus_client, pydantic_settings, pythonjsonlogger, uvicorn, wordllama"


def python() -> Path:
    """Its interpreter. The first call installs it, in a minute; another process meanwhile waits."""
    version = f"{sys.implementation.cache_tag}\n".encode()
    name = hashlib.sha256(version + REQUIREMENTS.read_bytes()).hexdigest()[:16]
    place = cache_folder().parent / "environments" / f"fastapi-server-{name}"
    interpreter = place / "bin" / "python"
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (place / ".ready").exists():
            _install(place, interpreter)
            (place / ".ready").touch()
    return interpreter


def _install(place: Path, interpreter: Path) -> None:
    # What an interrupted installation left. Other sets of packages may be in use by other checkouts.
    if place.exists():
        shutil.rmtree(place)
    uv = shutil.which("uv")
    packages = ["--require-hashes", "--requirement", REQUIREMENTS]
    if uv:
        subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, place], check=True)
        subprocess.run([uv, "pip", "install", "--quiet", "--python", interpreter, *packages], check=True)
    else:
        subprocess.run([sys.executable, "-m", "venv", place], check=True)
        quiet = ["--quiet", "--disable-pip-version-check", "--no-warn-script-location", "--no-compile"]
        subprocess.run([interpreter, "-m", "pip", "install", *quiet, *packages], check=True)
    # Bytecode of what is used alone; containers often forbid to write any.
    subprocess.run([interpreter, "-c", f"import {USED}"], env={"PATH": os.defpath}, check=True)


def run(script: str, *arguments: object, given: str = "") -> str:
    """What a script beside this file prints when it runs there."""
    command = [python(), Path(__file__).with_name(script), *map(str, arguments)]
    offline = {"PATH": "/usr/bin:/bin", "HF_HUB_OFFLINE": "1", "MLX_DISABLE_COMPILE": "1"}
    return subprocess.run(command, input=given, env=offline, stdout=subprocess.PIPE, text=True, check=True).stdout
