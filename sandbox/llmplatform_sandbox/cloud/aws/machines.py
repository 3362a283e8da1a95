"""A machine of EC2 as a node of EKS.

Allocatable CPU by the reservation formula of the EKS AMIs (amazon-eks-ami, nodeadm kubelet config: 6 % of the first
core, 1 % of the second, 0.5 % of the next two, 0.25 % of the others); pods by the usual interface limits of the
sizes.
"""

from collections.abc import Mapping

from llmplatform_sandbox.cloud.machine_table import Machine, by_type

ARM_IMAGES = ("AL2023_ARM_64_STANDARD", "AL2023_ARM_64_NVIDIA", "BOTTLEROCKET_ARM_64", "BOTTLEROCKET_ARM_64_FIPS",
              "BOTTLEROCKET_ARM_64_NVIDIA", "BOTTLEROCKET_ARM_64_NVIDIA_FIPS")  # fmt: skip


def machine(name: str) -> Machine:
    """Raises KeyError for a type that EC2 does not have."""
    family, (vcpus, memory, gpus, nvme, allocatable) = by_type("aws")[name]
    return Machine(
        name=name,
        family=family,
        vcpus=vcpus,
        memory_mib=memory,
        allocatable_memory_mib=allocatable,
        gpus=gpus,
        nvme_gb=nvme,
    )


def offered(name: str) -> bool:
    """Whether EC2 has a type of that name."""
    return name in by_type("aws")


def capacity(kind: Machine, disk_gib: int, *, raid0: bool) -> Mapping[str, str]:
    """A node's whole resources, without those of a device plugin."""
    disk = kind.nvme_gb * 1000**3 if raid0 and kind.nvme_gb else disk_gib * 1024**3
    return {
        "cpu": str(kind.vcpus),
        "memory": f"{kind.memory_mib}Mi",
        "ephemeral-storage": str(disk),
        "pods": str(_pods(kind.vcpus)),
    }


def allocatable(kind: Machine, disk_gib: int, *, raid0: bool) -> Mapping[str, str]:
    """Its resources for pods."""
    whole = capacity(kind, disk_gib, raid0=raid0)
    reserved = 60 + 10 * min(kind.vcpus - 1, 1) + 5 * min(max(kind.vcpus - 2, 0), 2) + 2.5 * max(kind.vcpus - 4, 0)
    return {
        "cpu": f"{int(kind.vcpus * 1000 - reserved)}m",
        "memory": f"{kind.allocatable_memory_mib}Mi",
        # The kubelet evicts below 10 % and keeps 1 GiB for the system.
        "ephemeral-storage": str(int(int(whole["ephemeral-storage"]) * 0.9) - 1024**3),
        "pods": whole["pods"],
    }


def _pods(vcpus: int) -> int:
    if vcpus <= 2:
        return 29
    return 58 if vcpus <= 16 else 234
