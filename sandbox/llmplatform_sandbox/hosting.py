"""Makes the simulated accounts and serves all providers over them: in the world process, and in a preview's own."""

import os
from collections.abc import Mapping
from pathlib import Path

import grpc

from llmplatform_sandbox.cloud import NoControlPlane, SimulatedCloud, open_cloud
from llmplatform_sandbox.controlplane import KUBERNETES_MINOR, ControlPlane
from llmplatform_sandbox.interfaces import KubeAccess
from llmplatform_sandbox.providers.cloud import CloudProvider
from llmplatform_sandbox.providers.kubernetes import KubernetesProvider
from llmplatform_sandbox.providers.random import RandomProvider
from llmplatform_sandbox.providers.serve import serve

CLOUDS = ("aws",)
"""Simulated clouds, by Pulumi package."""


def open_clouds(folder: Path, control_plane: ControlPlane | None) -> dict[str, SimulatedCloud]:
    """The simulated accounts whose stores lie below a folder; without a control plane for a preview or a look."""
    clouds: dict[str, SimulatedCloud] = {}
    for package in CLOUDS:
        store = folder / package
        store.mkdir(parents=True, exist_ok=True)
        clouds[package] = open_cloud(package, store, control_plane or NoControlPlane(minor=KUBERNETES_MINOR))
    return clouds


def serve_providers(
    clouds: Mapping[str, SimulatedCloud], kube: KubeAccess | None, *, ports: Mapping[str, int] | None = None
) -> tuple[list[grpc.Server], dict[str, int]]:
    """Serve all providers; without `kube` for a preview.

    Returns the servers, to be stopped by the caller, and the port of each package. `ports` are tried
    first. Charts come from the folder that LLMPLATFORM_CHARTS names.
    """
    charts = os.environ.get("LLMPLATFORM_CHARTS")
    servicers = {
        "kubernetes": KubernetesProvider(kube, Path(charts) if charts else None),
        "random": RandomProvider(),
        **{package: CloudProvider(cloud) for package, cloud in clouds.items()},
    }
    served = {package: serve(servicer, port=(ports or {}).get(package, 0)) for package, servicer in servicers.items()}
    return [server for server, _ in served.values()], {package: port for package, (_, port) in served.items()}
