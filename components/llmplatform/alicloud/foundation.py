"""The platform's foundation on Alibaba Cloud: an ACK cluster with its nodes, then what workloads in it need.

The two functions wire the components of this package as a stack file asks, in any program that makes the providers.
ACK runs the autoscaler itself, so it is part of the cluster here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import pulumi

from llmplatform.alicloud.autoscaler_config import AutoscalerConfig, AutoscalerConfigArgs
from llmplatform.alicloud.caches import caches
from llmplatform.alicloud.cluster import Cluster, ClusterArgs
from llmplatform.alicloud.cluster_addons import ClusterAddons, ClusterAddonsArgs
from llmplatform.alicloud.databases import databases
from llmplatform.alicloud.existing import ExistingCluster, ExistingClusterArgs, ExistingNetwork, ExistingNetworkArgs
from llmplatform.alicloud.grants import answer_challenges, read_objects, solver
from llmplatform.alicloud.identity import INJECTION_LABEL, identities
from llmplatform.alicloud.location import location
from llmplatform.alicloud.log_collection import LogCollection, LogCollectionArgs
from llmplatform.alicloud.logs import Logs, LogsArgs
from llmplatform.alicloud.network import Network, NetworkArgs
from llmplatform.alicloud.node_pool import NodePool, NodePoolArgs
from llmplatform.alicloud.objects import object_stores
from llmplatform.alicloud.registry import RegistryLink, RegistryLinkArgs
from llmplatform.alicloud.resource_groups import grouped
from llmplatform.alicloud.storage import Storage, StorageArgs
from llmplatform.base.contracts import DnsChallenge, Identities
from llmplatform.base.faults import fail_at_the_end
from llmplatform.base.foundation import CloudServices, nodes
from llmplatform.base.labels import tags
from llmplatform.base.ordering import after
from llmplatform.planning.capabilities import namespaces
from llmplatform.planning.network import client_ranges, node_ranges
from llmplatform.planning.order import autoscaled, awaited, homes, own, upgrade_waves
from llmplatform.planning.pools import PoolPlan
from llmplatform.specs.addons.cert_manager import ALIDNS_WEBHOOK
from llmplatform.specs.cluster import NewAckCluster
from llmplatform.specs.network import NewNetwork
from llmplatform.specs.platform import ExistingPlatform, NewAckPlatform
from llmplatform.specs.stack import AlicloudStack


@dataclass(frozen=True, kw_only=True)
class AckFoundation:
    """An ACK cluster with its nodes."""

    stack: AlicloudStack
    network: Network | ExistingNetwork
    cluster: Cluster | ExistingCluster
    logs: Logs | None
    """The log project; None where nothing of the stack writes logs."""
    pools: Mapping[str, NodePool]
    """Pool to its node pools of ACK, without pools of another stack."""
    kubeconfig: pulumi.Output[str]
    """JSON, with an exec plugin and no token. Depends on the nodes and managed add-ons that objects need."""
    opts: pulumi.ResourceOptions
    """With the providers of Alibaba Cloud and of generated values, and the resource group."""

    @property
    def cluster_name(self) -> pulumi.Output[str]:
        """Id of the cluster, which stands in for its name."""
        return self.cluster.cluster_name


def cluster(stack: AlicloudStack, plans: tuple[PoolPlan, ...], opts: pulumi.ResourceOptions) -> AckFoundation:
    """Network, cluster, node pools, managed add-ons and autoscaler.

    `opts` has the providers of Alibaba Cloud and of generated values.
    """
    group = stack.cloud.resource_group_id
    into = pulumi.ResourceOptions(transformations=[grouped(group)] if group else None)
    here = pulumi.ResourceOptions.merge(opts, into)
    network = _network(stack, here)
    if isinstance(stack.cluster, NewAckCluster):
        logs = _logs(stack, here)
        made = _cluster(stack, stack.cluster, network, logs, here)
    else:
        logs = _logs(stack, here) if _collects_logs(stack) else None
        made = ExistingCluster("llm", ExistingClusterArgs(spec=stack.cluster, cloud=stack.cloud))
    registry = _registry(stack, network, here)
    pools = _pools(stack, plans, network, made, registry, here)
    needed = [
        *nodes(pools, awaited(plans)),
        *_addons(stack, after(made.joinable_id, *nodes(pools, homes(plans))), registry, logs, here),
        *_autoscaling(stack, plans, made, pools, here),
    ]
    return AckFoundation(
        stack=stack,
        network=network,
        cluster=made,
        logs=logs,
        pools=pools,
        kubeconfig=after(made.kubeconfig, *needed),
        opts=here,
    )


def services(made: AckFoundation, kubernetes: pulumi.ProviderResource) -> CloudServices:
    """Storage classes, logs, and the cloud rights of what a stack installs. `kubernetes`: from `made.kubeconfig`."""
    stack = made.stack
    identity = identities(
        stack.environment, made.cluster.identity_provider_arn, made.cluster.identity_issuer, tags(stack), made.opts
    )
    clients = client_ranges(stack.network, stack.cloud.zones)
    given = partial(
        CloudServices,
        region=stack.cloud.region,
        modelscope_region=stack.cloud.region,
        kubernetes_version=stack.cluster.kubernetes_version,
        cluster_name=made.cluster_name,
        pools=made.pools,
        identity=identity,
        object_store=object_stores(stack.environment, stack.cloud, tags(stack), made.opts),
        database=databases(
            stack.environment, stack.cloud, made.network, stack.network.cidr, clients, tags(stack), made.opts
        ),
        cache=caches(stack.environment, stack.cloud, made.network, clients, tags(stack), made.opts),
        identity_labels=INJECTION_LABEL,
        read_objects=partial(read_objects, stack.cloud),
    )
    if isinstance(stack.platform, ExistingPlatform):
        return given(shared_class=pulumi.Output.from_input(stack.platform.shared_storage_class))
    if made.logs and _collects_logs(stack):
        _log_collection(stack, made.logs, kubernetes)
    storage = _storage(made, stack.platform, kubernetes)
    return given(
        shared_class=storage.shared_class,
        block_class=storage.block_class,
        challenge=_challenge(made, identity),
        location=location(stack, made.network, made.cluster),
    )


def _network(stack: AlicloudStack, opts: pulumi.ResourceOptions) -> Network | ExistingNetwork:
    if not isinstance(stack.network, NewNetwork):
        return ExistingNetwork("core", ExistingNetworkArgs(spec=stack.network))
    args = NetworkArgs(spec=stack.network, environment=stack.environment, cloud=stack.cloud, tags=tags(stack))
    return Network("core", args, opts)


def _collects_logs(stack: AlicloudStack) -> bool:
    return stack.addons.logs.enabled and isinstance(stack.platform, NewAckPlatform)


def _logs(stack: AlicloudStack, opts: pulumi.ResourceOptions) -> Logs:
    args = LogsArgs(environment=stack.environment, retention_days=stack.addons.logs.retention_days, tags=tags(stack))
    return Logs("logs", args, opts)


def _cluster(
    stack: AlicloudStack,
    spec: NewAckCluster,
    network: Network | ExistingNetwork,
    logs: Logs,
    opts: pulumi.ResourceOptions,
) -> Cluster:
    args = ClusterArgs(
        spec=spec,
        environment=stack.environment,
        cloud=stack.cloud,
        subnet_ids=network.private_subnet_ids,
        pod_subnet_ids=network.pod_subnet_ids,
        log_project=logs.project_name,
        tags=tags(stack),
    )
    return Cluster("llm", args, opts)


def _registry(
    stack: AlicloudStack, network: Network | ExistingNetwork, opts: pulumi.ResourceOptions
) -> RegistryLink | None:
    """The network's link to the registry. An existing network has its own."""
    instance = stack.mirrors.acr
    linked = stack.mirrors.acr_link == "existing" or not isinstance(stack.network, NewNetwork)
    if instance is None or linked:
        return None
    args = RegistryLinkArgs(
        instance_id=instance,
        network_id=network.network_id,
        subnet_id=network.private_subnet_ids[stack.cloud.home],
    )
    return RegistryLink("registry", args, opts)


