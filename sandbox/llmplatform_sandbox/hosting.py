"""Creates the simulated accounts and serves all providers over them: in the world process, and in previews."""

import os
import threading
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import grpc
from typing_extensions import override

from llmplatform_sandbox.cloud import ControlPlane, NoControlPlane, SimulatedCloud, open_cloud
from llmplatform_sandbox.cloud.simulated import FILE
from llmplatform_sandbox.endpoints import Endpoints
from llmplatform_sandbox.interfaces import KubeAccess
from llmplatform_sandbox.newer_minors import PLANNED_MINORS
from llmplatform_sandbox.providers.base import ProviderServicer
from llmplatform_sandbox.providers.charts import Programs
from llmplatform_sandbox.providers.cloud import CloudProvider
from llmplatform_sandbox.providers.entrance import Entrance
from llmplatform_sandbox.providers.helm import Started
from llmplatform_sandbox.providers.kubernetes import KubernetesProvider
from llmplatform_sandbox.providers.paper import PaperCloud, PaperKubernetes
from llmplatform_sandbox.providers.random import RandomProvider
from llmplatform_sandbox.providers.serve import serve

CLOUDS = ("aws", "alicloud")
"""Simulated clouds, by Pulumi package."""


class Accounts(Mapping[str, SimulatedCloud]):
    """The simulated accounts below a folder, by Pulumi package.

    An account is created at its first use, by a program that uses its cloud. Iteration yields existing ones, including
    those that appear later.
    """

    def __init__(self, folder: Path, control_plane: ControlPlane | None) -> None:
        self._folder = folder
        self._control_plane = control_plane or NoControlPlane(PLANNED_MINORS)
        self._open: dict[str, SimulatedCloud] = {}
        self._lock = threading.Lock()

    @override
    def __getitem__(self, package: str) -> SimulatedCloud:
        if package not in CLOUDS:
            raise KeyError(package)
        with self._lock:
            if package not in self._open:
                self._open[package] = open_cloud(package, self._folder / package, self._control_plane)
            return self._open[package]

    @override
    def __contains__(self, package: object) -> bool:
        return package in CLOUDS and (self._folder / str(package) / FILE).is_file()

    @override
    def __iter__(self) -> Iterator[str]:
        return (package for package in CLOUDS if package in self)

    @override
    def __len__(self) -> int:
        return sum(1 for _ in self)


@contextmanager
def served(clouds: Accounts, *, paper: bool = False) -> Generator[str]:
    """Serve all providers without a cluster while the block runs; yields the engine's variables to attach to them."""
    servers, ports = serve_providers(clouds, None, paper=paper)
    try:
        yield Endpoints(pid=os.getpid(), providers=ports).debug_providers
    finally:
        for server in servers:
            server.stop(grace=0)


def open_clouds(folder: Path, control_plane: ControlPlane | None) -> Accounts:
    """The simulated accounts whose stores are below a folder; without a control plane for a preview or a look."""
    return Accounts(folder, control_plane)


def serve_providers(
    clouds: Accounts,
    kube: KubeAccess | None,
    *,
    ports: Mapping[str, int] | None = None,
    paper: bool = False,
    started: Started = lambda _: True,
    programs: Programs = tuple,
    interceptors: Sequence["grpc.ServerInterceptor[Any, Any]"] = (),
) -> tuple[list[grpc.Server], dict[str, int]]:
    """Serve all providers whose SDK is installed; without `kube` for a preview.

    Returns the servers, to be stopped by the caller, and the port of each package. `ports` are tried first. `paper`:
    apply without a cluster; see paper.py. Charts come from the folder that LLMPLATFORM_CHARTS names, and from archives
    that the `programs` name. `started`: what a release waits for.
    """
    charts = os.environ.get("LLMPLATFORM_CHARTS")
    folder = Path(charts) if charts else None
    cluster = PaperKubernetes() if paper else KubernetesProvider(kube, folder, started, programs)
    servicers: dict[str, ProviderServicer] = {
        "kubernetes": cluster,
        "random": RandomProvider(),
    }
    for package in CLOUDS:
        if find_spec(f"pulumi_{package}"):
            servicers[package] = (PaperCloud if paper else CloudProvider)(partial(clouds.__getitem__, package))
    door = Entrance(lambda: next((why for cloud in clouds.values() if (why := cloud.locked_out())), ""))
    served = {
        package: serve(
            servicer,
            port=(ports or {}).get(package, 0),
            interceptors=[*interceptors, door] if package == "kubernetes" and not paper else interceptors,
        )
        for package, servicer in servicers.items()
    }
    return [server for server, _ in served.values()], {package: port for package, (_, port) in served.items()}
