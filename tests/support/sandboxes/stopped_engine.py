"""An engine that does not run, and what a sandbox does about the one before it."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from llmplatform_sandbox.engine import PulumiEngine
from llmplatform_sandbox.paths import SandboxPaths
from llmplatform_sandbox.processes import Processes
from llmplatform_sandbox.recovery import end_last


class StoppedEngine:
    """An engine that notes what it is asked for. `interrupted`: URNs of creates that were never ended."""

    def __init__(
        self,
        locks: Sequence[dict[str, Any]] = (),
        interrupted: Sequence[str] = (),
        resources: Sequence[dict[str, Any]] = (),
    ) -> None:
        self.checkpoint = self
        self._locks, self._resources = list(locks), list(resources)
        self._pending = [{"type": "creating", "resource": resource(urn)} for urn in interrupted]
        self.calls: list[Any] = []

    def exists(self) -> bool:
        return True

    def locks(self) -> list[dict[str, Any]]:
        return self._locks

    def deployment(self) -> dict[str, Any]:
        return {"resources": self._resources, "pending_operations": self._pending}

    def resources(self) -> list[dict[str, Any]]:
        return self._resources

    def unlock(self) -> None:
        self.calls.append("unlock")

    def adopt(self, found: Mapping[str, str], lost: Sequence[dict[str, Any]]) -> None:
        self.calls.append(("adopt", dict(found)))
        self.lost = lost

    def refresh(self) -> None:
        self.calls.append("refresh")


def resource(urn: str, id_: str = "") -> dict[str, Any]:
    made = {"urn": urn, "type": urn.split("::")[2], "custom": True, "inputs": {}}
    return {**made, "id": id_} if id_ else made


def ended(engine: StoppedEngine, paths: SandboxPaths, processes: Processes | None = None) -> list[str]:
    return end_last(cast(PulumiEngine, engine), paths, processes or Processes(paths.run, paths.logs))
