"""The sections of `PlatformRef` that say where an ACK platform is."""

from collections.abc import Mapping

import pulumi

from llmplatform.alicloud.cluster import Cluster
from llmplatform.alicloud.existing import ExistingCluster, ExistingNetwork
from llmplatform.alicloud.network import Network
from llmplatform.base.outputs import later, unchecked
from llmplatform.planning.network import plan_vswitches
from llmplatform.planning.pools import existing_pools
from llmplatform.specs.cluster import ExistingAckCluster
from llmplatform.specs.network import ExistingVswitches, Vswitch
from llmplatform.specs.platform_ref import AlicloudLocation, Rrsa
from llmplatform.specs.stack import AlicloudStack


def location(
    stack: AlicloudStack, network: Network | ExistingNetwork, cluster: Cluster | ExistingCluster
) -> AlicloudLocation:
    """Network, cluster, pools and workload identity, as another stack's file names them."""
    return unchecked(AlicloudLocation)(
        cloud=stack.cloud,
        network=_vswitches(stack, network),
        cluster=unchecked(ExistingAckCluster)(
            kind="existing",
            kubernetes_version=stack.cluster.kubernetes_version,
            endpoint_url=later(cluster.endpoint_url),
            certificate_authority=later(cluster.certificate_authority),
            id=later(cluster.cluster_id),
            security_group_id=later(cluster.security_group_id),
        ),
        pools=existing_pools(stack.pools),
        mirrors=stack.mirrors,
        outside=stack.outside,
        workload_identity=unchecked(Rrsa)(
            kind="rrsa",
            issuer=later(cluster.identity_issuer),
            provider_arn=later(cluster.identity_provider_arn),
        ),
    )


def _vswitches(stack: AlicloudStack, network: Network | ExistingNetwork) -> ExistingVswitches:
    if isinstance(stack.network, ExistingVswitches):
        return stack.network
    ranges = plan_vswitches(stack.network, stack.cloud.zones)
    return unchecked(ExistingVswitches)(
        kind="existing",
        vpc_id=later(network.network_id),
        cidr=stack.network.cidr,
        node_vswitches=_placed(network.private_subnet_ids, ranges.nodes),
        pod_vswitches=_placed(network.pod_subnet_ids, ranges.pods),
    )


def _placed(ids: Mapping[str, pulumi.Output[str]], ranges: Mapping[str, str]) -> dict[str, Vswitch]:
    return {zone: unchecked(Vswitch)(id=later(id_), cidr=ranges[zone]) for zone, id_ in ids.items()}
