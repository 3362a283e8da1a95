"""A machine of ECS as a node of ACK.

Allocatable CPU by ACK's reservation policy for Kubernetes 1.28 and later (the published example: 100m of 4 cores; above
that the curve of its table, unverified). Pods by the private addresses that Terway's interfaces can hold on the usual
sizes ((interfaces - 1) x addresses, ECS instance families; unverified for single types). Drivers: ACK installs its
default one wherever a pool asks for one that is not in its list.
"""

import re
from collections.abc import Mapping

from llmplatform_sandbox.cloud.alicloud.offered import drivers
from llmplatform_sandbox.cloud.machine_table import Machine, by_type

DRIVER_LABEL = "ack.aliyun.com/nvidia-driver-version"
SCHEDULE_LABEL = "ack.node.gpu.schedule"
"""Other values than `default` give the GPUs to ACK's sharing plugins: no whole ones are offered then."""
_GENERATION = re.compile(r"^ecs\.(?:ebm)?[a-z]+(\d+)")
CHEAPEST_SPOT = 0.1
"""Lowest price of a spot machine, as a share of the list price. ECS user guide, spot instances."""
ESSD_LIKE = frozenset({"cloud_essd", "cloud_auto", "cloud_essd_entry"})
ESSD_LEAST_GIB: Mapping[str, int] = {"PL0": 1, "PL1": 20, "PL2": 461, "PL3": 1261}
"""Smallest ESSD of a performance level. ECS user guide, ESSDs."""

_FIRST_WITHOUT_CGROUP_V1 = [1, 35]
"""ACK Kubernetes 1.35 release notes, breaking changes: the kubelet refuses to start on cgroup v1."""
_CGROUP_V2 = (
    "AliyunLinux3ContainerOptimized",
    "AliyunLinux4ContainerOptimized",
    "AliyunLinux4ContainerOptimizedArm64",
    "ContainerOS",
    "Ubuntu",
)
"""ACK user guide, "Migrate nodes to cgroup v2": only these operating systems have it by default."""


def machine(name: str) -> Machine:
    """Raises KeyError for a type that ECS does not have."""
    family, (vcpus, memory, gpus) = by_type("alicloud")[name]
    return Machine(
        name=name,
        family=family,
        vcpus=vcpus,
        memory_mib=memory * 1024,
        # 10 % for the hypervisor and 1 GiB for the kubelet: nothing is published.
        allocatable_memory_mib=int(memory * 1024 * 0.9) - 1024,
        gpus=gpus,
    )


def offered(name: str) -> bool:
    """Whether ECS has a type of that name."""
    return name in by_type("alicloud")


def sold(name: str, region: str, zone: str) -> bool:
    """Whether a zone sells machines of a type; unknown zones do."""
    zones = machine(name).family.zones.get(region)
    return not zones or zone in zones


def essd_only(name: str) -> bool:
    """Whether a type accepts only ESSDs and similar disks: those from the seventh generation on."""
    found = _GENERATION.match(name)
    return bool(found and int(found[1]) >= 7)


def driver(labels: Mapping[str, str]) -> str:
    """The driver that ACK installs; it silently ignores an unknown label."""
    asked = labels.get(DRIVER_LABEL, "")
    return asked if asked in drivers().versions else drivers().default


def allocatable(kind: Machine, disk_gib: int) -> Mapping[str, str]:
    """A node's resources for pods, without those of a device plugin."""
    reserved = 100 + max(kind.vcpus - 4, 0) * 12.5
    return {
        "cpu": f"{int(kind.vcpus * 1000 - reserved)}m",
        "memory": f"{kind.allocatable_memory_mib}Mi",
        # The kubelet evicts below 10 %.
        "ephemeral-storage": str(int(disk_gib * 1024**3 * 0.9)),
        "pods": str(_pods(kind.vcpus)),
    }


def _pods(vcpus: int) -> int:
    if vcpus <= 2:
        return 12
    return 45 if vcpus <= 8 else 210


def dead(image: str, image_id: str, version: str) -> str:
    """Why a kubelet of a version does not start on an image; empty if it does. Custom images are trusted."""
    minor = [int(part) for part in version.split(".")[:2] if part.isdigit()]
    if image_id or len(minor) < 2 or minor < _FIRST_WITHOUT_CGROUP_V1 or image in _CGROUP_V2:
        return ""
    return f"kubelet {version} does not start: {image} has cgroup v1"
