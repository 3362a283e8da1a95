"""What every cloud gives: a cluster with nodes, and then the services that workloads in it need from the cloud.

`aws.foundation` and `alicloud.foundation` have the same two functions, called in this order, because the provider of
the objects in the cluster is made from what the first returns:

    made = foundation.cluster(stack, plan_pools(stack), opts)
    kubernetes = pulumi_kubernetes.Provider("kubernetes", kubeconfig=made.kubeconfig)
    cloud = foundation.services(made, kubernetes)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import pulumi

from llmplatform.base.contracts import (
    Caches,
    Databases,
    DnsChallenge,
    Identities,
    NodePool,
    ObjectStores,
    ReadObjects,
    WorkloadIdentity,
)
from llmplatform.planning.pools import PoolPlan
from llmplatform.specs.platform_ref import AlicloudLocation, AwsLocation


class ClusterWithNodes(Protocol):
    """A cluster that objects can be put into."""

    @property
    def cluster_name(self) -> pulumi.Output[str]:
        """Its name; on ACK its id."""
        ...

    @property
    def kubeconfig(self) -> pulumi.Output[str]:
        """JSON, with an exec plugin and no token. Depends on the nodes and managed add-ons that objects need."""
        ...


@dataclass(frozen=True, kw_only=True)
class AutoscalerAccess:
    """What an autoscaler that runs in the cluster needs from the cloud."""

    identity: WorkloadIdentity
    group_names: Mapping[str, pulumi.Output[str]]
    """Planned node group to the name under which the autoscaler finds it."""
    other_groups: bool
    """Whether the cluster has groups that no plan names."""


@dataclass(frozen=True, kw_only=True)
class CloudServices:
    """A cluster in its cloud, as add-ons, services and model servers see it."""

    region: str
    kubernetes_version: str
    """Minor of the cluster."""
    cluster_name: pulumi.Output[str]
    """Its name; on ACK its id."""
    shared_class: pulumi.Output[str]
    """Storage class of volumes that many pods share."""
    identity: Identities | None = None
    """Makes identities for service accounts; None: the cloud gives none."""
    object_store: ObjectStores | None = None
    """Makes buckets; None: the cloud gives none."""
    cache: Caches | None = None
    """Makes caches; None: the cloud gives none."""
    database: Databases | None = None
    """Makes servers of Postgres; None: the cloud gives none."""
    identity_labels: Mapping[str, str] = field(default_factory=dict[str, str])
    """Labels of a namespace whose service accounts get identities after it exists; empty if the cloud needs none."""
    read_objects: ReadObjects | None = None
    """Makes rights to read objects of buckets that exist; None: the cloud gives none."""
    block_class: pulumi.Output[str] | None = None
    """Storage class of disks for one pod; None: the cluster's default."""
    autoscaler: AutoscalerAccess | None = None
    """None where another stack installs the autoscaler, or the cloud runs it."""
    challenge: DnsChallenge | None = None
    """How challenges of an ACME authority are answered; None without an ACME issuer of ours."""
    pools: Mapping[str, NodePool] = field(default_factory=dict[str, NodePool])
    """Pools that the stack makes, by name."""
    modelscope_region: str | None = None
    """Region that ModelScope redirects to storage of; None outside Alibaba Cloud."""
    location: AwsLocation | AlicloudLocation | None = None
    """Sections of the platform's reference that say where it is; None where the platform is another stack's."""

    def nodes_of(self, pool: str) -> Sequence[pulumi.Resource]:
        """What makes a pool's nodes; nothing for a pool of another stack.

        What runs on a tainted pool depends on them itself: the Kubernetes provider does not.
        """
        return self.pools[pool].groups if pool in self.pools else ()


def nodes(pools: Mapping[str, NodePool], wanted: Sequence[PoolPlan]) -> list[pulumi.Resource]:
    """What makes the nodes of some pools."""
    return [group for plan in wanted for group in pools[plan.name].groups]
