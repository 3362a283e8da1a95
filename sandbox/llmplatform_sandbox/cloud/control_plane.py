"""How a simulated cluster uses the one real control plane of the sandbox."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from llmplatform_sandbox.interfaces import KubeAccess


class Nodes(Protocol):
    """A cloud's actions on the nodes of its machines."""

    def ready(self, node: str) -> bool:
        """Whether a node has joined and accepts pods."""
        ...

    def cordon(self, node: str) -> None:
        """Let no new pod onto a node."""
        ...

    def drain(self, node: str, seconds: float) -> list[str]:
        """Cordon a node and evict its pods; returns the pods that a budget kept on it for that time."""
        ...

    def restart(self, node: str) -> None:
        """Remove a node with its remaining pods; its machine stays and joins again."""
        ...


class ControlPlane(Protocol):
    """The sandbox's Kubernetes. One per account: a second cluster is refused."""

    @property
    def minors(self) -> Sequence[str]:
        """Kubernetes minors that it can be, the newest last, e.g. `1.35`."""
        ...

    @property
    def on_paper(self) -> bool:
        """Whether it has an address without a server."""
        ...

    @property
    def nodes(self) -> Nodes:
        """The cluster's nodes."""
        ...

    def __call__(self, service_cidr: str | None = None, minor: str | None = None) -> KubeAccess:
        """Address of the running API server, with that range for Services, as that minor."""
        ...

    def upgrade(self, minor: str) -> None:
        """Continue with all objects as another minor."""
        ...

    def reset(self) -> None:
        """Forget every object: the cluster was deleted."""
        ...


@dataclass(frozen=True)
class NoControlPlane:
    """For a preview, which creates nothing."""

    minors: Sequence[str]
    on_paper: bool = False

    @property
    def nodes(self) -> Nodes:
        """Nothing runs."""
        raise _nothing_runs()

    def __call__(self, service_cidr: str | None = None, minor: str | None = None) -> KubeAccess:
        """Nothing runs."""
        raise _nothing_runs()

    def upgrade(self, minor: str) -> None:
        """Nothing runs."""
        raise _nothing_runs()

    def reset(self) -> None:
        """Nothing runs."""
        raise _nothing_runs()


@dataclass(frozen=True)
class PaperControlPlane:
    """For a state that is made without a cluster: an address without a server."""

    minors: Sequence[str]
    on_paper: bool = True

    @property
    def nodes(self) -> Nodes:
        """Nothing runs."""
        raise _nothing_runs()

    def __call__(self, service_cidr: str | None = None, minor: str | None = None) -> KubeAccess:
        """An address that is reserved for documents (RFC 5737)."""
        return KubeAccess(server="https://192.0.2.1:6443", ca_pem="", kubeconfig=Path(os.devnull))

    def upgrade(self, minor: str) -> None:
        """Nothing runs."""

    def reset(self) -> None:
        """Nothing is stored."""


def _nothing_runs() -> RuntimeError:
    return RuntimeError("a preview has no control plane; run `sandbox up`")
