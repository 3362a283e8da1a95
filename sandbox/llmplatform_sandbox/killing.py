"""Kills processes of a sandbox at a chosen point of the work, for whoever tests that the next run recovers.

A plan lies in the state folder (`KillPlan.write`); the world counts the changes that providers are asked for, and at
the planned one it kills what the plan names with SIGKILL, itself included. Without a plan a change costs a look for it.
"""

import json
import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import grpc
from typing_extensions import override

from llmplatform_sandbox.paths import SandboxPaths, write_private
from llmplatform_sandbox.processes import Processes

Victim = Literal["command", "engine", "world", "control-plane"]
Moment = Literal["asked", "accepted", "answered"]
_CHANGES = ("/Create", "/Update", "/Delete")
_CONTROL_PLANE = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok")


@dataclass(frozen=True, kw_only=True)
class KillPlan:
    """Who is killed, and when."""

    change: int
    """The how-manieth change that a provider is asked for from now on."""
    moment: Moment
    """When it is asked for; when the cloud or the cluster has it, and no answer is given; when the answer is out."""
    delay: float
    """Seconds after that moment."""
    victims: tuple[Victim, ...]
    """`command`: the process group of the command that runs; `engine`: the Pulumi CLI alone."""
    group: int
    """Process group of the command."""

    def write(self, paths: SandboxPaths) -> None:
        """From now on."""
        paths.run.mkdir(parents=True, exist_ok=True)
        write_private(_plan_file(paths), json.dumps(asdict(self)))

    @staticmethod
    def clear(paths: SandboxPaths) -> bool:
        """Take the plan back. False when it was carried out."""
        pending = _plan_file(paths).exists()
        _plan_file(paths).unlink(missing_ok=True)
        return pending


def strike(paths: SandboxPaths, victims: tuple[str, ...], group: int) -> None:
    """Kill, all within a moment; the world last, for it may be the one that does it."""
    if "engine" in victims:
        for lock in (paths.backend / ".pulumi" / "locks").rglob("*.json"):
            with suppress(OSError, ValueError):
                os.kill(int(json.loads(lock.read_text())["pid"]), signal.SIGKILL)
    if "command" in victims:
        with suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)
    processes = Processes(paths.run, paths.logs)
    names = [*(_CONTROL_PLANE if "control-plane" in victims else ()), *(["world"] if "world" in victims else ())]
    for name in names:
        pid = processes.pid(name)
        if pid:
            os.kill(pid, signal.SIGKILL)


class KillSwitch(grpc.ServerInterceptor):  # pyright: ignore[reportMissingTypeArgument] generic in its stubs alone
    """Carries plans out, on behalf of all providers of a world."""

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
        """The plan, when this is the change that it speaks of."""
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
        strike(self._paths, plan.victims, plan.group)


def _plan_file(paths: SandboxPaths) -> Path:
    return paths.run / "kill.json"
