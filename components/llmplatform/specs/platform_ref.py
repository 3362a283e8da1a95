"""What a platform tells those who build on it: the output `platform` of its stack.

Half of it are sections of a stack file: those that put models on this platform. `llmplatform use-platform` writes them
into the file of a stack that has models only. The other half are facts that other programs and tools would have to
guess. Nothing in it is secret. A program gets it from a stack reference:

    pulumi.StackReference("organization/llmplatform/dev").require_output("platform").apply(parse_platform_ref)
"""

from typing import Any, Literal

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
from llmplatform.specs.vocabulary.addresses import HttpsUrl
from llmplatform.specs.vocabulary.names import EnvironmentName, LabelKey, LabelValue, ObjectName, PoolName

SECTIONS = ("cloud", "network", "cluster", "platform", "pools", "mirrors", "outside")
"""Sections of a stack file that say where its models live."""
VERSION = 1
"""Of the form of this output: a higher one has lost a field, or one of its fields means something else."""


class Nodes(Section):
    """What a pod has to know of a pool's nodes."""

    labels: dict[LabelKey, LabelValue]
    """Labels that select them."""
    taints: tuple[Taint, ...] = ()
    """Taints to tolerate."""
    gpu: str | None = None
    """Kind of their GPUs; null where they have none."""
    gpus: int = 0
    """GPUs of one node."""
    most: int
    """Nodes that the pool can grow to."""


class ModelsNamespace(Section):
    """What is asked of pods in the namespace of the models."""

    pod_security: Literal["restricted"] = "restricted"
    """Pod Security level that is enforced there."""
    gpu_quota: int | None = None
    """GPUs that all its pods together may ask for; null: no bound."""
    client_labels: dict[LabelKey, LabelValue]
    """Labels of the pods there that may call models; nobody else may."""


class PodIdentity(Section):
    """EKS Pod Identity: a role is given to a service account by an association with the cluster."""

    kind: Literal["pod_identity"] = "pod_identity"


class Rrsa(Section):
    """RAM Roles for Service Accounts of ACK: a role trusts the cluster's issuer."""

    kind: Literal["rrsa"] = "rrsa"
    issuer: HttpsUrl
    """Issuer of the service accounts' tokens."""
    provider_arn: str
    """ARN of the OIDC provider that vouches for them."""


class _Reference(Section):
    """What the references of all clouds have in common."""

    version: Literal[1] = 1
    """Form of this output, `VERSION`."""
    environment: EnvironmentName
    """The environment that the platform is."""
    nodes: dict[PoolName, Nodes] = Field(default_factory=dict)
    """Node pools by name, as pods see them."""
    namespace: ModelsNamespace
    """Rules of the namespace `platform.models_namespace`."""
    block_storage_class: ObjectName | None = None
    """Class of disks for one pod; null: the cluster's default."""
    certificate_issuer: ObjectName | None = None
    """ClusterIssuer of cert-manager; null where there is none."""

    def sections(self) -> dict[str, Any]:
        """The sections of a stack file that put models on this platform, as plain values."""
        plain = self.model_dump(mode="json", exclude_defaults=True)
        # In full: whoever reads the file sees where the models go, and another default moves nothing.
        plain["platform"] = self.model_dump(mode="json", include={"platform"})["platform"]
        return {name: plain[name] for name in SECTIONS if name in plain}


class AwsPlatformRef(_Reference):
    """A platform on EKS."""

    cloud: Aws
    network: ExistingSubnets
    cluster: ExistingEksCluster
    platform: ExistingPlatform
    pools: dict[PoolName, AwsPool] = Field(default_factory=dict)
    mirrors: Mirrors = Mirrors()
    outside: AwsOutside = AwsOutside()
    workload_identity: PodIdentity = PodIdentity()
    """How pods get rights in the cloud."""


class AlicloudPlatformRef(_Reference):
    """A platform on ACK."""

    cloud: Alicloud
    network: ExistingVswitches
    cluster: ExistingAckCluster
    platform: ExistingAckPlatform
    pools: dict[PoolName, AlicloudPool] = Field(default_factory=dict)
    mirrors: AlicloudMirrors = AlicloudMirrors()
    outside: Outside = Outside()
    workload_identity: Rrsa
    """How pods get rights in the cloud."""


PlatformRef = AwsPlatformRef | AlicloudPlatformRef
"""A platform on any cloud."""