def _pools(
    stack: AlicloudStack,
    plans: tuple[PoolPlan, ...],
    network: Network | ExistingNetwork,
    made: Cluster | ExistingCluster,
    registry: RegistryLink | None,
    opts: pulumi.ResourceOptions,
) -> Mapping[str, NodePool]:
    spec = stack.cluster
    # A node pulls its first images as soon as it is there.
    joinable = after(made.joinable_id, registry) if registry else made.joinable_id

    def pool(plan: PoolPlan, cluster_id: pulumi.Output[str]) -> NodePool:
        args = NodePoolArgs(
            plan=plan,
            cluster_id=cluster_id,
            subnet_ids=network.private_subnet_ids,
            release=spec.exact_version if isinstance(spec, NewAckCluster) and spec.upgrade else None,
            mirrors=stack.mirrors,
            tags=tags(stack),
        )
        return NodePool(plan.name, args, opts)

    first, second = upgrade_waves(plans)
    pools = {plan.name: pool(plan, joinable) for plan in first}
    upgraded = after(joinable, *nodes(pools, first))
    pools |= {plan.name: pool(plan, upgraded) for plan in second}
    fail_at_the_end(*(pools[plan.name].faults for plan in own(plans)))
    return pools


def _addons(
    stack: AlicloudStack,
    cluster_id: pulumi.Output[str],
    registry: RegistryLink | None,
    logs: Logs | None,
    opts: pulumi.ResourceOptions,
) -> list[ClusterAddons]:
    if not isinstance(stack.cluster, NewAckCluster):
        return []
    args = ClusterAddonsArgs(
        cluster_id=cluster_id,
        log_project=logs.project_name if logs and stack.addons.logs.enabled else None,
        registry=registry.instance_id if registry else stack.mirrors.acr,
        pulling=namespaces(stack),
        region=stack.cloud.region,
    )
    return [ClusterAddons("addons", args, opts)]


