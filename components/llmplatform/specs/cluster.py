"""The Kubernetes cluster: a new or an existing one."""

from typing import Annotated, Any, Literal

from pydantic import Field

from llmplatform.catalog import versions
from llmplatform.specs.section import Section
from llmplatform.specs.vocabulary.addresses import Certificate, Cidr, EndpointUrl
from llmplatform.specs.vocabulary.alicloud import (
    AckClusterId,
    AckRelease,
    AlicloudSecurityGroupId,
    KmsInstanceId,
    KmsKeyId,
    RamPrincipal,
)
from llmplatform.specs.vocabulary.aws import AddonVersion, AwsPrincipal, AwsZone, SecurityGroupId, SettingKey
from llmplatform.specs.vocabulary.names import ClusterName, KubernetesMinor, Name, TimeOfDay
from llmplatform.specs.vocabulary.times import Weekday


class Endpoint(Section):
    """Access to the cluster's API, which is always reachable from within the network."""

    public_cidrs: Annotated[tuple[Cidr, ...], Field(max_length=200)] = ()
    """Ranges on the internet that may reach it. Empty: the endpoint is private, and the machine that runs Pulumi must
    be in the network or in a connected one."""


class EksEndpoint(Endpoint):
    """Access to the cluster's API, which is always reachable from within the network."""

    private_cidrs: Annotated[tuple[Cidr, ...], Field(max_length=200)] = ()
    """Ranges of connected networks (VPN, peering, another VPC) that may reach the private endpoint."""


class NewCluster(Section):
    """A managed cluster that this stack creates, on any cloud."""

    kind: Literal["new"]
    kubernetes_version: KubernetesMinor
    """Minor version, in quotes. Raise it one minor at a time."""
    service_cidr: Cidr = "172.20.0.0/16"
    """Address range of Services, outside the network's range."""


class EksAccess(Section):
    """Rights of a principal in the cluster, below those of the administrators."""

    principal: AwsPrincipal
    """IAM role or user."""
    may: Literal["view", "edit", "admin"]
    """The Kubernetes role of this name: `view` reads all but Secrets, `edit` changes workloads, `admin` also grants
    rights."""
    namespaces: Annotated[tuple[Name, ...], Field(max_length=100)] = ()
    """Namespaces where it applies. Empty: all."""


class EksAddon(Section):
    """Version and configuration of an add-on that EKS manages."""

    version: AddonVersion | None = None
    """Version, as `aws eks describe-addon-versions` lists it for the cluster's minor. Empty: the version that this
    release is tested with. For other add-ons: EKS' default on the day of creation, which then stays."""
    configuration: Annotated[dict[SettingKey, Any], Field(max_length=100)] = Field(default_factory=dict)
    """Configuration of the add-on (`aws eks describe-addon-configuration`). It is merged with ours and wins."""


EksAddonName = Literal[
    "vpc-cni",
    "kube-proxy",
    "eks-pod-identity-agent",
    "coredns",
    "metrics-server",
    "eks-node-monitoring-agent",
    "aws-ebs-csi-driver",
    "aws-efs-csi-driver",
    "snapshot-controller",
]
EksLog = Literal["api", "audit", "authenticator", "controllerManager", "scheduler"]


class NewEksCluster(NewCluster):
    """A managed EKS cluster that this stack creates."""

    zones: Annotated[tuple[AwsZone, ...], Field(max_length=6)] = ()
    """Zones of the control plane, at least two of the environment's. EKS refuses to change them later. Empty: the first
    two of `cloud.zones`, so set this before you reorder those. Nodes can be in all zones. A few zones cannot have a
    control plane (use1-az3, usw1-az2, cac1-az3; see `aws ec2 describe-availability-zones`)."""
    endpoint: EksEndpoint = EksEndpoint()
    tier: Literal["standard", "tier-xl", "tier-2xl", "tier-4xl", "tier-8xl"] | None = None
    """Reserved capacity of the control plane, for thousands of nodes. Each tier above `standard` is charged by the
    hour. Empty: unchanged, which is `standard` for a new cluster. To go back, write `standard`."""
    gpu_placement: Literal["pack", "spread"] | None = None
    """How the scheduler places pods with GPUs. `pack` fills a node before it uses the next, so that nodes with several
    GPUs become idle and are removed. `spread` uses the emptiest node. Empty: unchanged, which is `spread` for a new
    cluster."""
    admins: Annotated[tuple[AwsPrincipal, ...], Field(min_length=1, max_length=100)]
    """IAM principals that administer the cluster. EKS admits only listed principals, so the identity that runs `pulumi
    up` must be one of them."""
    access: Annotated[tuple[EksAccess, ...], Field(max_length=100)] = ()
    """Further principals, each with its rights."""
    logs: Annotated[tuple[EksLog, ...], Field(max_length=5)] = (
        "api",
        "audit",
        "authenticator",
        "controllerManager",
        "scheduler",
    )
    """Control-plane logs to keep. They are charged by size; `audit` is the largest. Set it to an empty list before you
    destroy the cluster, or EKS creates their log group again (docs/taking-down.md)."""
    addons: Annotated[dict[EksAddonName, EksAddon], Field(max_length=9)] = Field(default_factory=dict)
    """Versions and configuration of EKS' add-ons that differ from the tested ones."""
    snapshots: bool = False
    """Snapshots of disks: EKS' snapshot controller and the VolumeSnapshotClass `ebs`. A snapshot is deleted with its
    object, is charged until then, and carries the tags of the disks."""
    oidc_provider: bool = False
    """Create an IAM OIDC provider for the cluster's issuer, for software that supports only roles for service accounts
    (IRSA). The platform itself uses pod identity."""
    log_retention_days: Literal[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827] = 30
    """Days that control-plane logs are kept."""


