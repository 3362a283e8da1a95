"""A guest: a stack in the sandbox of another stack, with the same account, control plane and backend.

So a stack of models meets the platform of another stack, and a `StackReference` finds that stack. A file in the guest's
project folder names its host, so that later commands find it.
"""

import json
import shlex
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from shutil import copy2, copytree, rmtree

from llmplatform_sandbox.called import called
from llmplatform_sandbox.errors import SandboxError
from llmplatform_sandbox.interfaces import CloudObject
from llmplatform_sandbox.paths import SandboxPaths, sandbox_paths
from llmplatform_sandbox.project import Project, read_project

_FOLDER = "folder"
"""File in a guest's part of the state, with the path of its project."""


@dataclass(frozen=True, kw_only=True)
class Host:
    """The sandbox of another stack."""

    project: Path
    stack: str

    @classmethod
    def named(cls, text: str) -> "Host":
        """`FOLDER:STACK`, or `STACK` of the current folder."""
        folder, _, stack = text.rpartition(":")
        return cls(project=Path(folder or ".").resolve(), stack=stack)

    @property
    def folder(self) -> Path:
        """Its state folder."""
        return sandbox_paths(self.project, self.stack).folder

    def __str__(self) -> str:
        return f"{self.stack} of {self.project}"


def paths_of(project: Project, stack: str, wanted: Host | None) -> SandboxPaths:
    """Paths of a stack's sandbox: its own, or that of its host.

    Raises `SandboxError` if it cannot be a guest there.
    """
    own = sandbox_paths(project.folder, stack)
    known = _known_host(project, stack)
    host = wanted or known
    if host is None:
        return own
    if host.folder == own.folder:
        raise SandboxError(f"{stack}: a stack cannot live in its own sandbox; leave out --in", exit_code=2)
    if own.exists():
        raise SandboxError(
            f"{stack}: it has a sandbox of its own; run `{called()} sandbox down {stack}` there first", exit_code=2
        )
    paths = SandboxPaths(host.folder, guest=f"{project.name}.{stack}")
    if known and known != host and SandboxPaths(known.folder, guest=paths.guest).exists():
        raise SandboxError(f"{stack}: it lives in the sandbox of {known}; take it down there first", exit_code=2)
    at = _folder_of(paths)
    if at and at != project.folder:
        raise SandboxError(
            f"{stack}: the sandbox of {host} has a stack of that project and name already, from {at}; rename one",
            exit_code=2,
        )
    return paths


def require_host(paths: SandboxPaths, stack: str) -> None:
    """Raises `SandboxError` if the host's sandbox does not exist."""
    if paths.guest and not SandboxPaths(paths.folder).exists():
        project, host = paths.folder.parents[1], paths.folder.name
        raise SandboxError(
            f"{stack}: there is no sandbox of {host} in {project} to live in; "
            f"run `{called()} sandbox up {host} --project {shlex.quote(str(project))}` first",
            exit_code=2,
        )


def require_platform(paths: SandboxPaths, stack: str) -> None:
    """Raises `SandboxError` if the host's stack was never applied."""
    require_host(paths, stack)
    if paths.guest:
        project, host = paths.folder.parents[1], paths.folder.name
        states = [json.loads(file.read_text()) for file in paths.backend.glob(f".pulumi/stacks/*/{host}.json")]
        if all(len((state["checkpoint"].get("latest") or {}).get("resources") or ()) < 2 for state in states):
            raise SandboxError(
                f"{stack}: {host} is not up yet; "
                f"run `{called()} sandbox up {host} --project {shlex.quote(str(project))}` first",
                exit_code=2,
            )


def settle_in(project: Project, stack: str, paths: SandboxPaths) -> None:
    """Record guest and host on both sides."""
    if paths.guest:
        (paths.project / _FOLDER).write_text(str(project.folder))
        _link(project, stack).write_text(str(paths.folder))


def borrow_state(paths: SandboxPaths, copy: SandboxPaths, project: Project, stack: str) -> None:
    """Give a guest's preview the backend's other stacks, without its own."""
    if not paths.guest:
        return
    require_platform(paths, stack)
    copytree(paths.backend, copy.backend)
    for name in ("passphrase", "encryptionsalt"):
        copy2(paths.folder / name, copy.folder / name)
    (copy.backend / ".pulumi" / "stacks" / project.name / f"{stack}.json").unlink(missing_ok=True)
    rmtree(copy.backend / ".pulumi" / "locks", ignore_errors=True)


def leave(project: Project, stack: str) -> None:
    """Forget the host of a stack."""
    _link(project, stack).unlink(missing_ok=True)


def guests(paths: SandboxPaths) -> list[str]:
    """The guests of a sandbox, each as the command that destroys it."""
    return [
        f"{called()} sandbox down {each.guest.rpartition('.')[2]} --project {shlex.quote(str(_folder_of(each)))}"
        for each in _guests(paths)
    ]


def projects_in(paths: SandboxPaths) -> list[Project]:
    """The projects whose stacks are in a sandbox, if they still exist."""
    found: list[Project] = []
    for folder in (paths.folder.parents[1], *map(_folder_of, _guests(paths))):
        with suppress(SandboxError):
            found += [read_project(folder)] if folder else []
    return found


def require_none(paths: SandboxPaths, stack: str) -> None:
    """Raises `SandboxError` while a sandbox that is to be destroyed has guests."""
    found = [] if paths.guest else guests(paths)
    if found:
        raise SandboxError(f"{stack}: other stacks live in this sandbox; take them down first: {'; '.join(found)}")


def own(objects: Sequence[CloudObject], project: Project, stack: str) -> list[CloudObject]:
    """The objects of a stack among those of the account, by their URNs."""
    return [item for item in objects if item.made_by.startswith(f"urn:pulumi:{stack}::{project.name}::")]


def _link(project: Project, stack: str) -> Path:
    return project.folder / ".sandbox" / f"{stack}.host"


def _known_host(project: Project, stack: str) -> Host | None:
    link = _link(project, stack)
    if not link.is_file():
        return None
    folder = Path(link.read_text().strip())
    return Host(project=folder.parents[1], stack=folder.name)


def _guests(paths: SandboxPaths) -> list[SandboxPaths]:
    keys = sorted(each.name for each in paths.guests.iterdir()) if paths.guests.is_dir() else []
    return [SandboxPaths(paths.folder, guest=key) for key in keys]


def _folder_of(paths: SandboxPaths) -> Path | None:
    file = paths.project / _FOLDER
    return Path(file.read_text()) if file.is_file() else None
