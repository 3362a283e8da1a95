"""The machines that the clouds rent, from `data/instances/<provider>.csv`."""

from dataclasses import dataclass
from functools import lru_cache

from llmplatform.catalog import gpus
from llmplatform.catalog.gpus import Gpu
from llmplatform.catalog.tables import rows

PROVIDERS = ("aws", "alicloud")
"""Clouds with a table."""


@dataclass(frozen=True, kw_only=True)
class InstanceType:
    """One type of machine."""

    name: str
    provider: str
    vcpus: int
    memory_mib: int
    allocatable_memory_mib: int
    """Memory that pods can request in all, after the hypervisor and the kubelet. DaemonSets are among these pods."""
    gpus: int
    """Whole GPUs; 0 for a machine without GPUs or with a slice of one."""
    gpu: Gpu | None
    nvme_gb: int
    """Local NVMe storage; 0 without it."""
    architecture: str
    """`amd64` or `arm64`."""
    efa: int
    """Elastic Fabric Adapters."""
    price_hour: float | None
    """On-demand price of one hour; None if it is not published."""
    currency: str
    """`USD` (us-east-1) or `CNY` (cn-hangzhou)."""
    unusable: str
    """Why managed nodes cannot use its GPUs; empty if they can."""

    @property
    def price_usd_hour(self) -> float | None:
        """The price in US dollars, if it is in that currency. Prices are never converted."""
        return self.price_hour if self.currency == "USD" else None

    @property
    def allocatable_millicores(self) -> int:
        """CPU that pods can request in all, after the kubelet. DaemonSets are among these pods.

        EKS keeps 6 % of the first core, 1 % of the second, 0.5 % of two more, 0.25 % of the rest (amazon-eks-ami,
        nodeadm, `kubelet/defaults`). ACK keeps 100m of 4 cores ("Resource reservation policy"); that larger machines
        lose the same part is an assumption, on the careful side.
        """
        if self.provider == "alicloud":
            return int(self.vcpus * 975)
        reserved = [60.0, 10.0, 5.0, 5.0][: self.vcpus]
        return int(self.vcpus * 1000 - sum(reserved) - 2.5 * max(0, self.vcpus - 4))

    @property
    def family(self) -> str:
        """The cloud's name of machines of one generation and kind: `g5`, `gn7i`."""
        return self.name.removeprefix("ecs.").partition(".")[0].partition("-")[0]

    @property
    def shape(self) -> tuple[int, int, int, str]:
        """The shape for an autoscaler's plan: vCPUs, memory in MiB, GPUs, and the GPU's name."""
        return self.vcpus, self.memory_mib, self.gpus, self.gpu.name if self.gpu else ""


@lru_cache(maxsize=len(PROVIDERS))
def _all(provider: str) -> dict[str, InstanceType]:
    if provider not in PROVIDERS:
        raise KeyError(provider)
    return {row["name"]: _instance_type(provider, row) for row in rows(f"instances/{provider}")}


def _instance_type(provider: str, row: dict[str, str]) -> InstanceType:
    memory = int(float(row["memory_gib"]) * 1024)
    return InstanceType(
        name=row["name"],
        provider=provider,
        vcpus=int(row["vcpus"]),
        memory_mib=memory,
        allocatable_memory_mib=int(row["allocatable_mib"] or _allocatable(memory)),
        gpus=int(row["gpus"] or 0),
        gpu=gpus.get(row["gpu"]) if row["gpu"] else None,
        nvme_gb=int(row["nvme_gb"] or 0),
        architecture=row["architecture"] or "amd64",
        efa=int(row["efa"] or 0),
        price_hour=float(row["price_hour"]) if row["price_hour"] else None,
        currency="USD" if provider == "aws" else "CNY",
        unusable=row["unusable"],
    )


def _allocatable(memory_mib: int) -> int:
    """A careful estimate if no figure is published: 10 % for the hypervisor, 1 GiB for the kubelet."""
    return int(memory_mib * 0.9) - 1024


def get(provider: str, name: str) -> InstanceType:
    """The type of that name, in the cloud's spelling. Raises KeyError."""
    return _all(provider)[name]


def find(provider: str, name: str) -> InstanceType | None:
    """The same; None for a type that the table lacks. Raises KeyError for a cloud without a table."""
    return _all(provider).get(name)


def names(provider: str) -> tuple[str, ...]:
    """All names of a cloud. Raises KeyError for a cloud without a table."""
    return tuple(_all(provider))
