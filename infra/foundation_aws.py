"""The foundation on AWS: an EKS cluster with nodes, volumes, and an identity for its autoscaler."""

from collections.abc import Mapping
from typing import Any

import pulumi

import providers
from foundation import Autoscaler, Foundation
from llmplatform import aws
from llmplatform.base.labels import tags
from llmplatform.base.ordering import after
from llmplatform.planning.outside import plan_outside
from llmplatform.planning.pools import PoolPlan
from llmplatform.specs.cluster import NewEksCluster
from llmplatform.specs.network import NewNetwork
from llmplatform.specs.platform import ExistingPlatform, NewPlatform
from llmplatform.specs.stack import AwsStack


def build(stack: AwsStack, plans: tuple[PoolPlan, ...]) -> Foundation:
    """The foundation that a stack file asks for."""
    account = _Account(stack)
    network = account.network()
    cluster = account.cluster(network)
    pools = account.pools(plans, network, cluster)
    kubernetes = providers.cluster(cluster.cluster_name, after(cluster.kubeconfig, *account.inhabited(plans, pools)))
    if isinstance(stack.platform, ExistingPlatform):
        shared = pulumi.Output.from_input(stack.platform.shared_storage_class)
        return Foundation(
            cluster_name=cluster.cluster_name,
            kubernetes=kubernetes,
            shared_class=shared,
            block_class=None,
            autoscaler=None,
            challenge=None,
            pools=pools,
            whereabouts={},
        )
    storage = account.storage(network, cluster, kubernetes, stack.platform)
    return Foundation(
        cluster_name=cluster.cluster_name,
        kubernetes=kubernetes,
        shared_class=storage.shared_class,
        block_class=storage.block_class,
        autoscaler=account.autoscaler(cluster, pools),
        challenge=account.challenge(cluster),
        pools=pools,
        whereabouts=account.whereabouts(network, cluster),
    )


