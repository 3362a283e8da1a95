"""The operations of a sandbox. Each reports its progress and returns its result."""

import shutil
import time
from collections.abc import Collection, Generator, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from llmplatform_sandbox import guests, protection
from llmplatform_sandbox.checkpoint import Checkpoint
from llmplatform_sandbox.controllers import running
from llmplatform_sandbox.controlplane import KUBERNETES_MINOR, PROCESS_NAMES, ControlPlane
from llmplatform_sandbox.diff.difference import Difference, difference
from llmplatform_sandbox.endpoints import read_endpoints
from llmplatform_sandbox.engine import Outcome, PulumiEngine
from llmplatform_sandbox.errors import SandboxError
from llmplatform_sandbox.exclusion import alone, at_work
from llmplatform_sandbox.hosting import open_clouds, served
from llmplatform_sandbox.interfaces import Cloud, CloudObject
from llmplatform_sandbox.newer_minors import newer
from llmplatform_sandbox.paths import SandboxPaths, ignore_from_git, write_private
from llmplatform_sandbox.processes import Processes
from llmplatform_sandbox.progress import Output, PhaseEnded, PhaseStarted, Report
from llmplatform_sandbox.project import copy_project, no_sandbox, read_project, require_stack
from llmplatform_sandbox.providers.kubernetes import KubernetesProvider
from llmplatform_sandbox.recovery import Unclean, end_last, reconcile
from llmplatform_sandbox.scratch import scratch
from llmplatform_sandbox.seed import left_behind, plant, read_seed
from llmplatform_sandbox.shell import variables
from llmplatform_sandbox.snapshot import Snapshot, orphans_of, settled, take
from llmplatform_sandbox.stack_settings import require_same_cloud
from llmplatform_sandbox.toolchain import ETCD, KUBERNETES, KWOK, PULUMI, Toolchain, ensure
from llmplatform_sandbox.world_process import WORLD, start_world


@dataclass(frozen=True, kw_only=True)
class Down:
    """The findings of a destroyed sandbox."""

    outcome: Outcome
    orphans: tuple[CloudObject, ...]
    """Leftover objects: in a real account they would go on costing money."""
    kept: tuple[str, ...] = ()
    """Deleted objects that a cloud keeps by design, a sentence each."""
    absent: bool = False
    """Whether there was nothing to destroy."""


