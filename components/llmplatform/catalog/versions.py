"""The one place for versions: charts, images, engines, Kubernetes releases, node images and managed add-ons.

Renovate follows the `# renovate:` comments. Checked 2026-11-21; what could not be checked against its publisher says
`unverified`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A published Helm chart."""

    name: str
    version: str
    repository: str
    """Address of the Helm repository, or, for OCI, of the folder that the chart lies in."""
    kubernetes: tuple[str, ...] = ()
    """Minors that its publisher tests it with; empty: any that the clouds still offer."""

    @property
    def oci(self) -> bool:
        """Whether it comes from an OCI registry."""
        return self.repository.startswith("oci://")


@dataclass(frozen=True, kw_only=True)
class Engine:
    """A released inference engine."""

    version: str
    image: str
    """Reference with tag."""
    cuda: str
    driver: int
    """Lowest NVIDIA driver branch that runs its CUDA."""
    compute_capability: tuple[int, int]
    """Oldest GPU that it has kernels for."""


@dataclass(frozen=True, kw_only=True)
class KubernetesRelease:
    """A minor version that a cloud offers."""

    minor: str
    standard_support_ends: date
    """After this day the cloud refuses it, or charges for extended support."""


_CHARTS = (
    # renovate: datasource=helm depName=cluster-autoscaler registryUrl=https://kubernetes.github.io/autoscaler
    Chart(
        name="cluster-autoscaler",
        version="9.59.0",
        repository="https://kubernetes.github.io/autoscaler",
        kubernetes=("1.34", "1.35", "1.36"),
    ),
    # renovate: datasource=helm depName=gpu-operator registryUrl=https://helm.ngc.nvidia.com/nvidia
    Chart(
        name="gpu-operator",
        version="v26.7.0",
        repository="https://helm.ngc.nvidia.com/nvidia",
        kubernetes=("1.33", "1.34", "1.35", "1.36"),
    ),
    # renovate: datasource=docker depName=quay.io/jetstack/charts/cert-manager
    Chart(name="cert-manager", version="v1.21.1", repository="oci://quay.io/jetstack/charts"),
    # renovate: datasource=docker depName=ghcr.io/prometheus-community/charts/kube-prometheus-stack
    Chart(name="kube-prometheus-stack", version="88.5.3", repository="oci://ghcr.io/prometheus-community/charts"),
    # renovate: datasource=docker depName=ghcr.io/prometheus-community/charts/prometheus-operator-crds
    Chart(name="prometheus-operator-crds", version="31.0.1", repository="oci://ghcr.io/prometheus-community/charts"),
)

CHARTS: Mapping[str, Chart] = {chart.name: chart for chart in _CHARTS}
"""Charts that are installed, by name."""

ENGINES: Mapping[str, Engine] = {
    "vllm": Engine(
        # renovate: datasource=docker depName=vllm/vllm-openai extractVersion=^v(?<version>.*)$
        version="0.33.0",
        image="docker.io/vllm/vllm-openai:v0.33.0",
        cuda="13.0",
        driver=580,
        compute_capability=(7, 5),
    ),
}
"""Inference engines by kind. Source: the wheel's metadata and kernels, and the image's documentation."""

CLUSTER_AUTOSCALER: Mapping[str, str] = {"1.34": "v1.34.5", "1.35": "v1.35.2", "1.36": "v1.36.1"}
"""Image tag of cluster-autoscaler by Kubernetes minor: it simulates that minor's scheduler. Source: tags seen in
its repository."""

EKS: Mapping[str, KubernetesRelease] = {
    release.minor: release
    for release in (
        KubernetesRelease(minor="1.32", standard_support_ends=date(2026, 3, 23)),
        KubernetesRelease(minor="1.33", standard_support_ends=date(2026, 7, 29)),
        KubernetesRelease(minor="1.34", standard_support_ends=date(2026, 12, 2)),
        KubernetesRelease(minor="1.35", standard_support_ends=date(2027, 3, 27)),
        KubernetesRelease(minor="1.36", standard_support_ends=date(2027, 8, 2)),
    )
}
"""Kubernetes releases on EKS by minor. Source: the EKS user guide's calendar."""

EKS_NODE_IMAGES: Mapping[str, Mapping[str, str]] = {
    "al2023": {"1.34": "1.34.7-20260512", "1.35": "1.35.7-20260903", "1.36": "1.36.3-20260903"},
    "bottlerocket": {"1.34": "1.65.0-0be31b34", "1.35": "1.65.0-0be31b34", "1.36": "1.65.0-0be31b34"},
}
"""`release_version` of managed node groups by operating system and minor; NVIDIA variants share it. Source: the
releases of
amazon-eks-ami. Bottlerocket is released for several minors at once; its use with 1.34 and 1.36 is unverified."""

EKS_ADDONS: Mapping[str, str | None] = {
    "vpc-cni": None,
    "kube-proxy": None,
    "eks-pod-identity-agent": None,
    "coredns": None,
    "aws-ebs-csi-driver": None,
    "aws-efs-csi-driver": None,
    "metrics-server": None,
    "eks-node-monitoring-agent": None,
}
"""Managed add-ons of EKS and their versions. None: the one that EKS takes by default for the cluster's minor, which it
chooses once and keeps; no published list of them could be checked."""
