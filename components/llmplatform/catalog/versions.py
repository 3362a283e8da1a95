"""The one place for versions: charts, images, Kubernetes releases, node images and managed add-ons.

Those of engines are in `data/engines`, those of charts rows of `data/versions/charts.toml`. Renovate follows those rows
and the `# renovate:` comments. Checked 2026-11-21; what could not be checked against its publisher says `unverified`.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from llmplatform.catalog.tables import DATA


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A published Helm chart."""

    name: str
    version: str
    repository: str
    """Address of the Helm repository, or, for OCI, of the chart's folder."""
    kubernetes: tuple[str, ...] = ()
    """Minors that its publisher tests; empty: any that the clouds still offer."""

    @property
    def archive(self) -> str:
        """File name of its archive."""
        return f"{self.name}-{self.version}.tgz"

    @property
    def oci(self) -> bool:
        """Whether it comes from an OCI registry."""
        return self.repository.startswith("oci://")


@dataclass(frozen=True, kw_only=True)
class KubernetesRelease:
    """A minor version that a cloud offers."""

    minor: str
    standard_support_ends: date
    """After this day the cloud refuses it, or charges for extended support."""


@dataclass(frozen=True, kw_only=True)
class AckRelease:
    """A minor version that ACK offers, and its exact versions."""

    minor: str
    releases: tuple[str, ...]
    """Exact versions that were seen, the newest first. ACK creates clusters only with the newest of a minor. Older ones
    stay here for clusters that have them."""
    support_ends: date
    """After this day ACK creates and repairs no clusters of it."""


def _charts() -> dict[str, Chart]:
    """The rows of `data/versions/charts.toml`."""
    text = (DATA / "versions" / "charts.toml").read_text(encoding="utf-8")
    return {name: Chart(name=name, **_row(row)) for name, row in tomllib.loads(text).items()}


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, "kubernetes": tuple(row.get("kubernetes", ()))}


CHARTS: Mapping[str, Chart] = _charts()
"""Charts to install, by name."""
NO_ARCHIVES = "LLMPLATFORM_NO_CHART_ARCHIVES"
"""Environment variable that allows an installation without chart archives, as in the sandbox."""

# renovate: datasource=docker depName=python versioning=docker
HYDRATION_IMAGE = "docker.io/library/python:3.13.9-slim-bookworm"
"""Image of the download Job: Python and public certificates."""

# renovate: datasource=docker depName=milvusdb/milvus
MILVUS_IMAGE = "docker.io/milvusdb/milvus:v2.6.15"
"""Image of Milvus. Below 2.6.10 the metrics port runs expressions (GHSA-7ppg-37fh-vcr6), and below 2.6 the C++ client
knows no EKS Pod Identity (milvus-io/milvus#42547). Source: zilliztech/milvus-helm, milvus-5.0.19."""

# renovate: datasource=docker depName=milvusdb/etcd
MILVUS_ETCD_IMAGE = "docker.io/milvusdb/etcd:3.5.25-r1"
"""Image of Milvus' etcd. Source: the same chart, `etcd.image`."""

# renovate: datasource=docker depName=milvusdb/milvus-backup
MILVUS_BACKUP_IMAGE = "docker.io/milvusdb/milvus-backup:v0.5.16"
"""Image of milvus-backup: Alpine with `/app/milvus-backup`. Source: zilliztech/milvus-backup v0.5.16, Dockerfile and
.github/workflows/release.yaml. A copy of 2.6 is restored into 2.6 alone."""

# renovate: datasource=docker depName=ghcr.io/mlflow/mlflow versioning=docker
MLFLOW_IMAGE = "ghcr.io/mlflow/mlflow:v3.17.2-full"
"""Image of the MLflow server with clients of Postgres and S3 (mlflow/mlflow, docker/Dockerfile.full). Not 3.18.0: its
package asks for a release of mlflow-skinny that is not published. That the tag exists is unverified: its form is that
of docker/README.md and of earlier releases."""
# renovate: datasource=docker depName=postgres versioning=docker
POSTGRES_IMAGE = "docker.io/library/postgres:18.6-bookworm"
"""Image of Postgres' programs. That the tag exists is unverified: its form is that of earlier releases."""

ELASTICACHE_VALKEY = "9.1"
"""Version of Valkey of new caches on ElastiCache. Source: ElastiCache user guide, "Engine versions and upgrading", with
7.2, 8.0 to 8.2, 9.0 and 9.1."""

TAIR_REDIS = "7.0"
"""Version of Redis that new caches on Tair are compatible with. Source: terraform-provider-alicloud 2.0, documentation
of alicloud_redis_tair_instance, `engine_version` of tair_rdb: 5.0, 6.0, 7.0."""

# renovate: datasource=docker depName=valkey/valkey
VALKEY_IMAGE = "docker.io/valkey/valkey:9.1.1"
"""Image of Valkey in the cluster. Source: valkey-io/valkey-helm, valkey-0.11.0, `appVersion`."""
# renovate: datasource=docker depName=ghcr.io/oliver006/redis_exporter
REDIS_EXPORTER_IMAGE = "ghcr.io/oliver006/redis_exporter:v1.79.0"
"""Image of the exporter of its metrics. Source: the same chart, `metrics.exporter.image`."""

