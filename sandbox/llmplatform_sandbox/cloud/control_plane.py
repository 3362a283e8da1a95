"""How a simulated cluster gets at the one real control plane of the sandbox."""

from dataclasses import dataclass
from typing import Protocol

from llmplatform_sandbox.interfaces import KubeAccess


class ControlPlane(Protocol):
    """The sandbox's Kubernetes. One per account: a second cluster is refused."""

    @property
    def minor(self) -> str:
        """Kubernetes minor that runs, e.g. `1.35`."""
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

    def __call__(self, service_cidr: str | None = None) -> KubeAccess:
        """Nothing runs."""
        raise RuntimeError("a preview has no control plane; run `sandbox up`")

    def reset(self) -> None:
        """Nothing runs."""
        raise RuntimeError("a preview has no control plane; run `sandbox up`")
