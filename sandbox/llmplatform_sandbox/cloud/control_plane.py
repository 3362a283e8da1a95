"""How a simulated cluster gets at the one real control plane of the sandbox."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from llmplatform_sandbox.interfaces import KubeAccess


class ControlPlane(Protocol):
    """The sandbox's Kubernetes. One per account: a second cluster is refused."""

    @property
    def minor(self) -> str:
        """Kubernetes minor that runs, e.g. `1.35`."""
        ...

    @property
    def on_paper(self) -> bool:
        """Whether it has an address and nothing behind it."""
        ...

    def __call__(self, service_cidr: str | None = None) -> KubeAccess:
        """Where the API server is; it runs by then, with that range for Services."""
        ...

    def reset(self) -> None:
        """Forget every object: the cluster was deleted."""
        ...


@dataclass(frozen=True)
class NoControlPlane:
    """For a preview, which creates nothing."""

    minor: str
    on_paper: bool = False

    def __call__(self, service_cidr: str | None = None) -> KubeAccess:
        """Nothing runs."""
        raise RuntimeError("a preview has no control plane; run `sandbox up`")

    def reset(self) -> None:
        """Nothing runs."""
        raise RuntimeError("a preview has no control plane; run `sandbox up`")


@dataclass(frozen=True)
class PaperControlPlane:
    """For a state that is made without a cluster: it has an address, and nobody is there."""

    minor: str
    on_paper: bool = True

    def __call__(self, service_cidr: str | None = None) -> KubeAccess:
        """An address that is reserved for documents (RFC 5737)."""
        return KubeAccess(server="https://192.0.2.1:6443", ca_pem="", kubeconfig=Path(os.devnull))

    def reset(self) -> None:
        """There is nothing to forget."""
