"""Kills processes of a sandbox at a chosen point, for tests that the next run recovers.

A plan is in the state folder (`KillPlan.write`). The world counts the providers' changes, and at the planned one it
kills the processes in the plan with SIGKILL, itself included. Without a plan a change costs a look for it.
"""

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import grpc
from typing_extensions import override

from llmplatform_sandbox.paths import SandboxPaths, write_private
from llmplatform_sandbox.processes import Processes, engines
from llmplatform_sandbox.world_process import WORLD

Victim = Literal["command", "program", "engine", "world", "control-plane"]
Moment = Literal["asked", "accepted", "answered"]
_CHANGES = ("/Create", "/Update", "/Delete")
_CONTROL_PLANE = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok")


@dataclass(frozen=True, kw_only=True)
class KillPlan:
    """Which processes to kill, and when."""

    change: int
    """The number of the change, counted from now on."""
    moment: Moment
    """Before the change; after the change and before its answer; after the answer."""
    delay: float
    """Seconds after that moment."""
    victims: tuple[Victim, ...]
    """`command`: the process group of the running command; `program`: only its first process, so that the engine
    outlives it; `engine`: only the Pulumi CLI."""
    group: int
    """Process group of the command, and its first process."""
    note: str
    """File for the names of the killed processes. Not in the state folder, which the command may be removing."""

    def write(self, paths: SandboxPaths) -> None:
        """Counted from now on."""
        paths.run.mkdir(parents=True, exist_ok=True)
        write_private(_plan_file(paths), json.dumps(asdict(self)))

    @staticmethod
    def clear(paths: SandboxPaths) -> None:
        """Remove the plan if it was not carried out."""
        _plan_file(paths).unlink(missing_ok=True)


def strike(paths: SandboxPaths, victims: tuple[str, ...], group: int, note: Path) -> None:
    """Kill the living victims at once, and name them in `note`; no note without a victim."""
    doomed = list(_alive(paths, victims, group))
    if not doomed:
        return
    # First the note: this process may be a victim, and is killed last.
    write_private(note, json.dumps(list(dict.fromkeys(name for name, _ in doomed))))
    for name, pid in doomed:
        with suppress(ProcessLookupError):
            (os.killpg if name == "command" else os.kill)(pid, signal.SIGKILL)


def _alive(paths: SandboxPaths, victims: tuple[str, ...], group: int) -> Iterator[tuple[str, int]]:
    if "engine" in victims:
        yield from (("engine", pid) for pid in engines(paths))
    for victim in {"command", "program"}.intersection(victims):
        with suppress(ProcessLookupError):
            os.kill(group, 0)
            yield victim, group
    processes = Processes(paths.run, paths.logs)
    for victim, names in {"control-plane": _CONTROL_PLANE, "world": (WORLD,)}.items():
        if victim in victims:
            yield from ((victim, pid) for name in names if (pid := processes.pid(name)))


class KillSwitch(grpc.ServerInterceptor):  # pyright: ignore[reportMissingTypeArgument] generic in its stubs alone
    """Carries plans out, for all providers of a world."""

    def __init__(self, paths: SandboxPaths) -> None:
        self._paths = paths
        self._lock = threading.Lock()
        self._plan: KillPlan | None = None
        self._noted = 0.0
        self._count = 0

    @override
    def intercept_service(self, continuation: Callable[..., Any], handler_call_details: Any) -> Any:
        handler = continuation(handler_call_details)
        if handler is None or not handler_call_details.method.endswith(_CHANGES):
            return handler

        def behaviour(request: Any, context: grpc.ServicerContext) -> Any:
            plan = None if getattr(request, "preview", False) else self._due()
            if plan is None:
                return handler.unary_unary(request, context)
            if plan.moment == "asked":
                threading.Thread(target=self._strike, args=(plan,), daemon=True).start()
                return handler.unary_unary(request, context)
            if plan.moment == "answered":
                context.add_callback(lambda: self._strike(plan))
                return handler.unary_unary(request, context)
            answer = handler.unary_unary(request, context)
            self._strike(plan)
            return answer

        return grpc.unary_unary_rpc_method_handler(
            behaviour,
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )

    def _due(self) -> KillPlan | None:
        """The plan, if this is its change."""
        file = _plan_file(self._paths)
        with self._lock:
            try:
                written = file.stat().st_mtime
                if written != self._noted:
                    fields: dict[str, Any] = json.loads(file.read_text())
                    self._plan = KillPlan(**fields)
                    self._noted, self._count = written, 0
            except (FileNotFoundError, ValueError):
                return None
            self._count += 1
            if self._plan is None or self._count != self._plan.change:
                return None
            return self._plan

    def _strike(self, plan: KillPlan) -> None:
        time.sleep(plan.delay)
        _plan_file(self._paths).unlink(missing_ok=True)
        strike(self._paths, plan.victims, plan.group, Path(plan.note))


def _plan_file(paths: SandboxPaths) -> Path:
    return paths.run / "kill.json"
