"""An existing network and cluster. Creates and changes nothing: passes ids on."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from llmplatform.aws.kubeconfig import kubeconfig
from llmplatform.base.component import PlatformComponent
from llmplatform.specs.cloud import Aws
from llmplatform.specs.cluster import ExistingEksCluster as ClusterSpec
from llmplatform.specs.network import ExistingSubnets as NetworkSpec


@dataclass(frozen=True, kw_only=True)
class ExistingNetworkArgs:
    """Inputs of an existing network."""

    spec: NetworkSpec


class ExistingNetwork(PlatformComponent):
    """An existing VPC, with subnets by zone."""

    network_id: pulumi.Output[str]
    """Id of the VPC."""
    private_subnet_ids: Mapping[str, pulumi.Output[str]]
    """Zone to private subnet."""
    public_subnet_ids: Mapping[str, pulumi.Output[str]]
    """Zone to public subnet; empty without one."""

    def __init__(self, name: str, args: ExistingNetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:aws:ExistingNetwork", name, opts)
        spec = args.spec
        self.network_id = pulumi.Output.from_input(spec.vpc_id)
        self.private_subnet_ids = {zone: pulumi.Output.from_input(id_) for zone, id_ in spec.private_subnets.items()}
        self.public_subnet_ids = {zone: pulumi.Output.from_input(id_) for zone, id_ in spec.public_subnets.items()}
        self.finish()


@dataclass(frozen=True, kw_only=True)
class ExistingClusterArgs:
    """Inputs of an existing cluster."""

    spec: ClusterSpec
    cloud: Aws


class ExistingCluster(PlatformComponent):
    """An existing EKS cluster, whose administrators include the caller."""

    cluster_name: pulumi.Output[str]
    """Name of the cluster."""
    joinable_name: pulumi.Output[str]
    """The same name: an existing cluster is ready for nodes."""
    kubeconfig: pulumi.Output[str]
    """JSON, with an exec plugin and no token."""
    endpoint_url: pulumi.Output[str]
    """Address of the API server."""
    certificate_authority: pulumi.Output[str]
    """Base64 of the API server's CA bundle, which is public."""
    security_group_id: pulumi.Output[str]
    """Security group of its nodes."""

    def __init__(self, name: str, args: ExistingClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:aws:ExistingCluster", name, opts)
        spec = args.spec
        self.cluster_name = pulumi.Output.from_input(spec.name)
        self.joinable_name = self.cluster_name
        self.kubeconfig = pulumi.Output.from_input(
            kubeconfig(spec.name, args.cloud, spec.endpoint_url, spec.certificate_authority)
        )
        self.endpoint_url = pulumi.Output.from_input(spec.endpoint_url)
        self.certificate_authority = pulumi.Output.from_input(spec.certificate_authority)
        self.security_group_id = pulumi.Output.from_input(spec.security_group_id)
        self.finish()
