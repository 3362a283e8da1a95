"""The server's Python environment: a model library, a web server, and what they need."""

import subprocess
from pathlib import Path

from support.environments import interpreter

EXAMPLE = Path(__file__).parents[3] / "examples" / "fastapi-server"
REQUIREMENTS = EXAMPLE / "requirements" / "test.txt"
USED = "fastapi, mlx_lm, openai, prometheus_client, pydantic_settings, pythonjsonlogger, uvicorn, wordllama"


def python() -> Path:
    """Its interpreter. The first call installs it, in a minute."""
    return interpreter("fastapi-server", REQUIREMENTS, used=USED)


def run(script: str, *arguments: object, given: str = "") -> str:
    """What a script beside this file prints when it runs there."""
    command = [python(), Path(__file__).with_name(script), *map(str, arguments)]
    offline = {"PATH": "/usr/bin:/bin", "HF_HUB_OFFLINE": "1", "MLX_DISABLE_COMPILE": "1"}
    return subprocess.run(command, input=given, env=offline, stdout=subprocess.PIPE, text=True, check=True).stdout