class _Account:
    """An AWS account, and what a stack file wants in it."""

    def __init__(self, stack: AwsStack) -> None:
        self.stack, self.cloud, self.tags = stack, stack.cloud, tags(stack)
        self.provider = providers.aws(stack.cloud)
        self.here = pulumi.ResourceOptions(providers=[self.provider])

    def network(self) -> aws.Network | aws.ExistingNetwork:
        spec = self.stack.network
        if not isinstance(spec, NewNetwork):
            return aws.ExistingNetwork("core", aws.ExistingNetworkArgs(spec=spec))
        args = aws.NetworkArgs(
            spec=spec,
            environment=self.stack.environment,
            cloud=self.cloud,
            tags=self.tags,
        )
        return aws.Network("core", args, self.here)

    def cluster(self, network: aws.Network | aws.ExistingNetwork) -> aws.Cluster | aws.ExistingCluster:
        spec = self.stack.cluster
        if not isinstance(spec, NewEksCluster):
            return aws.ExistingCluster("llm", aws.ExistingClusterArgs(spec=spec, cloud=self.cloud))
        args = aws.ClusterArgs(
            spec=spec,
            environment=self.stack.environment,
            cloud=self.cloud,
            subnet_ids=network.private_subnet_ids,
            tags=self.tags,
        )
        return aws.Cluster("llm", args, self.here)

    def pools(
        self,
        plans: tuple[PoolPlan, ...],
        network: aws.Network | aws.ExistingNetwork,
        cluster: aws.Cluster | aws.ExistingCluster,
    ) -> dict[str, aws.NodePool]:
        made = [plan for plan in plans if plan.groups]
        if not made:
            return {}
        # Whether the add-on of others has a role of its own, nobody says.
        cni = not isinstance(self.stack.cluster, NewEksCluster)
        role = aws.NodeRole("nodes", aws.NodeRoleArgs(cloud=self.cloud, tags=self.tags, cni=cni), self.here)

        def pool(plan: PoolPlan, name: pulumi.Output[str]) -> aws.NodePool:
            return aws.NodePool(plan.name, self._pool(plan, name, network, role), self.here)

        # An upgrade shows on the system's nodes, which are easy to get, before it touches a GPU.
        system = {plan.name: pool(plan, cluster.joinable_name) for plan in made if not plan.gpu}
        upgraded = after(cluster.joinable_name, *system.values())
        gpu = {plan.name: pool(plan, upgraded) for plan in made if plan.gpu}
        pools = {plan.name: {**system, **gpu}[plan.name] for plan in made}
        aws.fail_at_the_end(*(found.faults for found in pools.values()))
        return pools

    def _pool(
        self,
        plan: PoolPlan,
        cluster_name: pulumi.Output[str],
        network: aws.Network | aws.ExistingNetwork,
        role: aws.NodeRole,
    ) -> aws.NodePoolArgs:
        return aws.NodePoolArgs(
            plan=plan,
            cluster_name=cluster_name,
            kubernetes_version=self.stack.cluster.kubernetes_version,
            node_role_arn=role.role_arn,
            subnet_ids=network.private_subnet_ids,
            outside=plan_outside(self.stack),
            data_key=self.cloud.data_key,
            tags=self.tags,
        )

    def inhabited(self, plans: tuple[PoolPlan, ...], pools: Mapping[str, aws.NodePool]) -> list[pulumi.Resource]:
        """Everything that must be there before, and stay until after, the objects in the cluster.

        Not the tainted pools: one that is stuck would hold up every object, and only models run on them.
        """
        nodes: list[pulumi.Resource] = [pools[plan.name] for plan in plans if plan.name in pools and not plan.dedicated]
        spec = self.stack.cluster
        if not isinstance(spec, NewEksCluster):
            return nodes
        # A pool that starts from zero has no node to run them on, and its nodes come only with the autoscaler.
        homes = [pools[plan.name] for plan in plans if plan.name in pools and not plan.dedicated and plan.spec.min]
        name = after(homes[0].cluster_name, *homes[1:])
        args = aws.ClusterAddonsArgs(cluster_name=name, spec=spec, cloud=self.cloud, tags=self.tags)
        return [*nodes, aws.ClusterAddons("addons", args, self.here)]

    def storage(
        self,
        network: aws.Network | aws.ExistingNetwork,
        cluster: aws.Cluster | aws.ExistingCluster,
        kubernetes: pulumi.ProviderResource,
        classes: NewPlatform,
    ) -> aws.Storage:
        args = aws.StorageArgs(
            environment=self.stack.environment,
            cloud=self.cloud,
            network_id=network.network_id,
            subnet_ids=network.private_subnet_ids,
            security_group_id=cluster.security_group_id,
            tags=self.tags,
            classes=classes,
            default_class=self.stack.cluster.kind == "new",
            snapshots=isinstance(self.stack.cluster, NewEksCluster) and self.stack.cluster.snapshots,
        )
        return aws.Storage("storage", args, pulumi.ResourceOptions(providers=[self.provider, kubernetes]))

    def autoscaler(
        self, cluster: aws.Cluster | aws.ExistingCluster, pools: Mapping[str, aws.NodePool]
    ) -> Autoscaler | None:
        if not self.stack.addons.cluster_autoscaler.enabled:
            return None
        args = aws.AutoscalingArgs(cluster_name=cluster.cluster_name, cloud=self.cloud, tags=self.tags)
        return Autoscaler(
            identity=aws.Autoscaling("autoscaling", args, self.here),
            group_names={name: group for pool in pools.values() for name, group in pool.group_names.items()},
        )

    def challenge(self, cluster: aws.Cluster | aws.ExistingCluster) -> aws.DnsChallenge | None:
        wanted = self.stack.addons.cert_manager
        if not wanted.enabled or wanted.issuer.kind != "acme":
            return None
        args = aws.DnsChallengeArgs(
            cluster_name=cluster.cluster_name,
            cloud=self.cloud,
            hosted_zone=wanted.issuer.hosted_zone,
            zone_role=wanted.issuer.zone_role,
            tags=self.tags,
        )
        return aws.DnsChallenge("challenge", args, self.here)

    def whereabouts(
        self, network: aws.Network | aws.ExistingNetwork, cluster: aws.Cluster | aws.ExistingCluster
    ) -> Mapping[str, Any]:
        """What a stack on this platform must be told of network and cluster."""
        return {
            "network": {
                "kind": "existing",
                "vpc_id": network.network_id,
                "cidr": self.stack.network.cidr,
                "private_subnets": network.private_subnet_ids,
                "private_subnet_cidrs": getattr(self.stack.network, "private_subnet_cidrs", {}),
                "public_subnets": network.public_subnet_ids,
            },
            "cluster": {
                "kind": "existing",
                "name": cluster.cluster_name,
                "kubernetes_version": self.stack.cluster.kubernetes_version,
                "endpoint_url": cluster.endpoint_url,
                "certificate_authority": cluster.certificate_authority,
                "security_group_id": cluster.security_group_id,
            },
            "workload_identity": {"kind": "pod_identity"},
        }
