"""Who offers a node's GPUs to Kubernetes: exactly one device plugin, on an image that has the driver.

None offers nothing; two fight over the same devices. Sources: the values of the charts gpu-operator and nvidia-
device-plugin; EKS user guide, GPU AMIs (AL2023 NVIDIA has driver and toolkit, Bottlerocket NVIDIA has the device
plugin as well); ACK user guide, GPU node pools (ACK installs driver and device plugin on whatever image joins).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from llmplatform_sandbox.interfaces import Release

GPU = "nvidia.com/gpu"


def _enabled(release: Release, part: str) -> bool:
    """Whether a component of gpu-operator is on; all are by default."""
    return (release.values.get(part) or {}).get("enabled", True) is not False


_PLUGIN_CHARTS: Mapping[str, Callable[[Release], bool]] = {
    "gpu-operator": lambda release: _enabled(release, "devicePlugin"),
    "nvidia-device-plugin": lambda release: True,
}
"""Chart → whether a release of it brings a device plugin."""
_PLUGIN_IMAGE = re.compile(r"(^|/)(k8s-device-plugin|nvidia-gpu-device-plugin)[:@]")
_ACK = r"^(AliyunLinux|ContainerOS|Ubuntu|CentOS)"
_IMAGE_WITH_PLUGIN = re.compile(rf"^BOTTLEROCKET_.*NVIDIA|{_ACK}")
_IMAGE_WITH_DRIVER = re.compile(rf"NVIDIA|{_ACK}")


def device_plugin_owners(releases: Sequence[Release], daemonsets: Sequence[Mapping[str, Any]], image: str) -> list[str]:
    """Everything that runs a device plugin on nodes of an image kind, each by a name that a user finds again."""
    owners = [
        f"release {one.namespace}/{one.name} ({one.chart})"
        for one in releases
        if one.chart in _PLUGIN_CHARTS and _PLUGIN_CHARTS[one.chart](one)
    ]
    owners += [
        f"DaemonSet {one['metadata'].get('namespace', 'default')}/{one['metadata']['name']}"
        for one in daemonsets
        if any(
            _PLUGIN_IMAGE.search(container.get("image", ""))
            for container in one["spec"]["template"]["spec"]["containers"]
        )
    ]
    if _IMAGE_WITH_PLUGIN.search(image):
        owners.append(f"image {image} (built in)")
    return owners


def gpu_fault(releases: Sequence[Release], daemonsets: Sequence[Mapping[str, Any]], image: str) -> str:
    """Why nodes of an image kind offer no GPUs, in one line; empty when they do."""
    owners = device_plugin_owners(releases, daemonsets, image)
    if not owners:
        return "no device plugin; install gpu-operator or nvidia-device-plugin"
    if len(owners) > 1:
        return f"{len(owners)} device plugins: {'; '.join(owners)}; keep one"
    operators = [one for one in releases if one.chart == "gpu-operator"]
    if not _IMAGE_WITH_DRIVER.search(image) and not any(
        _enabled(one, "driver") and _enabled(one, "toolkit") for one in operators
    ):
        return f"{image} has no NVIDIA driver; take an NVIDIA image, or enable driver and toolkit of gpu-operator"
    return ""