# renovate: datasource=docker depName=ghcr.io/cloudnative-pg/postgresql versioning=docker
CNPG_POSTGRES_IMAGE = "ghcr.io/cloudnative-pg/postgresql:18.4-system-trixie"
"""Image of Postgres within the cluster: the operator's own default (cloudnative-pg v1.30.0, pkg/versions/versions.go).
A new minor version is rolled out to servers; a new major one upgrades them in place, and takes them down for it."""

IMAGE_REGISTRIES = ("docker.io", "ghcr.io", "nvcr.io", "quay.io", "registry.k8s.io")
"""Registries of the platform's and the charts' images."""

REGISTRY_ALIASES: Mapping[str, str] = {
    "hub.docker.com": "docker.io",
    "index.docker.io": "docker.io",
    "registry-1.docker.io": "docker.io",
    "registry.hub.docker.com": "docker.io",
    "k8s.gcr.io": "registry.k8s.io",
}
"""Registry names that no image reference uses. Source: distribution/reference, normalize.go; Kubernetes' blog
on the end of k8s.gcr.io."""

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
"""`release_version` of managed node groups by operating system and minor; NVIDIA variants share it. Not 20261003: its
kernel panics on some instances of 1.31 to 1.35 (awslabs/amazon-eks-ami#2845). Source: the releases of
amazon-eks-ami. Bottlerocket is released for several minors at once; its use with 1.34 and 1.36 is unverified."""

EKS_ADDONS: Mapping[str, Mapping[str, str]] = {
    "vpc-cni": {},
    "kube-proxy": {"1.34": "v1.34.1-eksbuild.2", "1.35": "v1.35.0-eksbuild.2", "1.36": "v1.36.0-eksbuild.9"},
    "eks-pod-identity-agent": {},
    "coredns": {},
    "aws-ebs-csi-driver": {},
    "aws-efs-csi-driver": {},
    "metrics-server": {},
    "eks-node-monitoring-agent": {},
    "snapshot-controller": {},
}
"""Managed add-ons of EKS and their versions by minor. None for a minor: EKS' default, which it chooses once and keeps
through upgrades. kube-proxy has the cluster's minor and must follow it. Source: EKS user guide, kube-proxy (1.34);
public configurations of clusters (1.35, 1.36; unverified)."""


def eks_addon(name: str, minor: str) -> str | None:
    """Version of an add-on for a minor; None: EKS chooses."""
    return EKS_ADDONS[name].get(minor)


EKS_NODE_DRIVER = 580
"""NVIDIA driver branch within the node images of EKS. Images of Amazon Linux from 20260917 on have 595 beside it, for
types that need it alone, chosen at the first boot (awslabs/amazon-eks-ami#2768). Source: the releases of
amazon-eks-ami and Bottlerocket."""

ACK: Mapping[str, AckRelease] = {
    release.minor: release
    for release in (
        AckRelease(minor="1.34", releases=("1.34.10-aliyun.1", "1.34.3-aliyun.1"), support_ends=date(2026, 9, 30)),
        AckRelease(
            minor="1.35",
            releases=("1.35.7-aliyun.1", "1.35.2-aliyun.1", "1.35.1-aliyun.1"),
            support_ends=date(2027, 2, 28),
        ),
        AckRelease(minor="1.36", releases=("1.36.2-aliyun.1", "1.36.1-aliyun.1"), support_ends=date(2027, 5, 30)),
    )
}
"""Kubernetes releases on ACK by minor. Source of the dates: ACK's page on supported versions (2026-10-06); of the exact
versions: ACK's release notes of 1.35 (2026-08-26); of the other minors: public configurations and logs of accounts of
autumn 2026 (unverified)."""

ACK_ADDONS: Mapping[str, str | None] = {
    "terway-eniip": None,
    "csi-plugin": None,
    "managed-csiprovisioner": None,
    "storage-operator": None,
    "coredns": None,
    "metrics-server": None,
    "ack-node-problem-detector": None,
    "ack-pod-identity-webhook": None,
    "loongcollector": None,
    "managed-aliyun-acr-credential-helper": None,
    "acr-credential-helper-webhook": None,
}
"""Managed add-ons of ACK and their versions. None: the one that ACK takes by default for the cluster's minor. Source of
the names: terraform-provider-alicloud 2.0, documentation of alicloud_cs_managed_kubernetes; ACK's pages on RRSA and on
the credential helper. That the webhook's card, "acr-credential-helper-webhook (Managed)", is called so in the API as
well is unverified."""

ACK_DRIVER = "580.126.09"
"""NVIDIA driver of pools without a setting. Source: Alibaba's Terraform templates of 2026, and a log
of an A10 machine in cn-hangzhou. That ACK's list has it is unverified, and for a driver that ACK does not know it
silently installs its default."""

ACK_DRIVERS: Mapping[str, str] = {
    "580.126.09": "13.0",
    "570.169": "12.8",
    "570.133.20": "12.8",
    "550.163.01": "12.4",
    "550.144.03": "12.4",
    "550.90.07": "12.4",
    "535.230.02": "12.2",
    "535.161.07": "12.2",
}
"""NVIDIA drivers that ACK installs, and the newest CUDA that each runs. Source: ACK's list of driver versions (pages of
November 2025 to March 2026); 580.126.09: as above, unverified. CUDA: NVIDIA's table of toolkits and drivers."""

ACK_DEFAULT_DRIVER = "535.161.07"
"""The driver that ACK installs by default, and for an unknown version. Source: ACK's list of driver versions."""