class ExistingKey(Section):
    """An existing KMS key, managed elsewhere."""

    kind: Literal["existing"]
    id: KmsKeyId
    """Id of a symmetric key in the cluster's region."""


class KmsInstanceKey(Section):
    """A KMS key that this stack creates in an existing KMS instance. Without an instance a region has a single key."""

    kind: Literal["kms_instance"]
    instance: KmsInstanceId
    """Id of the instance, in the cluster's region."""
    deletion_days: Annotated[int, Field(ge=7, le=366)] = 30
    """Days in which a deleted key can be restored. After that, the data that it encrypted is lost."""


SecretsKey = Annotated[ExistingKey | KmsInstanceKey, Field(discriminator="kind")]


class Maintenance(Section):
    """ACK's maintenance window."""

    days: Annotated[tuple[Weekday, ...], Field(min_length=1, max_length=7)]
    """Days of the week."""
    start: TimeOfDay
    """Start, with the offset from UTC, in quotes."""
    hours: Annotated[int, Field(ge=1, le=24)] = 3
    """Length of the window."""


class NewAckCluster(NewCluster):
    """A managed Pro cluster that this stack creates."""

    release: AckRelease | None = None
    """Exact ACK version within the minor, for creation and upgrades. Empty: the version that this release is tested
    with."""
    upgrade: bool = False
    """Upgrades the control plane to the version, then the nodes, one at a time. Remove it after the upgrade: while it
    is set, every change of a pool upgrades the pool's nodes again. Without it the cluster keeps the version that ACK
    has given it."""
    endpoint: Endpoint = Endpoint()
    tier: Literal["ack.pro.small", "ack.pro.xlarge", "ack.pro.2xlarge", "ack.pro.4xlarge"] = "ack.pro.small"
    """Size of the control plane. Sizes above `small` have reserved capacity, for thousands of nodes."""
    admins: Annotated[tuple[RamPrincipal, ...], Field(min_length=1, max_length=100)]
    """Ids of RAM users and roles that administer the cluster, beside the identity that creates it."""
    secrets_key: SecretsKey | None = None
    """KMS key that encrypts Kubernetes' Secrets. Empty: only ACK's disk encryption."""
    maintenance: Maintenance | None = None
    """Window for ACK's own changes, such as patches of the control plane. Empty: ACK chooses the time."""
    log_retention_days: Annotated[int, Field(ge=1, le=3650)] = 30
    """Days that control-plane and audit logs are kept."""

    @property
    def exact_version(self) -> str:
        """ACK version of control plane and nodes."""
        return self.release or versions.ACK[self.kubernetes_version].releases[0]


class ExistingCluster(Section):
    """An existing cluster. Its own nodes stay unchanged; this stack adds pools."""

    kind: Literal["existing"]
    kubernetes_version: KubernetesMinor
    """Its minor version, in quotes."""
    endpoint_url: EndpointUrl
    """Address of the API server."""
    certificate_authority: Certificate
    """CA bundle of the API server in base64. It is public."""


class ExistingEksCluster(ExistingCluster):
    """An existing EKS cluster. Its own nodes stay unchanged; this stack adds pools.

    The cluster must already have: the network and kube-proxy add-ons, cluster DNS, the pod identity agent, the EBS and
    EFS CSI drivers with their rights, and an access entry that makes the identity that runs `pulumi up` an
    administrator. This stack creates and changes none of them.
    """

    name: ClusterName
    """Name of the cluster in its cloud."""
    security_group_id: SecurityGroupId
    """Security group of the cluster, which nodes join."""


class ExistingAckCluster(ExistingCluster):
    """An existing ACK cluster. Its own nodes stay unchanged; this stack adds pools.

    The cluster must already have: Terway, cluster DNS, the CSI drivers, the add-ons by which ACK repairs nodes, RRSA
    with its webhook, a log collector if `addons.logs` is on, and a permission that makes the identity that runs
    `pulumi up` an administrator. This stack creates and changes none of them.
    """

    id: AckClusterId
    """Id of the cluster in its cloud."""
    security_group_id: AlicloudSecurityGroupId
    """Security group of the cluster, which nodes join."""


EksCluster = Annotated[NewEksCluster | ExistingEksCluster, Field(discriminator="kind")]
AckCluster = Annotated[NewAckCluster | ExistingAckCluster, Field(discriminator="kind")]