class Sandbox:
    """The sandbox of one stack of one project folder: its own, or that of its `host`."""

    def __init__(self, folder: Path, stack: str, report: Report, host: guests.Host | None = None) -> None:
        self.project = read_project(folder)
        self.stack = stack
        self.paths: SandboxPaths = guests.paths_of(self.project, stack, host)
        self._report = report
        self._processes = Processes(self.paths.run, self.paths.logs)

    def preview(self, *, colour: bool = False) -> Outcome:
        """The plan of the whole stack on an empty account. Starts only the engine and needs no network."""
        with self._phase("tools", "Looking for the Pulumi CLI"):
            tools = ensure([PULUMI], report=self._report)
        with scratch("llmplatform-preview-") as paths:
            guests.borrow_state(self.paths, paths, self.project, self.stack)
            paths.create()
            copy_project(self.project, self.stack, paths)
            with served(open_clouds(paths.clouds, None)) as providers:
                engine = PulumiEngine(self.project, self.stack, paths, tools, providers, self._report)
                self._warn(filter(None, [newer(self.project.stack_file(self.stack))]))
                with self._phase("engine", f"Planning {self.stack}"):
                    return engine.preview(colour=colour)

    def difference(self, against: str) -> Difference:
        """What the working tree changes in the stack of another revision; the sandbox itself is not changed."""
        return difference(self.project, self.stack, against, self._report)

    def up(self, *, controllers: Collection[str] = ()) -> Outcome:
        """Start what does not run and apply the program. `controllers`: charts whose real ones run from now on."""
        require_stack(self.project, self.stack)
        guests.require_platform(self.paths, self.stack)
        seed = read_seed(self.project.folder, self.stack)
        with self._locked():
            if controllers:
                with self._phase("controllers", "Looking for the controllers of charts"):
                    running.enable(self.paths, controllers, self._report)
            made = Checkpoint(self.paths, self.project.name, self.stack).resources()
            require_same_cloud(self.stack, self._copy(), self.project.stack_file(self.stack), made=bool(made))
            applied = self._copy().read_text() if self._copy().exists() else ""
            engine = self._started()
            if seed.providers or seed.resources or seed.manifests:
                with self._phase("seed", "Creating the objects that exist before the stack"):
                    control_plane = self.control_plane(self.tools())
                    plant(seed, open_clouds(self.paths.clouds, control_plane), control_plane.access())
            if protection.is_protected(engine.checkpoint):
                self._require_plan(engine, applied)
            with self._phase("engine", f"Applying {self.stack}"), Unclean(self.paths):
                return engine.up()

    def down(self, *, force: bool = False) -> Down:
        """Destroy the stack, search the clouds for leftovers, stop every process, remove the state folder.

        It lifts the stack's protection first, as a platform engineer must: by its setting and an update. With `force`
        it destroys nothing and searches nothing. If the engine cannot destroy the stack, everything stays, and
        `SandboxError` is raised.
        """
        if not self.paths.exists():
            if not self.paths.guest:
                self.paths.sweep()
            guests.leave(self.project, self.stack)
            if not self.project.stack_file(self.stack).exists():
                self._require_existence()
            return Down(outcome=Outcome(changes={}), orphans=(), absent=True)
        with self._locked():
            outcome, orphans, kept = Outcome(changes={}), (), ()
            if not force:
                guests.require_none(self.paths, self.stack)
                # The applied stack is destroyed, whatever its stack file says now.
                engine = self._started(copy=not self._copy().exists(), wanted=False)
                with Unclean(self.paths):
                    self._lift_protection(engine)
                    with self._phase("engine", f"Destroying {self.stack}"):
                        outcome = engine.destroy()
                with self._phase("account", "Searching for leftovers"):
                    orphans = orphans_of(self._left_over)
                    kept = [sentence for cloud in self.clouds().values() for sentence in cloud.kept()]
            if self.paths.guest:
                engine = self.engine(self.tools())
                if engine.checkpoint.exists():
                    engine.forget()
                # In this order: after a kill, a forgotten guest could never be destroyed.
                shutil.rmtree(self.paths.project)
                guests.leave(self.project, self.stack)
            else:
                with self._phase("processes", "Stopping the control plane"):
                    self.stop()
                self.paths.remove()
        return Down(outcome=outcome, orphans=tuple(orphans), kept=tuple(kept))

    def settle(self) -> Snapshot:
        """Wait until no pod is Pending, or until nothing changes any more; then look."""
        with self._phase("pods", "Waiting for pods to start"):
            return settled(self.snapshot)

    def snapshot(self) -> Snapshot:
        """The present state."""
        self._require_existence()
        control_plane = self.control_plane()
        return take(
            control_plane.access() if control_plane.running() else None,
            self.clouds(),
            Checkpoint(self.paths, self.project.name, self.stack),
            controllers=running.enabled(self.paths),
        )

    def dead(self) -> list[str]:
        """Names of processes that should be alive and are not."""
        return [name for name in (*PROCESS_NAMES, WORLD) if not self._processes.running(name)]

    def unfinished(self) -> bool:
        """Whether the last run was killed or failed, and no command works on it now."""
        return bool(Unclean(self.paths)) and not at_work(self.paths)

    def fault(self, kind: str, target: str, *, active: bool) -> None:
        """Turn a fault of the simulated accounts on or off.

        Raises `SandboxError` (exit code 2) for an unknown fault or target.
        """
        self._require_existence()
        refusals: list[str] = []
        clouds = self.clouds()
        for cloud in clouds.values():
            try:
                cloud.fault(kind, target, active=active)
            except ValueError as error:
                refusals.append(str(error))
        if len(refusals) == len(clouds):
            reason = "\n".join(refusals) or f"{self.stack}: nothing of a cloud was made yet that could be struck"
            raise SandboxError(reason, exit_code=2)

    def shell_variables(self, *, recovered: bool = True) -> dict[str, str]:
        """Start missing processes, and return the variables that point a user's own tools at the sandbox.

        With `recovered` False those tools find what a killed run left.
        """
        require_stack(self.project, self.stack)
        with self._locked():
            engine = self._started(recovered=recovered)
            engine.ensure_stack()
            endpoints = read_endpoints(self.paths)
            if endpoints is None:
                raise SandboxError(f"{WORLD}: it ended; see {self.paths.logs / WORLD}.log")
            access, pulumi = self.control_plane().access(), self.tools()["pulumi"]
            return variables(self.paths, self.project.folder, self.stack, endpoints, access, pulumi)

    def versions(self) -> Mapping[str, str]:
        """Version of each tool; of Kubernetes also the emulated minor, if it differs."""
        found, minor = self.tools().versions, self.control_plane().minor()
        emulated = "" if minor == KUBERNETES_MINOR else f" (emulating {minor})"
        return {**found, "kubernetes": f"{found['kubernetes']}{emulated}", **running.versions(self.paths)}

    def tools(self) -> Toolchain:
        """All tools; missing ones are fetched first."""
        return ensure([PULUMI, KUBERNETES, KWOK, ETCD], report=self._report)

    def stop(self) -> None:
        """Stop every process of the sandbox; its state stays."""
        self._processes.stop(WORLD, grace=3.0)
        self.control_plane().stop()
        self._processes.stop(*self._processes.names())

    def clouds(self) -> Mapping[str, Cloud]:
        """The simulated accounts, for reading and for faults."""
        return open_clouds(self.paths.clouds, None)

    def control_plane(self, tools: Toolchain | None = None) -> ControlPlane:
        """The sandbox's control plane; without tools for a look or a stop."""
        return ControlPlane(self.paths, tools or Toolchain({}, {}))

    def engine(self, tools: Toolchain) -> PulumiEngine:
        """The engine on the sandbox's state, attached to the running world."""
        endpoints = read_endpoints(self.paths)
        return PulumiEngine(
            self.project, self.stack, self.paths, tools, endpoints.debug_providers if endpoints else "", self._report
        )

    def _require_plan(self, engine: PulumiEngine, applied: str) -> None:
        # Else a change that protection forbids would stop the update halfway.
        with self._phase("plan", f"Planning {self.stack}, some of it is protected"):
            try:
                engine.require_plan()
            except SandboxError:
                # `down` destroys the stack as it was applied.
                if applied:
                    write_private(self._copy(), applied)
                raise

    def _lift_protection(self, engine: PulumiEngine) -> None:
        if protection.is_protected(engine.checkpoint) and protection.lift(self._copy()):
            with self._phase("protection", f"Lifting protection: {protection.SETTING} none, and an update"):
                engine.up()

    def _copy(self) -> Path:
        return self.paths.project / f"Pulumi.{self.stack}.yaml"

    def _started(self, *, copy: bool = True, wanted: bool = True, recovered: bool = True) -> PulumiEngine:
        with self._phase("tools", "Looking for the tools"):
            tools = self.tools()
        if copy:
            copy_project(self.project, self.stack, self.paths)
        self._warn(end_last(self.engine(tools), self.paths, self._processes))
        with self._phase("start", f"Starting Kubernetes {self.control_plane().minor()} and the simulated clouds"):
            control_plane = self.control_plane(tools)
            control_plane.prepare()
            with ThreadPoolExecutor() as pool:
                for started in [
                    pool.submit(control_plane.start),
                    pool.submit(start_world, self.paths, self._processes),
                ]:
                    started.result()
        engine = self.engine(tools)
        ours = f"urn:pulumi:{self.stack}::{self.project.name}::"
        clouds = partial(open_clouds, self.paths.clouds, control_plane)
        if not recovered:
            return engine
        unclean, cluster = Unclean(self.paths), lambda: KubernetesProvider(control_plane.access())
        self._warn(reconcile(engine, unclean, ours, clouds, cluster, wanted=wanted))
        return engine

    def _warn(self, sentences: Iterable[str]) -> None:
        for each in sentences:
            self._report(Output(text=each, severity="warning"))

    def _require_existence(self) -> None:
        if not self.paths.exists():
            raise no_sandbox(self.project, self.stack)

    def _left_over(self) -> Sequence[CloudObject]:
        there = [item for cloud in self.clouds().values() for item in cloud.objects()]
        return guests.own(there, self.project, self.stack) if self.paths.guest else left_behind(there)

    @contextmanager
    def _locked(self) -> Generator[None]:
        guests.require_host(self.paths, self.stack)
        ignore_from_git(self.project.folder)
        self.paths.create()
        guests.settle_in(self.project, self.stack, self.paths)
        with alone(self.paths, self.stack):
            yield

    @contextmanager
    def _phase(self, phase: str, text: str) -> Generator[None]:
        self._report(PhaseStarted(phase=phase, text=text))
        began = time.monotonic()
        yield
        self._report(PhaseEnded(phase=phase, seconds=time.monotonic() - began))
