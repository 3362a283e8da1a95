"""The measured revision."""

import hashlib
import subprocess
from pathlib import Path

_ROOT = Path(__file__).parents[1]


def revision() -> str:
    """The commit, and of a changed tree what its changes hash to: two trees that differ never have one name."""
    described = _git("describe", "--always", "--dirty").strip()
    if not described.endswith("-dirty"):
        return described
    return f"{described}-{hashlib.sha256(_git('diff', 'HEAD').encode()).hexdigest()[:8]}"


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=_ROOT, capture_output=True, text=True, check=True).stdout
