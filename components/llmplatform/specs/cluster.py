"""The Kubernetes cluster: made by us, or one that exists."""

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


class Endpoint(Section):
    """Who reaches the cluster's API. It is always reachable from within the network."""

    public_cidrs: Annotated[tuple[Cidr, ...], Field(max_length=200)] = ()
    """Ranges on the internet that may reach it. Empty: private only, and the machine that runs Pulumi must be in
    the network, or in one that is connected to it."""


class EksEndpoint(Endpoint):
    """Who reaches the cluster's API. It is always reachable from within the network."""

    private_cidrs: Annotated[tuple[Cidr, ...], Field(max_length=200)] = ()
    """Ranges of connected networks (VPN, peering, another office's VPC) that may reach the private endpoint."""


class NewCluster(Section):
    """A managed cluster of the environment's own, on any cloud."""

    kind: Literal["new"]
    kubernetes_version: KubernetesMinor
    """Minor version, in quotes. Raise it one minor at a time."""
    service_cidr: Cidr = "172.20.0.0/16"
    """Addresses of Services; outside the network's range."""


class EksAccess(Section):
    """What a principal beside the administrators may do in the cluster."""

    principal: AwsPrincipal
    """IAM role or user."""
    may: Literal["view", "edit", "admin"]
    """As Kubernetes' roles of these names: read, all but Secrets; change workloads; and also share rights."""
    namespaces: Annotated[tuple[Name, ...], Field(max_length=100)] = ()
    """Namespaces in which it may. Empty: all."""


class EksAddon(Section):
    """Another version, or more configuration, of an add-on that EKS manages."""

    version: AddonVersion | None = None
    """Version, as `aws eks describe-addon-versions` lists them for the cluster's minor. Empty: the one that this
    release is tested with, or where there is none, EKS' default on the day of its creation, for ever."""
    configuration: Annotated[dict[SettingKey, Any], Field(max_length=100)] = Field(default_factory=dict)
    """Keys of the add-on's own (`aws eks describe-addon-configuration`), joined with ours; these stand over ours."""


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
    """A managed cluster of the environment's own."""

    zones: Annotated[tuple[AwsZone, ...], Field(max_length=6)] = ()
    """Zones of the control plane, two or more of the environment's, fixed when the cluster is made: EKS refuses any
    change. Empty: the first two of `cloud.zones`, so write them down before you change those. Nodes can be in all
    zones. A few cannot have a control plane (`aws ec2 describe-availability-zones`: use1-az3, usw1-az2, cac1-az3)."""
    endpoint: EksEndpoint = EksEndpoint()
    tier: Literal["standard", "tier-xl", "tier-2xl", "tier-4xl", "tier-8xl"] | None = None
    """Capacity that the control plane always has, for thousands of nodes; each above `standard` is charged by the hour.
    Empty: left as it is, which is `standard` for a new cluster. To go back, write `standard`."""
    gpu_placement: Literal["pack", "spread"] | None = None
    """Where the scheduler puts a pod with GPUs: `pack` fills a node before it takes the next one, so that nodes with
    several GPUs empty and go; `spread` takes the emptiest. Empty: left as it is, `spread` for a new cluster."""
    admins: Annotated[tuple[AwsPrincipal, ...], Field(min_length=1, max_length=100)]
    """IAM principals that administer the cluster: whoever runs `pulumi up` has to be one of them. Nobody else gets
    in."""
    access: Annotated[tuple[EksAccess, ...], Field(max_length=100)] = ()
    """Who else may do something in the cluster, and what."""
    logs: Annotated[tuple[EksLog, ...], Field(max_length=5)] = (
        "api",
        "audit",
        "authenticator",
        "controllerManager",
        "scheduler",
    )
    """Control-plane logs that are kept; they are charged by size, `audit` the most. None at all before the cluster is
    taken down, or EKS makes their group again behind it (docs/taking-down.md)."""
    addons: Annotated[dict[EksAddonName, EksAddon], Field(max_length=9)] = Field(default_factory=dict)
    """Versions and configuration of EKS' add-ons, where others are wanted."""
    snapshots: bool = False
    """Snapshots of disks: EKS' controller of them, and the VolumeSnapshotClass `ebs`. A snapshot goes with its object,
    is charged until then, and carries the tags of the disks."""
    oidc_provider: bool = False
    """Trust the cluster's issuer in IAM, for software that knows roles for service accounts (IRSA) alone. Ours uses pod
    identity."""
    log_retention_days: Literal[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827] = 30
    """How long control-plane logs stay."""


