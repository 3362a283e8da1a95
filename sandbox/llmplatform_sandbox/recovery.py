"""Puts a sandbox in order whose last engine was killed, so that the next run simply goes on.

A killed engine leaves up to four things: its lock, a CLI process that outlived its parent, creates whose end it never
noted, and the objects which those creates made. All are dealt with before anything else runs; a healthy sandbox costs
two looks at the file system.
"""

import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path

from llmplatform_sandbox.engine import MARK, Engine
from llmplatform_sandbox.errors import SandboxError
from llmplatform_sandbox.interfaces import Cloud
from llmplatform_sandbox.paths import SandboxPaths
from llmplatform_sandbox.processes import Processes, start_time


def recover(
    engine: Engine, paths: SandboxPaths, processes: Processes, world: str, clouds: Callable[[], Mapping[str, Cloud]]
) -> list[str]:
    """Clean up after a killed engine; the caller holds the sandbox's lock. Returns a sentence for each thing done.

    Raises `SandboxError` when an engine that the sandbox did not start (a user's own `pulumi up`) is at work.
    """
    done: list[str] = []
    locks = engine.locks()
    if locks:
        for lock in locks:
            _end_engine(int(lock.get("pid", 0)), paths)
        engine.unlock()
        done.append("The last engine was killed: its lock was removed")
    pending = engine.checkpoint.pending_creates()
    if pending:
        # Creates may still be running in the world that the dead engine had asked for them.
        processes.stop(world, grace=1.0)
        removed = _remove_unknown(engine, pending, clouds())
        engine.forget_pending()
        done.append(
            f"The last engine was killed while it created {len(pending)} resources: "
            f"{removed} half-made cloud objects were removed"
        )
    return done


def _remove_unknown(engine: Engine, pending: list[str], clouds: Mapping[str, Cloud]) -> int:
    known = {(resource["urn"], resource.get("id")) for resource in engine.checkpoint.resources()}
    removed = 0
    for cloud in clouds.values():
        for item in cloud.objects():
            if item.made_by in pending and (item.made_by, item.id) not in known:
                cloud.remove_object(item.id, item.made_by)
                removed += 1
    return removed


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
