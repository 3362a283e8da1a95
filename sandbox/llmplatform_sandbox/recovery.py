"""Puts a sandbox in order whose last run was killed or failed, so that the next one simply goes on.

A killed run leaves up to five things: its lock, a CLI process that outlived its parent, operations whose end the engine
never noted, objects that those operations (or calls whose answer was lost) made, and objects that are gone and still in
the state. The first two are dealt with before anything runs (`end_last`), the others once the clouds and the cluster do
(`reconcile`): an object whose create was under way is adopted where the state can take it, and removed where it cannot.
Each step may be killed itself. A healthy sandbox costs a few looks at the file system.
"""

import os
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from llmplatform.recovery import state
from llmplatform_sandbox.engine import MARK, Engine
from llmplatform_sandbox.errors import SandboxError
from llmplatform_sandbox.interfaces import Cloud
from llmplatform_sandbox.paths import SandboxPaths
from llmplatform_sandbox.processes import Processes, start_time
from llmplatform_sandbox.world_process import WORLD


class Unclean:
    """A mark in the state folder while a run is under way: it stays when the run is killed or fails."""

    def __init__(self, paths: SandboxPaths) -> None:
        self._file = paths.run / f"unclean{paths.guest}"

    def __enter__(self) -> None:
        self.set()

    def __exit__(self, kind: type[BaseException] | None, value: object, trace: object) -> None:
        if kind is None:
            self.clear()

    def set(self) -> None:
        """Before the engine begins."""
        self._file.touch()

    def clear(self) -> None:
        """After it came to a good end."""
        self._file.unlink(missing_ok=True)

    def __bool__(self) -> bool:
        return self._file.exists()


class Finder(Protocol):
    """Looks a resource up whose create was interrupted."""

    def find(self, typ: str, urn: str, inputs: Mapping[str, Any]) -> str | None:
        """The id of the object that the create made, or None."""
        ...


def end_last(engine: Engine, paths: SandboxPaths, processes: Processes) -> list[str]:
    """Clear the lock of an engine that is gone; the caller holds the sandbox's own lock. Returns what was done.

    Raises `SandboxError` when an engine that the sandbox did not start (a user's own `pulumi up`) is at work.
    """
    locks = engine.locks()
    if not locks:
        return []
    for lock in locks:
        _end_engine(int(lock.get("pid", 0)), paths)
    # What the dead engine had asked for may still be under way in the world.
    processes.stop(WORLD, grace=1.0)
    Unclean(paths).set()
    engine.unlock()
    return ["The last engine was killed: its lock was removed"]


def reconcile(
    engine: Engine,
    unclean: Unclean,
    stack: str,
    clouds: Callable[[], Mapping[str, Cloud]],
    cluster: Callable[[], Finder],
) -> list[str]:
    """Let the state and what there is agree again; everything runs by now. Returns a sentence for each thing done.

    `stack`: how the URNs of its resources begin; the account may hold those of others.
    """
    deployment = engine.checkpoint.deployment()
    if not (unclean or state.interrupted(deployment) or state.unread(deployment)):
        return []
    unclean.set()
    creates = state.creates(deployment)
    lost = _lost(stack, clouds(), engine.checkpoint.resources())
    found = _found(deployment, creates, lost, cluster) if creates else {}
    for cloud, id_, made_by in lost:
        if found.get(made_by) != id_:
            cloud.remove_object(id_, made_by)
    if state.interrupted(deployment):
        engine.adopt(found)
    if engine.checkpoint.exists():
        engine.refresh()
    unclean.clear()
    return _told(len(creates), len(found), len(lost) - sum(1 for _, id_, urn in lost if found.get(urn) == id_))


def _told(creates: int, adopted: int, removed: int) -> list[str]:
    text = "The last run did not come to its end: the state was read anew"
    if creates:
        text += f"; of {creates} creates that were under way {adopted} were found and adopted"
    if removed:
        text += f"; {removed} cloud objects that no state knows were removed"
    return [text]


def _lost(stack: str, clouds: Mapping[str, Cloud], resources: Sequence[state.Resource]) -> list[tuple[Cloud, str, str]]:
    """(cloud, id, URN) of what resources made and the state does not know, the youngest first."""
    known = {(resource["urn"], resource.get("id")) for resource in resources}
    return [
        (cloud, item.id, item.made_by)
        for cloud in clouds.values()
        for item in reversed(cloud.objects())
        if item.made_by.startswith(stack) and (item.made_by, item.id) not in known
    ]


def _found(
    deployment: Mapping[str, Any],
    creates: Sequence[state.Resource],
    lost: Sequence[tuple[Cloud, str, str]],
    cluster: Callable[[], Finder],
) -> dict[str, str]:
    in_cloud = {urn: id_ for _, id_, urn in lost}
    found: dict[str, str] = {}
    for resource in creates:
        urn, typ = resource["urn"], resource["type"]
        if not state.adoptable(deployment, resource):
            continue
        id_ = in_cloud.get(urn)
        if typ.startswith("kubernetes:"):
            id_ = cluster().find(typ, urn, resource.get("inputs") or {})
        if id_:
            found[urn] = id_
    return found


def _end_engine(pid: int, paths: SandboxPaths) -> None:
    if not pid or not start_time(pid):
        return
    if not _is_ours(pid, paths):
        raise SandboxError(f"pulumi (process {pid}) is at work on this sandbox; wait for it to end, or end it")
    os.kill(pid, signal.SIGKILL)
    while start_time(pid):
        os.sched_yield()


def _is_ours(pid: int, paths: SandboxPaths) -> bool:
    try:
        variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False
    return f"{MARK}={paths.folder}".encode() in variables
