"""Every cloud as the conformance tests see it: one entry of `CLOUDS`, and how to read what its components register.

A third cloud begins with an entry here: its package, its test platform, and the functions that say of it what the
others say of theirs.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import ModuleType
from typing import Any

import pulumi

from llmplatform import alicloud, aws
from llmplatform.specs.cluster import EksEndpoint, ExistingAckCluster, ExistingEksCluster, Maintenance
from llmplatform.specs.network import ExistingSubnets, ExistingVswitches, Vswitch
from llmplatform.testing import RecordingEngine, Registered
from support import alicloud_platform, aws_platform
from support.conformance.groups import Group, ack_group, eks_group
from support.conformance.readings import Readings, alicloud_readings, aws_readings


@dataclass(frozen=True, kw_only=True, eq=False)
class Cloud:
    """One cloud."""

    name: str
    package: ModuleType
    """Its components."""
    bench: Any
    """Its test platform: stack(), network(), cluster(), node_pool(), plan(), built()."""
    gpu_pool: str
    """A pool of the test platform with GPUs, spot first."""
    types: Mapping[str, str]
    """Role to type token: network, subnet, nat, cluster, group, key, file_system, role, administrator."""
    group: Callable[[RecordingEngine, Registered], Group]
    reads: Readings
    """What its own words say."""
    cluster: Callable[[Any, str], Any]
    """A cluster of the name, in subnets that are there."""
    identity: Callable[[str, str, str], Any]
    """An identity: name, namespace, service account."""
    existing: Callable[[], Mapping[str, Any]]
    """A network and a cluster that exist."""
    encrypts_with: Callable[[Registered], str]
    """What a cluster's secrets are encrypted with."""
    deletion_protected: Callable[[Registered], bool]
    public: Callable[[Registered], bool]
    """Whether a cluster's API can be reached from the internet."""
    log_days: Callable[[RecordingEngine], int]
    """How long control-plane logs stay."""
    everything: Mapping[str, Any]
    """Options of its test platform that switch on what is off by default."""
    everything_of_cluster: Mapping[str, Any]
    """Settings of its new cluster that do the same."""

    def all(self, engine: RecordingEngine, role: str) -> list[Registered]:
        """Every registration in a role."""
        return engine.all(self.types[role])

    def groups(self, engine: RecordingEngine) -> list[Group]:
        """Every group of nodes."""
        return [self.group(engine, found) for found in self.all(engine, "group")]

    def __str__(self) -> str:
        """Name of the cloud, for the names of tests."""
        return self.name


@lru_cache(maxsize=8)
def whole(cloud: Cloud, protection: str = "none") -> RecordingEngine:
    """What the whole platform of a cloud registers; looked at by many tests, changed by none."""
    return cloud.bench.built(protected(cloud, protection))


def protected(cloud: Cloud, protection: str) -> Any:
    """Settings with that protection."""
    settings = cloud.bench.stack()
    return settings.model_copy(
        update={"environment": settings.environment.model_copy(update={"protection": protection})}
    )


def _aws_identity(name: str, namespace: str, service_account: str) -> aws.WorkloadIdentity:
    args = aws.WorkloadIdentityArgs(
        cluster_name="dev-main",
        cloud=aws_platform.stack().cloud,
        namespace=namespace,
        service_account=service_account,
        tags=aws_platform.TAGS,
    )
    return aws.WorkloadIdentity(name, args)


def _alicloud_identity(name: str, namespace: str, service_account: str) -> alicloud.WorkloadIdentity:
    args = alicloud.WorkloadIdentityArgs(
        environment=alicloud_platform.stack().environment,
        identity_provider_arn=alicloud_platform.PROVIDER,
        identity_issuer=alicloud_platform.ISSUER,
        namespace=namespace,
        service_account=service_account,
        tags=alicloud_platform.TAGS,
    )
    return alicloud.WorkloadIdentity(name, args)


_SEEN = {
    "kind": "existing",
    "kubernetes_version": "1.35",
    "endpoint_url": "https://kubernetes.example.org:6443",
    "certificate_authority": "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t",
}


def _aws_existing() -> Mapping[str, Any]:
    network = ExistingSubnets(
        kind="existing",
        vpc_id="vpc-0123456789abcdef0",
        cidr="10.0.0.0/16",
        private_subnets={"us-east-1a": "subnet-0123456789abcdef0"},
    )
    cluster = ExistingEksCluster.model_validate(
        {**_SEEN, "name": "theirs", "security_group_id": "sg-0123456789abcdef0"}
    )
    return {
        "network": aws.ExistingNetwork("net", aws.ExistingNetworkArgs(spec=network)),
        "cluster": aws.ExistingCluster(
            "cluster", aws.ExistingClusterArgs(spec=cluster, cloud=aws_platform.stack().cloud)
        ),
    }


