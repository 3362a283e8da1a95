"""Ports of a sandbox's world process, in a file of the state folder."""

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from llmplatform_sandbox.paths import SandboxPaths, write_private


@dataclass(frozen=True, kw_only=True)
class Endpoints:
    """Ports on loopback of the process `pid`."""

    pid: int
    providers: dict[str, int]
    """Pulumi package → port."""
    language: int = 0
    """Port of the language host."""
    fingerprint: str = ""
    """Of the code and the settings of the process; see `fingerprint`."""

    @property
    def debug_providers(self) -> str:
        """Value of PULUMI_DEBUG_PROVIDERS, which attaches an engine."""
        return ",".join(f"{package}:{port}" for package, port in sorted(self.providers.items()))

    def write(self, paths: SandboxPaths) -> None:
        """Tell the other processes of the sandbox."""
        write_private(paths.endpoints, json.dumps(asdict(self)))


def read_endpoints(paths: SandboxPaths) -> Endpoints | None:
    """The endpoints of the running or the last world process."""
    try:
        return Endpoints(**json.loads(paths.endpoints.read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def fingerprint() -> str:
    """Changes when a running world process must be replaced: other code, or charts from another folder."""
    package = Path(__file__).parent
    digest = hashlib.sha256(os.environ.get("LLMPLATFORM_CHARTS", "").encode())
    for file in sorted(path for suffix in ("py", "toml", "yaml") for path in package.rglob(f"*.{suffix}")):
        digest.update(f"{file} {file.stat().st_mtime_ns}".encode())
    return digest.hexdigest()[:16]
