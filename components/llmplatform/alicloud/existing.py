"""An existing network and cluster. Creates and changes nothing: passes ids on."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from llmplatform.alicloud.kubeconfig import kubeconfig
from llmplatform.base.component import PlatformComponent
from llmplatform.specs.cloud import Alicloud
from llmplatform.specs.cluster import ExistingAckCluster as ClusterSpec
from llmplatform.specs.network import ExistingVswitches as NetworkSpec


@dataclass(frozen=True, kw_only=True)
class ExistingNetworkArgs:
    """Inputs of an existing network."""

    spec: NetworkSpec


class ExistingNetwork(PlatformComponent):
    """An existing VPC, with vSwitches by zone."""

    network_id: pulumi.Output[str]
    """Id of the VPC."""
    private_subnet_ids: Mapping[str, pulumi.Output[str]]
    """Zone to vSwitch of nodes."""
    public_subnet_ids: Mapping[str, pulumi.Output[str]]
    """Zone to vSwitch of load balancers: that of the nodes, because the load balancer itself is public or private."""
    pod_subnet_ids: Mapping[str, pulumi.Output[str]]
    """Zone to vSwitch of pods; that of the nodes if pods have none."""

    def __init__(self, name: str, args: ExistingNetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:alicloud:ExistingNetwork", name, opts)
        spec = args.spec
        pods = spec.pod_vswitches or spec.node_vswitches
        self.network_id = pulumi.Output.from_input(spec.vpc_id)
        self.private_subnet_ids = {
            zone: pulumi.Output.from_input(vswitch.id) for zone, vswitch in spec.node_vswitches.items()
        }
        self.public_subnet_ids = self.private_subnet_ids
        self.pod_subnet_ids = {zone: pulumi.Output.from_input(vswitch.id) for zone, vswitch in pods.items()}
        self.finish()


@dataclass(frozen=True, kw_only=True)
class ExistingClusterArgs:
    """Inputs of an existing cluster."""

    spec: ClusterSpec
    cloud: Alicloud


class ExistingCluster(PlatformComponent):
    """An existing ACK cluster with RRSA, whose administrators include the caller."""

    cluster_name: pulumi.Output[str]
    """Its id, in place of its name."""
    cluster_id: pulumi.Output[str]
    """Id of the cluster."""
    joinable_id: pulumi.Output[str]
    """The same id: an existing cluster is ready for nodes."""
    kubeconfig: pulumi.Output[str]
    """JSON, with an exec plugin and no token."""
    endpoint_url: pulumi.Output[str]
    """Address of the API server."""
    certificate_authority: pulumi.Output[str]
    """Base64 of the API server's CA bundle, which is public."""
    security_group_id: pulumi.Output[str]
    """Security group of its nodes."""
    identity_provider_arn: pulumi.Output[str]
    """ARN of the OIDC provider for its service accounts: ACK names it after the cluster."""
    identity_issuer: pulumi.Output[str]
    """Issuer of the service accounts' tokens (form as in ACK's documentation of RRSA)."""

    def __init__(self, name: str, args: ExistingClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:alicloud:ExistingCluster", name, opts)
        spec, cloud = args.spec, args.cloud
        known = pulumi.Output.from_input
        self.cluster_name = known(spec.id)
        self.cluster_id = known(spec.id)
        self.joinable_id = self.cluster_id
        self.kubeconfig = known(kubeconfig(spec.id, cloud, spec.endpoint_url, spec.certificate_authority))
        self.endpoint_url, self.certificate_authority = known(spec.endpoint_url), known(spec.certificate_authority)
        self.security_group_id = known(spec.security_group_id)
        self.identity_provider_arn = known(f"acs:ram::{cloud.account_id}:oidc-provider/ack-rrsa-{spec.id}")
        self.identity_issuer = known(f"https://oidc-ack-{cloud.region}.oss-{cloud.region}.aliyuncs.com/{spec.id}")
        self.finish()
