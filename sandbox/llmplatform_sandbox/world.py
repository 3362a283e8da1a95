"""The long-living process of a sandbox: it serves the providers and runs the loops that simulate clouds and kubelets.

`python -m llmplatform_sandbox.world --folder <state folder>` writes its ports to `run/endpoints.json`. They stay the
same after a restart if they are still free, so that variables printed by `sandbox env` stay valid.
"""

import argparse
import logging
import os
import signal
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Protocol

from llmplatform_sandbox.cloud import SimulatedCloud
from llmplatform_sandbox.controllers.running import Running
from llmplatform_sandbox.controlplane import ControlPlane
from llmplatform_sandbox.endpoints import Endpoints, fingerprint, read_endpoints
from llmplatform_sandbox.guests import projects_in
from llmplatform_sandbox.hosting import CLOUDS, Accounts, open_clouds, serve_providers
from llmplatform_sandbox.killing import KillSwitch
from llmplatform_sandbox.kube.client import Object
from llmplatform_sandbox.kube.copies import CopyingKube
from llmplatform_sandbox.language import serve_language
from llmplatform_sandbox.loops.autoscaler import AutoscalerLoop
from llmplatform_sandbox.loops.controllers import ControllersLoop
from llmplatform_sandbox.loops.nodes import NodesLoop
from llmplatform_sandbox.loops.pods import PodsLoop
from llmplatform_sandbox.paths import SandboxPaths
from llmplatform_sandbox.toolchain import ETCD, KUBERNETES, KWOK, ensure

_log = logging.getLogger(__name__)

_PERIOD = 0.4
"""Seconds between two rounds of a loop."""


class World:
    """Everything that the process does."""

    def __init__(self, paths: SandboxPaths, ended: threading.Event) -> None:
        self._paths = paths
        self._ended = ended
        self._fingerprint = fingerprint()
        self._control_plane = ControlPlane(paths, ensure([ETCD, KUBERNETES, KWOK]))

    def run(self) -> None:
        """Serve until the process is asked to end."""
        before = read_endpoints(self._paths)
        access = self._control_plane.access()
        clouds = open_clouds(self._paths.clouds, self._control_plane)
        kube = CopyingKube(access)
        running = Running(self._paths, kube, access.kubeconfig)
        programs = partial(projects_in, self._paths)
        servers, ports = serve_providers(
            clouds,
            access,
            ports=before.providers if before else None,
            started=running.await_ready,
            programs=programs,
            interceptors=[KillSwitch(self._paths)],
        )
        language_server, language = serve_language(programs, port=before.language if before else 0)
        Endpoints(pid=os.getpid(), providers=ports, language=language, fingerprint=self._fingerprint).write(self._paths)
        for loop in [*_loops(clouds, kube), ("real controllers", running.step)]:
            threading.Thread(target=self._repeat, args=loop, name=loop[0], daemon=True).start()
        self._ended.wait()
        for server in (*servers, language_server):
            server.stop(grace=0)

    def _repeat(self, name: str, step: Callable[[], None]) -> None:
        complaint = ""
        while not self._ended.wait(_PERIOD):
            if not self._control_plane.serving():
                continue  # There is no cluster at the moment.
            try:
                step()
                complaint = ""
            except Exception as error:
                # The loop survives every error of a round, e.g. a restart of the API server, and reports it once.
                if str(error) != complaint:
                    complaint = str(error)
                    _log.warning("%s: %s", name, error, exc_info=True)


def main() -> None:
    """Entry point of the process; returns when it is asked to end."""
    parser = argparse.ArgumentParser(prog="llmplatform_sandbox.world")
    parser.add_argument("--folder", type=Path, required=True)
    paths = SandboxPaths(parser.parse_args().folder)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    # These would log every request.
    for chatty in ("httpx", "httpcore", "botocore"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: ended.set())
    World(paths, ended).run()


def _loops(clouds: Accounts, kube: CopyingKube) -> list[tuple[str, Callable[[], None]]]:
    def unpullable(image: str, pod: Object, account: Object | None) -> str:
        refusals = (cloud.unpullable(image, pod, account) for cloud in clouds.values())
        return next((refusal for refusal in refusals if refusal), "")

    loops: list[tuple[str, Callable[[], None]]] = [
        ("pods", PodsLoop(kube, unpullable).step),
        ("controllers", ControllersLoop(kube, clouds.values()).step),
    ]
    for package in CLOUDS:
        loops.append((f"{package} nodes", _once_there(clouds, package, kube, NodesLoop)))
        loops.append((f"{package} autoscaler", _once_there(clouds, package, kube, AutoscalerLoop)))
    return loops


class _Loop(Protocol):
    def step(self) -> None: ...


def _once_there(
    clouds: Accounts, package: str, kube: CopyingKube, loop: Callable[[SimulatedCloud, CopyingKube], _Loop]
) -> Callable[[], None]:
    """A loop over an account that a program may use later, or never."""
    made: list[_Loop] = []

    def step() -> None:
        if not made and package in clouds:
            made.append(loop(clouds[package], kube))
        for one in made:
            one.step()

    return step


if __name__ == "__main__":
    main()
