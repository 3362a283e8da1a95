"""The foundation on Alibaba Cloud: an ACK cluster with nodes, volumes, logs, and the autoscaler that ACK runs."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import pulumi

import providers
from foundation import Foundation
from llmplatform import alicloud
from llmplatform.alicloud.resource_groups import grouped
from llmplatform.base.labels import tags
from llmplatform.base.ordering import after
from llmplatform.planning.capabilities import namespaces
from llmplatform.planning.network import plan_vswitches
from llmplatform.planning.pools import PoolPlan
from llmplatform.specs.cluster import NewAckCluster
from llmplatform.specs.network import NewNetwork
from llmplatform.specs.platform import ExistingPlatform, NewAckPlatform
from llmplatform.specs.stack import AlicloudStack


def build(stack: AlicloudStack, plans: tuple[PoolPlan, ...], generated: pulumi.ProviderResource) -> Foundation:
    """The foundation that a stack file asks for."""
    account = _Account(stack, generated)
    network = account.network()
    cluster = account.cluster(network)
    registry = account.registry(network)
    pools = account.pools(plans, network, cluster, registry)
    inhabited = [*account.inhabited(plans, pools, registry), *account.autoscaling(plans, cluster, pools)]
    kubernetes = providers.cluster(cluster.cluster_name, after(cluster.kubeconfig, *inhabited))
    if isinstance(stack.platform, ExistingPlatform):
        return Foundation(
            cluster_name=cluster.cluster_name,
            kubernetes=kubernetes,
            shared_class=pulumi.Output.from_input(stack.platform.shared_storage_class),
            block_class=None,
            autoscaler=None,
            challenge=None,
            pools=pools,
            whereabouts={},
        )
    account.log_collection(kubernetes)
    storage = account.storage(network, cluster, kubernetes, stack.platform)
    return Foundation(
        cluster_name=cluster.cluster_name,
        kubernetes=kubernetes,
        shared_class=storage.shared_class,
        block_class=storage.block_class,
        autoscaler=None,
        challenge=account.challenge(cluster),
        pools=pools,
        whereabouts=account.whereabouts(network, cluster),
    )


class _Account:
    """An Alibaba Cloud account, and what a stack file wants in it."""

    def __init__(self, stack: AlicloudStack, generated: pulumi.ProviderResource) -> None:
        self.stack, self.cloud, self.tags = stack, stack.cloud, tags(stack)
        self.provider, self.generated = providers.alicloud(stack.cloud), generated
        group = stack.cloud.resource_group_id
        self.grouped = [grouped(group)] if group else None
        self.here = pulumi.ResourceOptions(providers=[self.provider, generated], transformations=self.grouped)

    @cached_property
    def logs(self) -> alicloud.Logs:
        """The log project, made when the first asks for it: where nothing of ours writes logs there is none."""
        args = alicloud.LogsArgs(
            environment=self.stack.environment,
            retention_days=self.stack.addons.logs.retention_days,
            tags=self.tags,
        )
        return alicloud.Logs("logs", args, self.here)

    def network(self) -> alicloud.Network | alicloud.ExistingNetwork:
        spec = self.stack.network
        if not isinstance(spec, NewNetwork):
            return alicloud.ExistingNetwork("core", alicloud.ExistingNetworkArgs(spec=spec))
        args = alicloud.NetworkArgs(spec=spec, environment=self.stack.environment, cloud=self.cloud, tags=self.tags)
        return alicloud.Network("core", args, self.here)

    def cluster(
        self, network: alicloud.Network | alicloud.ExistingNetwork
    ) -> alicloud.Cluster | alicloud.ExistingCluster:
        spec = self.stack.cluster
        if not isinstance(spec, NewAckCluster):
            return alicloud.ExistingCluster("llm", alicloud.ExistingClusterArgs(spec=spec, cloud=self.cloud))
        args = alicloud.ClusterArgs(
            spec=spec,
            environment=self.stack.environment,
            cloud=self.cloud,
            subnet_ids=network.private_subnet_ids,
            pod_subnet_ids=network.pod_subnet_ids,
            log_project=self.logs.project_name,
            tags=self.tags,
        )
        return alicloud.Cluster("llm", args, self.here)

    def registry(self, network: alicloud.Network | alicloud.ExistingNetwork) -> alicloud.RegistryLink | None:
        """The way to the registry; None where there is none, or the network is somebody else's and has its own."""
        instance = self.stack.mirrors.acr
        linked = self.stack.mirrors.acr_link == "existing" or not isinstance(self.stack.network, NewNetwork)
        if instance is None or linked:
            return None
        args = alicloud.RegistryLinkArgs(
            instance_id=instance,
            network_id=network.network_id,
            subnet_id=network.private_subnet_ids[self.cloud.home],
        )
        return alicloud.RegistryLink("registry", args, self.here)

    def pools(
        self,
        plans: tuple[PoolPlan, ...],
        network: alicloud.Network | alicloud.ExistingNetwork,
        cluster: alicloud.Cluster | alicloud.ExistingCluster,
        registry: alicloud.RegistryLink | None,
    ) -> dict[str, alicloud.NodePool]:
        # A node pulls its first images as soon as it is there.
        cluster_id = after(cluster.joinable_id, registry) if registry else cluster.joinable_id

        spec = self.stack.cluster

        def made(plan: PoolPlan, cluster_id: pulumi.Output[str]) -> alicloud.NodePool:
            args = alicloud.NodePoolArgs(
                plan=plan,
                cluster_id=cluster_id,
                subnet_ids=network.private_subnet_ids,
                release=spec.exact_version if isinstance(spec, NewAckCluster) and spec.upgrade else None,
                mirrors=self.stack.mirrors,
                tags=self.tags,
            )
            return alicloud.NodePool(plan.name, args, self.here)

        # An upgrade shows on the system's nodes, which are easy to get, before it touches a GPU.
        wanted = [plan for plan in plans if plan.groups]
        system = {plan.name: made(plan, cluster_id) for plan in wanted if not plan.gpu}
        upgraded = after(cluster_id, *system.values())
        gpu = {plan.name: made(plan, upgraded) for plan in wanted if plan.gpu}
        pools = {plan.name: {**system, **gpu}[plan.name] for plan in wanted}
        alicloud.fail_at_the_end(*(found.faults for found in pools.values()))
        return pools

    def inhabited(
        self,
        plans: tuple[PoolPlan, ...],
        pools: Mapping[str, alicloud.NodePool],
        registry: alicloud.RegistryLink | None,
    ) -> list[pulumi.Resource]:
        """Everything that must be there before, and stay until after, the objects in the cluster.

        Not the tainted pools: one that is stuck would hold up every object, and only models run on them.
        """
        nodes: list[pulumi.Resource] = [pools[plan.name] for plan in plans if plan.name in pools and not plan.dedicated]
        if not isinstance(self.stack.cluster, NewAckCluster):
            return nodes
        # A pool that starts from zero has no node to run them on, and its nodes come only with the autoscaler.
        homes = [pools[plan.name] for plan in plans if plan.name in pools and not plan.dedicated and plan.spec.min]
        args = alicloud.ClusterAddonsArgs(
            cluster_id=after(homes[0].cluster_id, *homes[1:]),
            log_project=self.logs.project_name if self.stack.addons.logs.enabled else None,
            registry=registry.instance_id if registry else self.stack.mirrors.acr,
            pulling=namespaces(self.stack),
            region=self.cloud.region,
        )
        return [*nodes, alicloud.ClusterAddons("addons", args, self.here)]

    def autoscaling(
        self,
        plans: tuple[PoolPlan, ...],
        cluster: alicloud.Cluster | alicloud.ExistingCluster,
        pools: Mapping[str, alicloud.NodePool],
    ) -> list[pulumi.Resource]:
        """The autoscaler: pods may wait for its nodes, and hold every slot of the engine while they do."""
        scaled = (plan for plan in plans if not all(group.fixed for group in plan.groups))
        made = tuple(plan for plan in scaled if plan.name in pools)
        # A cluster has one configuration, which nobody can delete: somebody else's would name our pools for ever.
        ours = isinstance(self.stack.cluster, NewAckCluster) and not isinstance(self.stack.platform, ExistingPlatform)
        if not (ours and made):
            return []
        args = alicloud.AutoscalingArgs(
            spec=self.stack.addons.cluster_autoscaler,
            cluster_id=after(cluster.joinable_id, *(pools[plan.name] for plan in made if not plan.dedicated)),
            pools=made,
            group_names={name: group for pool in pools.values() for name, group in pool.group_names.items()},
        )
        return [alicloud.Autoscaling("autoscaling", args, self.here)]

    def log_collection(self, kubernetes: pulumi.ProviderResource) -> None:
        if not self.stack.addons.logs.enabled:
            return
        args = alicloud.LogCollectionArgs(
            kind=self.stack.addons.logs.collection,
            namespace=self.stack.platform.models_namespace,
            project_name=self.logs.project_name,
            store=self.logs.models_store,
            region=self.cloud.region,
        )
        alicloud.LogCollection("models", args, pulumi.ResourceOptions(providers=[kubernetes]))

    def storage(
        self,
        network: alicloud.Network | alicloud.ExistingNetwork,
        cluster: alicloud.Cluster | alicloud.ExistingCluster,
        kubernetes: pulumi.ProviderResource,
        classes: NewAckPlatform,
    ) -> alicloud.Storage:
        args = alicloud.StorageArgs(
            environment=self.stack.environment,
            cloud=self.cloud,
            network_id=network.network_id,
            node_cidrs=self._node_cidrs(),
            subnet_ids=network.private_subnet_ids,
            identity_provider_arn=cluster.identity_provider_arn,
            identity_issuer=cluster.identity_issuer,
            tags=self.tags,
            classes=classes,
            default_class=self.stack.cluster.kind == "new",
        )
        providers = [self.provider, self.generated, kubernetes]
        return alicloud.Storage(
            "storage", args, pulumi.ResourceOptions(providers=providers, transformations=self.grouped)
        )

    def _node_cidrs(self) -> Mapping[str, str]:
        spec = self.stack.network
        if isinstance(spec, NewNetwork):
            return plan_vswitches(spec, self.cloud.zones).nodes
        return {zone: vswitch.cidr for zone, vswitch in spec.node_vswitches.items()}

    def challenge(self, cluster: alicloud.Cluster | alicloud.ExistingCluster) -> alicloud.DnsChallenge | None:
        wanted = self.stack.addons.cert_manager
        if not wanted.enabled or wanted.issuer.kind != "acme":
            return None
        args = alicloud.DnsChallengeArgs(
            environment=self.stack.environment,
            cloud=self.cloud,
            identity_provider_arn=cluster.identity_provider_arn,
            identity_issuer=cluster.identity_issuer,
            domain=wanted.issuer.answered_in,
            delegated=wanted.issuer.challenge_domain is not None,
            tags=self.tags,
        )
        return alicloud.DnsChallenge("challenge", args, self.here)

    def whereabouts(
        self,
        network: alicloud.Network | alicloud.ExistingNetwork,
        cluster: alicloud.Cluster | alicloud.ExistingCluster,
    ) -> Mapping[str, Any]:
        """What a stack on this platform must be told of network and cluster."""
        spec = self.stack.network
        if isinstance(spec, NewNetwork):
            ranges = plan_vswitches(spec, self.cloud.zones)
            vswitches = {
                "node_vswitches": _vswitches(network.private_subnet_ids, ranges.nodes),
                "pod_vswitches": _vswitches(network.pod_subnet_ids, ranges.pods),
            }
        else:
            vswitches = spec.model_dump(mode="json", include={"node_vswitches", "pod_vswitches"})
        return {
            "network": {"kind": "existing", "vpc_id": network.network_id, "cidr": spec.cidr, **vswitches},
            "cluster": {
                "kind": "existing",
                "id": cluster.cluster_id,
                "kubernetes_version": self.stack.cluster.kubernetes_version,
                "endpoint_url": cluster.endpoint_url,
                "certificate_authority": cluster.certificate_authority,
                "security_group_id": cluster.security_group_id,
            },
            "workload_identity": {
                "kind": "rrsa",
                "issuer": cluster.identity_issuer,
                "provider_arn": cluster.identity_provider_arn,
            },
        }


def _vswitches(ids: Mapping[str, pulumi.Output[str]], ranges: Mapping[str, str]) -> Mapping[str, Any]:
    return {zone: {"id": id_, "cidr": ranges[zone]} for zone, id_ in ids.items()}
