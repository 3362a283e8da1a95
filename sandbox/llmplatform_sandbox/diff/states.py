"""The state of a revision's program: applied on paper, and kept for the next time.

Only the engine and the program are real: no cluster, no waiting. The changes equal those against the state of a real
control plane, because the engine compares the inputs of programs (tests/upgrades checks that).
"""

import gzip
import hashlib
import json
import os
import secrets
import sys
import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from llmplatform_sandbox.checkpoint import Resource
from llmplatform_sandbox.cloud import PaperControlPlane
from llmplatform_sandbox.endpoints import fingerprint
from llmplatform_sandbox.engine import SKIP_CHECKPOINTS, PulumiEngine
from llmplatform_sandbox.hosting import open_clouds, served
from llmplatform_sandbox.language import serve_language
from llmplatform_sandbox.newer_minors import PLANNED_MINORS
from llmplatform_sandbox.paths import cache_folder
from llmplatform_sandbox.progress import Report
from llmplatform_sandbox.project import Project, copy_project
from llmplatform_sandbox.scratch import scratch
from llmplatform_sandbox.seed import plant, read_seed
from llmplatform_sandbox.toolchain import Toolchain

_KEPT = 12
"""Applied states in the user's cache, the last used."""


@dataclass(frozen=True, kw_only=True)
class State:
    """A stack's state, and the passphrase of its secrets, which are generated: it has no secret of a user."""

    deployment: Mapping[str, Any]
    """In the form of `pulumi stack export`."""
    passphrase: str

    @property
    def resources(self) -> Collection[Resource]:
        """The resources in the engine's notation."""
        return self.deployment.get("resources") or ()

    @property
    def protected(self) -> frozenset[str]:
        """URNs of resources that the engine would refuse to delete."""
        return frozenset(str(one["urn"]) for one in self.resources if one.get("protect"))

    def unprotected(self) -> "State":
        """The same without protection: the engine ends a plan at the first protected resource to delete."""
        free = [{name: value for name, value in one.items() if name != "protect"} for one in self.resources]
        return replace(self, deployment={**self.deployment, "resources": free})

    def write(self, file: Path) -> None:
        """Write it, compressed; the same state gives the same bytes."""
        content = {"deployment": self.deployment, "passphrase": self.passphrase}
        text = json.dumps(content, sort_keys=True, separators=(",", ":"))
        file.write_bytes(gzip.compress(text.encode(), mtime=0))


def read_state(file: Path) -> State:
    """The state that `State.write` wrote."""
    content: dict[str, Any] = json.loads(gzip.decompress(file.read_bytes()))
    return State(**content)


def apply_on_paper(
    project: Project, stack: str, tools: Toolchain, report: Report, *, import_path: Collection[str] = ()
) -> State:
    """Run the program of a project in its own process, with `import_path` first, and keep the state.

    Raises `SandboxError` if the stack file is missing or the program fails.
    """
    with scratch("llmplatform-apply-") as paths:
        paths.create()
        copy_project(project, stack, paths, on_paper=True)
        control_plane = PaperControlPlane(PLANNED_MINORS)
        clouds = open_clouds(paths.clouds, control_plane)
        # No program asks for the cluster's seeded objects.
        plant(read_seed(project.folder, stack).model_copy(update={"manifests": ()}), clouds, control_plane())
        path = {"PYTHONPATH": os.pathsep.join(import_path)} if import_path else None
        language, port = serve_language(lambda: [project], variables=path)
        try:
            # A state on paper can be lost.
            variables = {SKIP_CHECKPOINTS: "true", "PULUMI_DEBUG_LANGUAGES": f"python:{port}"}
            with served(clouds, paper=True) as providers:
                engine = PulumiEngine(project, stack, paths, tools, providers, report, variables=variables)
                engine.up()
        finally:
            language.stop(grace=0)
        return State(deployment=engine.checkpoint.deployment(), passphrase=paths.passphrase.read_text())


class StateCache:
    """Applied states in the user's cache, by all their inputs."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or cache_folder().parent / "states"

    def key(self, tree: str, project: Path, stack: str, tools: Toolchain) -> str:
        """A name that changes with the state."""
        packages = sorted(f"{one.name}=={one.version}" for one in distributions())
        parts = [tree, project.as_posix(), stack, tools.versions["pulumi"], fingerprint(), sys.version, *packages]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]

    def get(self, key: str) -> State | None:
        """A kept state; None if there is none, or it is unreadable."""
        file = self._file(key)
        try:
            state = read_state(file)
            os.utime(file)
        except (OSError, EOFError, zlib.error, ValueError, TypeError):
            return None
        return state

    def put(self, key: str, state: State) -> None:
        """Keep a state, and remove the least recently used ones."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._folder.chmod(0o700)
        temporary = self._folder / f".{key}.{secrets.token_hex(4)}"
        state.write(temporary)
        temporary.replace(self._file(key))
        files = sorted(self._folder.glob("*.json.gz"), key=lambda file: file.stat().st_mtime, reverse=True)
        for file in files[_KEPT:]:
            file.unlink(missing_ok=True)

    def _file(self, key: str) -> Path:
        return self._folder / f"{key}.json.gz"
