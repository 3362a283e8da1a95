"""The output `platform` of a stack, for programs and stacks that build on it.

One half are sections of a stack file, which deploy models on this platform: `llmplatform use-platform` writes them
into the file of a stack that has only models. The other half are facts for other programs and tools. No field is
secret. A program reads it from a stack reference:

    pulumi.StackReference("organization/llmplatform/dev").require_output("platform").apply(parse_platform_ref)
"""

from typing import Any, Generic, Literal, TypeVar

from pydantic import Field

from llmplatform.specs.cloud import Alicloud, Aws
from llmplatform.specs.cluster import ExistingAckCluster, ExistingEksCluster
from llmplatform.specs.mirrors import AlicloudMirrors, Mirrors
from llmplatform.specs.network import ExistingSubnets, ExistingVswitches
from llmplatform.specs.outside import AwsOutside, Outside
from llmplatform.specs.platform import ExistingAckPlatform, ExistingPlatform
from llmplatform.specs.pools import AlicloudPool, AwsPool
from llmplatform.specs.section import Section
from llmplatform.specs.taints import Taint
from llmplatform.specs.vocabulary.addresses import ClusterUrl, HttpsUrl
from llmplatform.specs.vocabulary.milvus import AccessName
from llmplatform.specs.vocabulary.names import EnvironmentName, LabelKey, LabelValue, Name, ObjectName, PoolName

P = TypeVar("P", bound=ExistingPlatform)

SECTIONS = ("cloud", "network", "cluster", "platform", "pools", "mirrors", "outside")
"""Sections of a stack file that locate its models' platform."""
VERSION = 1
"""Version of this output. A higher one has lost a field, or changed the meaning of one."""


class Nodes(Section):
    """What a pod must know about a pool's nodes."""

    labels: dict[LabelKey, LabelValue]
    """Labels to select them."""
    taints: tuple[Taint, ...] = ()
    """Taints to tolerate."""
    gpu: str | None = None
    """Model of their GPUs; null without GPUs."""
    gpus: int = 0
    """GPUs of one node."""
    most: int
    """Largest number of nodes."""


class ModelsNamespace(Section):
    """Requirements for pods in the models' namespace."""

    pod_security: Literal["restricted"] = "restricted"
    """Enforced Pod Security level."""
    gpu_quota: int | None = None
    """Quota of GPUs for all its pods; null: none."""
    client_labels: dict[LabelKey, LabelValue]
    """Labels that a pod there needs to call models."""


class PodIdentity(Section):
    """EKS Pod Identity: an association with the cluster gives a role to a service account."""

    kind: Literal["pod_identity"] = "pod_identity"


class Rrsa(Section):
    """RAM Roles for Service Accounts of ACK: a role trusts the cluster's issuer."""

    kind: Literal["rrsa"] = "rrsa"
    issuer: HttpsUrl
    """Issuer of the service accounts' tokens."""
    provider_arn: str
    """ARN of the OIDC provider of that issuer."""


class MlflowService(Section):
    """MLflow. It asks for a login; its settings name the users."""

    url: ClusterUrl
    """Its address in the cluster, open to the namespaces in `clients`, without TLS."""
    clients: tuple[Name, ...] = ()
    """Namespaces whose pods may call it."""
    namespace: Name
    """Namespace of its Secrets."""
    user_secrets: dict[Name, ObjectName] = Field(default_factory=dict)
    """User to Secret, whose keys are the variables that MLflow's client reads."""


class MilvusService(Section):
    """Milvus. It asks for a login; its settings name the users."""

    address: ClusterUrl
    """Its address in the cluster, open to the models' namespace and those in `clients`; `https` with TLS."""
    clients: tuple[Name, ...] = ()
    """Namespaces whose pods may call it."""
    namespace: Name
    """Namespace of its own Secrets."""
    authority_secret: ObjectName | None = None
    """Secret there, whose `ca.crt` is the authority of its certificate; null without TLS."""
    user_secrets: dict[AccessName, str] = Field(default_factory=dict)
    """User to Secret, `NAMESPACE/NAME`, with `username`, `password` and `address`."""


class Services(Section):
    """Services beside the models; null: there is none."""

    mlflow: MlflowService | None = None
    milvus: MilvusService | None = None


class Reference(Section, Generic[P]):
    """Common fields of the references of all clouds."""

    version: Literal[1] = 1
    """Version of this output, `VERSION`."""
    environment: EnvironmentName
    """The environment of the platform."""
    platform: P
    """The section that names the platform's namespaces and classes."""
    nodes: dict[PoolName, Nodes] = Field(default_factory=dict)
    """Node pools by name."""
    namespace: ModelsNamespace
    """Rules of the namespace `platform.models_namespace`."""
    block_storage_class: ObjectName | None = None
    """Class of disks for one pod; null: the cluster's default."""
    certificate_issuer: ObjectName | None = None
    """ClusterIssuer of cert-manager; null without one."""
    services: Services = Services()

    def sections(self) -> dict[str, Any]:
        """The sections of a stack file that deploy models on this platform, as plain values."""
        plain = self.model_dump(mode="json", exclude_defaults=True)
        # Written out in full, so that a reader sees the target and a changed default moves nothing.
        plain["platform"] = self.model_dump(mode="json", include={"platform"})["platform"]
        return {name: plain[name] for name in SECTIONS if name in plain}


class AwsLocation(Section):
    """Where a platform on EKS is."""

    cloud: Aws
    network: ExistingSubnets
    cluster: ExistingEksCluster
    pools: dict[PoolName, AwsPool] = Field(default_factory=dict)
    mirrors: Mirrors = Mirrors()
    outside: AwsOutside = AwsOutside()
    workload_identity: PodIdentity = PodIdentity()
    """How pods get rights in the cloud."""


class AlicloudLocation(Section):
    """Where a platform on ACK is."""

    cloud: Alicloud
    network: ExistingVswitches
    cluster: ExistingAckCluster
    pools: dict[PoolName, AlicloudPool] = Field(default_factory=dict)
    mirrors: AlicloudMirrors = AlicloudMirrors()
    outside: Outside = Outside()
    workload_identity: Rrsa
    """How pods get rights in the cloud."""


class AwsPlatformRef(AwsLocation, Reference[ExistingPlatform]):
    """A platform on EKS."""


class AlicloudPlatformRef(AlicloudLocation, Reference[ExistingAckPlatform]):
    """A platform on ACK."""


PlatformRef = AwsPlatformRef | AlicloudPlatformRef
"""A platform on any cloud."""
