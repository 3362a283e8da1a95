"""What a cloud gives to the platform: a cluster with nodes and volumes, and what its autoscaler needs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from llmplatform.base.contracts import DnsChallenge, WorkloadIdentity
from llmplatform.base.foundation import AutoscalerAccess, CloudServices
from llmplatform.planning.pools import PoolPlan
from llmplatform.specs.cluster import ExistingCluster
from llmplatform.specs.stack import AlicloudStack, Stack


@dataclass(frozen=True, kw_only=True)
class Autoscaler:
    """What an autoscaler that runs in the cluster needs from the cloud."""

    identity: WorkloadIdentity
    group_names: Mapping[str, pulumi.Output[str]]
    """Planned node group to the name under which it finds it."""


@dataclass(frozen=True, kw_only=True)
class Foundation:
    """A cluster, ready for whatever runs in it."""

    cluster_name: pulumi.Output[str]
    kubernetes: pulumi.ProviderResource
    """Makes objects in the cluster: after nodes without taints and the add-ons are there, and they are gone before."""
    shared_class: pulumi.Output[str]
    """Storage class of volumes that many pods share."""
    block_class: pulumi.Output[str] | None
    """Storage class of disks for one pod; None: the cluster's default."""
    autoscaler: Autoscaler | None
    """None where another stack installs the autoscaler, or the cloud runs it."""
    challenge: DnsChallenge | None
    """How an ACME authority is answered; None where nobody asks one."""
    pools: Mapping[str, pulumi.Resource]
    """Pool to what makes its nodes, where objects in the cluster do not depend on all pools alike."""
    whereabouts: Mapping[str, Any]
    """Network, cluster and workload identity as `PlatformRef` names them."""

    def nodes_of(self, pool: str) -> list[pulumi.Resource]:
        """What makes the nodes of a pool, as far as it is not waited for by the cluster's provider."""
        return [made for name, made in self.pools.items() if name == pool]


def build(stack: Stack, plans: tuple[PoolPlan, ...], generated: pulumi.ProviderResource) -> Foundation:
    """The foundation that a stack file asks for. Only the cloud that it names is loaded."""
    if isinstance(stack, AlicloudStack):
        import foundation_alicloud

        return foundation_alicloud.build(stack, plans, generated)
    import foundation_aws

    return foundation_aws.build(stack, plans)


def services(stack: Stack, made: Foundation) -> CloudServices:
    """What runs in the cluster is told of the cloud."""
    access = made.autoscaler and AutoscalerAccess(
        identity=made.autoscaler.identity,
        group_names=made.autoscaler.group_names,
        other_groups=isinstance(stack.cluster, ExistingCluster),
    )
    return CloudServices(
        region=stack.cloud.region,
        kubernetes_version=stack.cluster.kubernetes_version,
        cluster_name=made.cluster_name,
        shared_class=made.shared_class,
        block_class=made.block_class,
        autoscaler=access,
        challenge=made.challenge,
    )