def _autoscaling(
    stack: AlicloudStack,
    plans: tuple[PoolPlan, ...],
    made: Cluster | ExistingCluster,
    pools: Mapping[str, NodePool],
    opts: pulumi.ResourceOptions,
) -> list[AutoscalerConfig]:
    """ACK's autoscaler. Pods may wait for its nodes, so it comes before the objects in the cluster.

    A cluster has one configuration, which cannot be deleted: that of an existing cluster would name our pools for ever.
    """
    scaled = autoscaled(plans)
    ours = isinstance(stack.cluster, NewAckCluster) and isinstance(stack.platform, NewAckPlatform)
    if not (ours and scaled):
        return []
    args = AutoscalerConfigArgs(
        spec=stack.addons.cluster_autoscaler,
        cluster_id=after(made.joinable_id, *nodes(pools, [plan for plan in scaled if not plan.dedicated])),
        pools=scaled,
        group_names={name: group for pool in pools.values() for name, group in pool.group_names.items()},
    )
    return [AutoscalerConfig("autoscaler", args, opts)]


def _log_collection(stack: AlicloudStack, logs: Logs, kubernetes: pulumi.ProviderResource) -> None:
    args = LogCollectionArgs(
        kind=stack.addons.logs.collection,
        namespace=stack.platform.models_namespace,
        project_name=logs.project_name,
        store=logs.models_store,
        region=stack.cloud.region,
    )
    LogCollection("models", args, pulumi.ResourceOptions(providers=[kubernetes]))


def _storage(made: AckFoundation, classes: NewAckPlatform, kubernetes: pulumi.ProviderResource) -> Storage:
    stack = made.stack
    args = StorageArgs(
        environment=stack.environment,
        cloud=stack.cloud,
        network_id=made.network.network_id,
        node_cidrs=node_ranges(stack.network, stack.cloud.zones),
        subnet_ids=made.network.private_subnet_ids,
        identity_provider_arn=made.cluster.identity_provider_arn,
        identity_issuer=made.cluster.identity_issuer,
        tags=tags(stack),
        classes=classes,
        default_class=isinstance(stack.cluster, NewAckCluster),
    )
    all_three = pulumi.ResourceOptions.merge(made.opts, pulumi.ResourceOptions(providers=[kubernetes]))
    return Storage("storage", args, all_three)


def _challenge(made: AckFoundation, identity: Identities) -> DnsChallenge | None:
    wanted, name = made.stack.addons.cert_manager, ALIDNS_WEBHOOK
    if not wanted.enabled or wanted.issuer.kind != "acme":
        return None
    records = answer_challenges("records", made.stack.cloud, wanted.issuer.answered_in)
    solved = solver(delegated=wanted.issuer.challenge_domain is not None)
    account = identity(name, namespace=name, service_account=name, grants=[records])
    return DnsChallenge(identity=account, solver=solved, webhook=name)
