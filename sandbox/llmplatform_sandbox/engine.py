"""Drives the real Pulumi engine on a copied project, through the public Automation API, the program in this process.

Every command of the CLI costs a start and a key derivation (0.15 to 0.3 s): no needless command runs.
"""

import contextlib
import json
import os
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pulumi import automation
from pulumi.automation import LocalWorkspace, PreviewResult, PulumiCommand, Stack
from pulumi.automation.errors import CommandError
from pulumi.automation.events import EngineEvent
from semver import VersionInfo

from llmplatform.recovery import state
from llmplatform_sandbox.callers import guard
from llmplatform_sandbox.checkpoint import Checkpoint
from llmplatform_sandbox.errors import SandboxError
from llmplatform_sandbox.interruption import passed_on
from llmplatform_sandbox.loopback import loopback_spared
from llmplatform_sandbox.paths import SandboxPaths, write_private
from llmplatform_sandbox.processes import ENGINE_MARK
from llmplatform_sandbox.program import program_runner
from llmplatform_sandbox.progress import Lines, Report, ResourceStep, errors_only
from llmplatform_sandbox.project import Project
from llmplatform_sandbox.recorder import Recorder, counts
from llmplatform_sandbox.toolchain import Toolchain

SKIP_CHECKPOINTS = "PULUMI_SKIP_CHECKPOINTS"
"""Variable that lets the engine write the state once, at the end: for plans, and for states on paper."""
_LANGUAGES = "PULUMI_DEBUG_LANGUAGES"
_CANCELED = "error: update canceled"
# Its servers, one that runs the program and one that receives events, would answer every user of the machine. They are
# internal, so the SDK's version is pinned.
guard("pulumi.automation._stack")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The result of an operation of the engine."""

    changes: dict[str, int]
    """Engine's word (create, update, same …) → number of resources."""
    outputs: dict[str, Any] = field(default_factory=dict[str, Any])
    """The stack's outputs; a secret one as `[secret]`."""
    text: str = ""
    """The engine's own display."""
    steps: tuple[ResourceStep, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether anything was, or would be, created, changed or deleted."""
        return any(count for op, count in self.changes.items() if op not in ("same", "read", "refresh"))


class PulumiEngine:
    """The engine at work on one stack of a copied project."""

    def __init__(
        self,
        project: Project,
        stack: str,
        paths: SandboxPaths,
        tools: Toolchain,
        debug_providers: str,
        report: Report,
        *,
        variables: dict[str, str] | None = None,
    ) -> None:
        """`variables`: further ones for the CLI; if they name a language host, that host runs the program."""
        self._paths = paths
        self._name, self._project = stack, project.name
        self.checkpoint = Checkpoint(paths, project.name, stack)
        self._report = report
        self._workspace = LocalWorkspace(
            work_dir=str(paths.project),
            pulumi_home=str(paths.pulumi_home),
            program=None if _LANGUAGES in (variables or {}) else program_runner(project.program),
            env_vars={
                **environment(paths),
                "PULUMI_DEBUG_PROVIDERS": debug_providers,
                "PULUMI_AUTOMATION_API_SKIP_VERSION_CHECK": "true",
                ENGINE_MARK: str(paths.folder),
                **(variables or {}),
            },
            pulumi_command=_Command(tools["pulumi"], tools.versions["pulumi"]),
        )

    def preview(self, *, colour: bool = False, listen: Callable[[EngineEvent], object] | None = None) -> Outcome:
        """Plan, and change nothing. `listen` receives the engine's own events, and reports reasons itself."""
        recorder = Recorder(self._report, listen)
        with self._running(recorder):
            result = self._plan(recorder, colour=colour)
        return Outcome(
            changes=counts(result.change_summary), text=result.stdout, steps=tuple(recorder.planned.values())
        )

    def require_plan(self) -> None:
        """Make a plan and report only its errors. Raises `SandboxError` if there are any."""
        recorder = Recorder(errors_only(self._report))
        with self._running(recorder):
            self._plan(recorder)

    def up(self) -> Outcome:
        """Apply the program. Raises `SandboxError` if a resource or the program fails; the report says why."""
        recorder = Recorder(self._report)
        with self._running(recorder):
            result = self._stack().up(on_event=recorder, color="never", suppress_progress=True, show_secrets=False)
        outputs = {name: "[secret]" if value.secret else value.value for name, value in result.outputs.items()}
        return Outcome(changes=recorder.changes, outputs=outputs, text=result.stdout, steps=tuple(recorder.finished))

    def destroy(self) -> Outcome:
        """Delete every resource of the stack, protected ones included: nothing in a sandbox needs protection."""
        recorder = Recorder(self._report)
        with self._running(recorder):
            stack = self._stack()
            resources = self.checkpoint.resources()
            if any(resource.get("protect") for resource in resources):
                command = ["state", "unprotect", "--all", "--yes", "--stack", self._name]
                self._workspace.pulumi_command.run(command, self._workspace.work_dir, self._workspace.env_vars)
            if resources:
                stack.destroy(on_event=recorder, color="never", suppress_progress=True, show_secrets=False)
        return Outcome(changes=recorder.changes, steps=tuple(recorder.finished))

    def adopt(self, found: Mapping[str, str], lost: Sequence[state.Resource]) -> None:
        """Forget interrupted operations, but keep the creates in `found` (URN → id), `lost` ones among them.

        A `refresh` must follow.
        """
        with self._running(Recorder(self._report)):
            stack = self._stack()
            exported = stack.export_stack()
            deployment = state.adopt(exported.deployment or {}, found, lost=lost)
            self._import(exported.version, deployment)

    def refresh(self) -> None:
        """Read every resource into the state."""
        recorder = Recorder(self._report)
        with self._running(recorder):
            self._stack().refresh(on_event=recorder, color="never", suppress_progress=True, show_secrets=False)

    def import_state(self, deployment: Mapping[str, Any]) -> None:
        """Replace the stack's state; the sandbox's passphrase opens its secrets."""
        with self._running(Recorder(self._report)):
            self._stack()
            self._import(3, deployment)

    def locks(self) -> list[dict[str, Any]]:
        """The backend's locks on the stack, with their owners (`pid`, `hostname`, `username`)."""
        folder = self._paths.backend / ".pulumi" / "locks" / "organization" / self._project / self._name
        return [json.loads(file.read_text() or "{}") for file in sorted(folder.rglob("*.json"))]

    def unlock(self) -> None:
        """Remove the locks of dead engines."""
        with self._running(Recorder(self._report)):
            self._stack().cancel()

    def forget(self) -> None:
        """Remove an existing stack from the backend, with its history."""
        with self._running(Recorder(self._report)):
            self._workspace.remove_stack(self._name, force=True)

    def ensure_stack(self) -> None:
        """Create the stack in the backend if it is missing."""
        if not self.checkpoint.exists():
            with self._running(Recorder(self._report)):
                self._stack()

    def _import(self, version: int | None, deployment: Mapping[str, Any]) -> None:
        # The workspace's own import leaves a temporary file when it is interrupted.
        file = self._paths.run / "import.json"
        write_private(file, json.dumps({"version": version, "deployment": deployment}))
        command = ["stack", "import", "--file", str(file), "--stack", self._name]
        try:
            self._workspace.pulumi_command.run(command, self._workspace.work_dir, self._workspace.env_vars)
        finally:
            file.unlink(missing_ok=True)

    def _plan(self, recorder: Recorder, *, colour: bool = False) -> PreviewResult:
        stack, variables = self._stack(), self._workspace.env_vars
        # A plan is not stored; the engine would nevertheless serialise the whole state at every step.
        self._workspace.env_vars = {**variables, SKIP_CHECKPOINTS: "true"}
        try:
            return stack.preview(on_event=recorder, color="always" if colour else "never", suppress_progress=True)
        finally:
            self._workspace.env_vars = variables

    def _stack(self) -> Stack:
        make = Stack.select if self.checkpoint.exists() else Stack.create
        return make(self._name, self._workspace)

    @contextlib.contextmanager
    def _running(self, recorder: Recorder) -> Generator[None]:
        lines = contextlib.redirect_stdout(Lines(recorder.report))
        with _without_user_settings(), lines, passed_on(self._paths):
            try:
                yield
            except automation.errors.ConcurrentUpdateError:
                raise SandboxError(
                    f"{self._name}: another engine is at work on this stack; wait for it to end"
                ) from None
            except CommandError as error:
                if _CANCELED in str(error):
                    # Ctrl-C reaches the engine, too, and it may end first.
                    raise KeyboardInterrupt from None
                raise SandboxError(recorder.failure() or _last_error(str(error))) from None


class _Command(PulumiCommand):
    """The CLI at a path, of a known version; the base class would start it once more to ask for the version."""

    def __init__(self, binary: Path, version: str) -> None:
        self.command = str(binary)
        self.version = VersionInfo.parse(version.removeprefix("v"))


def environment(paths: SandboxPaths) -> dict[str, str]:
    """The variables that point any Pulumi CLI at a sandbox's state, and keep it off the network."""
    return {
        # Without the sidecar files that a kill leaves empty, which no engine can read then (gocloud.dev, fileblob).
        "PULUMI_BACKEND_URL": f"file://{paths.backend}?metadata=skip",
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(paths.passphrase),
        "PULUMI_HOME": str(paths.pulumi_home),
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_DIY_BACKEND_DISABLE_CHECKPOINT_BACKUPS": "true",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_CI_DETECTION": "true",
    }


@contextlib.contextmanager
def _without_user_settings() -> Generator[None]:
    # A passphrase, a stack or a backend in the user's environment would override ours.
    removed = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("PULUMI_")}
    try:
        with loopback_spared():
            yield
    finally:
        os.environ.update(removed)


def _last_error(text: str) -> str:
    lines = [line for line in text.splitlines() if "error" in line.lower()]
    return (lines or text.splitlines() or ["the engine failed"])[-1].strip()