class ExistingKey(Section):
    """A key of KMS that exists, and is managed elsewhere."""

    kind: Literal["existing"]
    id: KmsKeyId
    """Its id. It is a symmetric key, in the cluster's region."""


class KmsInstanceKey(Section):
    """A key of the environment's own in a KMS instance that exists. Without an instance a region has one key in all."""

    kind: Literal["kms_instance"]
    instance: KmsInstanceId
    """Id of the instance, in the cluster's region."""
    deletion_days: Annotated[int, Field(ge=7, le=366)] = 30
    """How long the key can be restored after its deletion was asked for: what it encrypted is lost with it."""


SecretsKey = Annotated[ExistingKey | KmsInstanceKey, Field(discriminator="kind")]


Weekday = Literal["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]


class Maintenance(Section):
    """When ACK may do what it does by itself."""

    days: Annotated[tuple[Weekday, ...], Field(min_length=1, max_length=7)]
    """Days of the week."""
    start: TimeOfDay
    """When it begins, with the offset from UTC, in quotes."""
    hours: Annotated[int, Field(ge=1, le=24)] = 3
    """How long it lasts."""


class NewAckCluster(NewCluster):
    """A managed Pro cluster of the environment's own."""

    release: AckRelease | None = None
    """Exact version of ACK within the minor, for a cluster's making and its upgrades. Empty: the one that this release
    is tested with."""
    upgrade: bool = False
    """Brings the control plane to the version, and after it the nodes, one at a time. Take it out once it is done: for
    as long as it stands here, every change of a pool upgrades its nodes again. Without it a cluster keeps its version,
    whatever ACK has raised it to."""
    endpoint: Endpoint = Endpoint()
    tier: Literal["ack.pro.small", "ack.pro.xlarge", "ack.pro.2xlarge", "ack.pro.4xlarge"] = "ack.pro.small"
    """Size of the control plane. Those above `small` have reserved capacity, for thousands of nodes."""
    admins: Annotated[tuple[RamPrincipal, ...], Field(min_length=1, max_length=100)]
    """RAM users and roles that administer the cluster, by id. Whoever makes a cluster administers it, too."""
    secrets_key: SecretsKey | None = None
    """Key of KMS that Kubernetes' Secrets are encrypted with. Empty: none but that of ACK's own disks."""
    maintenance: Maintenance | None = None
    """When ACK may do what it does by itself, such as patches of the control plane. Empty: whenever it likes."""
    log_retention_days: Annotated[int, Field(ge=1, le=3650)] = 30
    """How long control-plane and audit logs stay."""

    @property
    def exact_version(self) -> str:
        """Version of ACK that control plane and nodes have."""
        return self.release or versions.ACK[self.kubernetes_version].releases[0]


class ExistingCluster(Section):
    """A cluster that exists. Its own nodes stay as they are; our pools are added to it."""

    kind: Literal["existing"]
    kubernetes_version: KubernetesMinor
    """Its minor version, in quotes."""
    endpoint_url: EndpointUrl
    """API server's address."""
    certificate_authority: Certificate
    """Base64 of the API server's CA bundle (it is public)."""


class ExistingEksCluster(ExistingCluster):
    """An EKS cluster that exists. Its own nodes stay as they are; our pools are added to it.

    It must have already: the network and kube-proxy add-ons, cluster DNS, the pod identity agent, the EBS and EFS CSI
    drivers with their rights, and an entry that makes whoever runs `pulumi up` an administrator. None of it is made or
    changed here.
    """

    name: ClusterName
    """Name of the cluster in its cloud."""
    security_group_id: SecurityGroupId
    """The cluster's security group, which nodes join."""


class ExistingAckCluster(ExistingCluster):
    """An ACK cluster that exists. Its own nodes stay as they are; our pools are added to it.

    It must have already: Terway, cluster DNS, the CSI drivers, the add-ons by which ACK repairs nodes, RRSA with its
    webhook, what collects logs where `addons.logs` is on, and a permission that makes whoever runs `pulumi up` an
    administrator. None of it is made or changed here.
    """

    id: AckClusterId
    """Id of the cluster in its cloud."""
    security_group_id: AlicloudSecurityGroupId
    """The cluster's security group, which nodes join."""


EksCluster = Annotated[NewEksCluster | ExistingEksCluster, Field(discriminator="kind")]
AckCluster = Annotated[NewAckCluster | ExistingAckCluster, Field(discriminator="kind")]