def _alicloud_existing() -> Mapping[str, Any]:
    network = ExistingVswitches(
        kind="existing",
        vpc_id="vpc-bp1aevy8sofi8mh1qabcd",
        cidr="10.0.0.0/16",
        node_vswitches={"cn-hangzhou-j": Vswitch(id="vsw-bp12mw1f8k3jgygk9abcd", cidr="10.0.0.0/22")},
    )
    cluster = ExistingAckCluster.model_validate(
        {**_SEEN, "id": "c" + "0" * 32, "security_group_id": "sg-bp1a2b3c4d5e6f7g8h9i"}
    )
    return {
        "network": alicloud.ExistingNetwork("net", alicloud.ExistingNetworkArgs(spec=network)),
        "cluster": alicloud.ExistingCluster(
            "cluster", alicloud.ExistingClusterArgs(spec=cluster, cloud=alicloud_platform.stack().cloud)
        ),
    }


def _aws_cluster(settings: Any, name: str) -> aws.Cluster:
    return aws_platform.cluster(settings, {zone: f"subnet-{zone}" for zone in aws_platform.ZONES}, name)


def _alicloud_cluster(settings: Any, name: str) -> alicloud.Cluster:
    subnets: dict[str, pulumi.Input[str]] = {zone: f"vsw-{zone}" for zone in alicloud_platform.ZONES}
    return alicloud_platform.cluster(settings, subnets, subnets, name)


CLOUDS = (
    Cloud(
        name="aws",
        package=aws,
        bench=aws_platform,
        gpu_pool="a10g",
        types={
            "network": "aws:ec2/vpc:Vpc",
            "subnet": "aws:ec2/subnet:Subnet",
            "nat": "aws:ec2/natGateway:NatGateway",
            "way_out": "aws:ec2/route:Route",
            "cluster": "aws:eks/cluster:Cluster",
            "group": "aws:eks/nodeGroup:NodeGroup",
            "addon": "aws:eks/addon:Addon",
            "key": "aws:kms/key:Key",
            "file_system": "aws:efs/fileSystem:FileSystem",
            "role": "aws:iam/role:Role",
            "grant": "aws:iam/rolePolicy:RolePolicy",
            "administrator": "aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
        },
        group=eks_group,
        reads=aws_readings("dev-main"),
        cluster=_aws_cluster,
        identity=_aws_identity,
        existing=_aws_existing,
        encrypts_with=lambda found: found.inputs["encryptionConfig"]["provider"]["keyArn"].rpartition("/")[2],
        deletion_protected=lambda found: found.inputs["deletionProtection"],
        public=lambda found: found.inputs["vpcConfig"]["endpointPublicAccess"],
        log_days=lambda engine: engine.one("aws:cloudwatch/logGroup:LogGroup").inputs["retentionInDays"],
        everything={"endpoints": "private"},
        everything_of_cluster={"endpoint": EksEndpoint(private_cidrs=("10.250.0.0/16",))},
    ),
    Cloud(
        name="alicloud",
        package=alicloud,
        bench=alicloud_platform,
        gpu_pool="a10",
        types={
            "network": "alicloud:vpc/network:Network",
            "subnet": "alicloud:vpc/switch:Switch",
            "nat": "alicloud:vpc/natGateway:NatGateway",
            "way_out": "alicloud:vpc/snatEntry:SnatEntry",
            "cluster": "alicloud:cs/managedKubernetes:ManagedKubernetes",
            "group": "alicloud:cs/nodePool:NodePool",
            "addon": "alicloud:cs/kubernetesAddon:KubernetesAddon",
            "key": "alicloud:kms/key:Key",
            "file_system": "alicloud:nas/fileSystem:FileSystem",
            "role": "alicloud:ram/role:Role",
            "grant": "alicloud:ram/rolePolicyAttachment:RolePolicyAttachment",
            "administrator": "alicloud:cs/kubernetesPermission:KubernetesPermission",
        },
        group=ack_group,
        reads=alicloud_readings(alicloud_platform.ISSUER),
        cluster=_alicloud_cluster,
        identity=_alicloud_identity,
        existing=_alicloud_existing,
        encrypts_with=lambda found: found.inputs["encryptionProviderKey"].removesuffix("-id"),
        deletion_protected=lambda found: found.inputs["deletionProtection"],
        public=lambda found: found.inputs["slbInternetEnabled"],
        log_days=lambda engine: int(
            engine.one("alicloud:cs/managedKubernetes:ManagedKubernetes").inputs["controlPlaneLogTtl"]
        ),
        everything={},
        everything_of_cluster={"maintenance": Maintenance(days=("Sunday",), start="02:00+08:00")},
    ),
)
