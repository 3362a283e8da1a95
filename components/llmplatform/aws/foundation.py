"""The platform's foundation on AWS: an EKS cluster with its nodes, then what workloads in it need from the cloud.

The two functions wire the components of this package as a stack file asks, in any program that makes the providers.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import pulumi

from llmplatform.aws.caches import caches
from llmplatform.aws.cluster import Cluster, ClusterArgs
from llmplatform.aws.cluster_addons import ClusterAddons, ClusterAddonsArgs
from llmplatform.aws.databases import databases
from llmplatform.aws.existing import ExistingCluster, ExistingClusterArgs, ExistingNetwork, ExistingNetworkArgs
from llmplatform.aws.grants import answer_challenges, read_objects, scale_node_groups, solver
from llmplatform.aws.identity import identities
from llmplatform.aws.network import Network, NetworkArgs
from llmplatform.aws.node_pool import NodePool, NodePoolArgs
from llmplatform.aws.node_role import NodeRole, NodeRoleArgs
from llmplatform.aws.objects import object_stores
from llmplatform.aws.storage import Storage, StorageArgs
from llmplatform.base.contracts import DnsChallenge, Identities
from llmplatform.base.faults import fail_at_the_end
from llmplatform.base.foundation import AutoscalerAccess, CloudServices, nodes
from llmplatform.base.labels import tags
from llmplatform.base.ordering import after
from llmplatform.base.outputs import later, unchecked
from llmplatform.planning.order import awaited, homes, own, upgrade_waves
from llmplatform.planning.outside import plan_outside
from llmplatform.planning.pools import PoolPlan, existing_pools
from llmplatform.specs.cluster import ExistingEksCluster, NewEksCluster
from llmplatform.specs.network import ExistingSubnets, NewNetwork
from llmplatform.specs.platform import ExistingPlatform, NewPlatform
from llmplatform.specs.platform_ref import AwsLocation, PodIdentity
from llmplatform.specs.stack import AwsStack


@dataclass(frozen=True, kw_only=True)
class EksFoundation:
    """An EKS cluster with its nodes."""

    stack: AwsStack
    network: Network | ExistingNetwork
    cluster: Cluster | ExistingCluster
    pools: Mapping[str, NodePool]
    """Pool to its node groups, without pools of another stack."""
    kubeconfig: pulumi.Output[str]
    """JSON, with an exec plugin and no token. Depends on the nodes and managed add-ons that objects need."""
    opts: pulumi.ResourceOptions
    """With the providers of AWS and of generated values."""

    @property
    def cluster_name(self) -> pulumi.Output[str]:
        """Name of the cluster."""
        return self.cluster.cluster_name


def cluster(stack: AwsStack, plans: tuple[PoolPlan, ...], opts: pulumi.ResourceOptions) -> EksFoundation:
    """Network, cluster, node pools and managed add-ons. `opts` has the providers of AWS and of generated values."""
    network = _network(stack, opts)
    made = _cluster(stack, network, opts)
    pools = _pools(stack, plans, network, made, opts)
    needed: list[pulumi.Resource] = nodes(pools, awaited(plans))
    if isinstance(stack.cluster, NewEksCluster):
        name = after(made.joinable_name, *nodes(pools, homes(plans)))
        args = ClusterAddonsArgs(cluster_name=name, spec=stack.cluster, cloud=stack.cloud, tags=tags(stack))
        needed.append(ClusterAddons("addons", args, opts))
    return EksFoundation(
        stack=stack,
        network=network,
        cluster=made,
        pools=pools,
        kubeconfig=after(made.kubeconfig, *needed),
        opts=opts,
    )


def services(made: EksFoundation, kubernetes: pulumi.ProviderResource) -> CloudServices:
    """Storage classes, and the cloud rights of what a stack installs. `kubernetes` is made from `made.kubeconfig`."""
    stack = made.stack
    identity = identities(made.cluster_name, stack.cloud, tags(stack), made.opts)
    given = partial(
        CloudServices,
        region=stack.cloud.region,
        kubernetes_version=stack.cluster.kubernetes_version,
        cluster_name=made.cluster_name,
        pools=made.pools,
        identity=identity,
        object_store=object_stores(stack.environment, stack.cloud, tags(stack), made.opts),
        cache=caches(
            stack.environment, stack.cloud, made.network, made.cluster.security_group_id, tags(stack), made.opts
        ),
        database=databases(
            stack.environment,
            stack.cloud,
            made.network.network_id,
            stack.network.cidr,
            made.network.private_subnet_ids,
            made.cluster.security_group_id,
            tags(stack),
            made.opts,
        ),
        read_objects=partial(read_objects, stack.cloud),
    )
    if isinstance(stack.platform, ExistingPlatform):
        return given(shared_class=pulumi.Output.from_input(stack.platform.shared_storage_class))
    storage = _storage(made, stack.platform, kubernetes)
    return given(
        shared_class=storage.shared_class,
        block_class=storage.block_class,
        autoscaler=_autoscaler(made, identity),
        challenge=_challenge(made, identity),
        location=_location(made),
    )


def _network(stack: AwsStack, opts: pulumi.ResourceOptions) -> Network | ExistingNetwork:
    if not isinstance(stack.network, NewNetwork):
        return ExistingNetwork("core", ExistingNetworkArgs(spec=stack.network))
    args = NetworkArgs(spec=stack.network, environment=stack.environment, cloud=stack.cloud, tags=tags(stack))
    return Network("core", args, opts)


def _cluster(
    stack: AwsStack, network: Network | ExistingNetwork, opts: pulumi.ResourceOptions
) -> Cluster | ExistingCluster:
    if not isinstance(stack.cluster, NewEksCluster):
        return ExistingCluster("llm", ExistingClusterArgs(spec=stack.cluster, cloud=stack.cloud))
    args = ClusterArgs(
        spec=stack.cluster,
        environment=stack.environment,
        cloud=stack.cloud,
        subnet_ids=network.private_subnet_ids,
        tags=tags(stack),
    )
    return Cluster("llm", args, opts)


def _pools(
    stack: AwsStack,
    plans: tuple[PoolPlan, ...],
    network: Network | ExistingNetwork,
    made: Cluster | ExistingCluster,
    opts: pulumi.ResourceOptions,
) -> Mapping[str, NodePool]:
    if not own(plans):
        return {}
    # Whether the network add-on of an existing cluster has a role of its own is not known.
    cni = not isinstance(stack.cluster, NewEksCluster)
    role = NodeRole("nodes", NodeRoleArgs(cloud=stack.cloud, tags=tags(stack), cni=cni), opts)

    def pool(plan: PoolPlan, cluster_name: pulumi.Output[str]) -> NodePool:
        args = NodePoolArgs(
            plan=plan,
            cluster_name=cluster_name,
            kubernetes_version=stack.cluster.kubernetes_version,
            node_role_arn=role.role_arn,
            subnet_ids=network.private_subnet_ids,
            outside=plan_outside(stack),
            data_key=stack.cloud.data_key,
            tags=tags(stack),
        )
        return NodePool(plan.name, args, opts)

    first, second = upgrade_waves(plans)
    pools = {plan.name: pool(plan, made.joinable_name) for plan in first}
    upgraded = after(made.joinable_name, *nodes(pools, first))
    pools |= {plan.name: pool(plan, upgraded) for plan in second}
    fail_at_the_end(*(pools[plan.name].faults for plan in own(plans)))
    return pools


def _storage(made: EksFoundation, classes: NewPlatform, kubernetes: pulumi.ProviderResource) -> Storage:
    stack = made.stack
    args = StorageArgs(
        environment=stack.environment,
        cloud=stack.cloud,
        network_id=made.network.network_id,
        subnet_ids=made.network.private_subnet_ids,
        security_group_id=made.cluster.security_group_id,
        tags=tags(stack),
        classes=classes,
        default_class=isinstance(stack.cluster, NewEksCluster),
        snapshots=isinstance(stack.cluster, NewEksCluster) and stack.cluster.snapshots,
    )
    both = pulumi.ResourceOptions.merge(made.opts, pulumi.ResourceOptions(providers=[kubernetes]))
    return Storage("storage", args, both)


def _autoscaler(made: EksFoundation, identity: Identities) -> AutoscalerAccess | None:
    stack, name = made.stack, "cluster-autoscaler"
    if not stack.addons.cluster_autoscaler.enabled:
        return None
    scale = scale_node_groups("scale", stack.cloud, made.cluster_name)
    return AutoscalerAccess(
        identity=identity(name, namespace="kube-system", service_account=name, grants=[scale]),
        group_names={name: group for pool in made.pools.values() for name, group in pool.group_names.items()},
        other_groups=not isinstance(stack.cluster, NewEksCluster),
    )


def _challenge(made: EksFoundation, identity: Identities) -> DnsChallenge | None:
    wanted, name = made.stack.addons.cert_manager, "cert-manager"
    if not wanted.enabled or wanted.issuer.kind != "acme":
        return None
    cloud, zone, role = made.stack.cloud, wanted.issuer.hosted_zone, wanted.issuer.zone_role
    records = answer_challenges("records", cloud, zone, role)
    return DnsChallenge(
        identity=identity(name, namespace=name, service_account=name, grants=[records]),
        solver=solver(cloud, zone, role),
    )


def _location(made: EksFoundation) -> AwsLocation:
    stack, network, found = made.stack, made.network, made.cluster
    given = stack.network
    return unchecked(AwsLocation)(
        cloud=stack.cloud,
        network=unchecked(ExistingSubnets)(
            kind="existing",
            vpc_id=later(network.network_id),
            cidr=given.cidr,
            private_subnets={zone: later(subnet) for zone, subnet in network.private_subnet_ids.items()},
            private_subnet_cidrs=given.private_subnet_cidrs if isinstance(given, ExistingSubnets) else {},
            public_subnets={zone: later(subnet) for zone, subnet in network.public_subnet_ids.items()},
        ),
        cluster=unchecked(ExistingEksCluster)(
            kind="existing",
            kubernetes_version=stack.cluster.kubernetes_version,
            endpoint_url=later(found.endpoint_url),
            certificate_authority=later(found.certificate_authority),
            name=later(found.cluster_name),
            security_group_id=later(found.security_group_id),
        ),
        pools=existing_pools(stack.pools),
        mirrors=stack.mirrors,
        outside=stack.outside,
        workload_identity=PodIdentity(kind="pod_identity"),
    )
