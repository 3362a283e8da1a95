"""The AWS platform that the AWS tests look at: real settings, real plans, every component wired to the next."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import pulumi

from llmplatform import aws
from llmplatform.aws.grants import answer_challenges, scale_node_groups
from llmplatform.base.contracts import Grant
from llmplatform.planning.pools import PoolPlan, plan_pools
from llmplatform.specs.caches import NewCache
from llmplatform.specs.cloud import Aws
from llmplatform.specs.cluster import NewEksCluster
from llmplatform.specs.databases import NewPostgres
from llmplatform.specs.environment import Environment
from llmplatform.specs.network import NewNetwork
from llmplatform.specs.objects import NewStore
from llmplatform.specs.pools import AwsPool
from llmplatform.specs.stack import AwsStack
from llmplatform.testing import RecordingEngine

TAGS = {"llmplatform:environment": "dev", "llmplatform:owner": "ml"}

ZONES = ("us-east-1a", "us-east-1b")

ZONE_ID = "Z0123456789ABCDEFGHIJ"

POOLS: Mapping[str, Mapping[str, Any]] = {
    "system": {"instance_types": ("m7i.xlarge",), "min": 2, "max": 4, "disk_gib": 50},
    "a10g": {"instance_types": ("g5.2xlarge",), "capacity": "spot_first", "max": 4},
    "bottled": {"instance_types": ("g6.2xlarge",), "capacity": "spot", "max": 2, "image": "bottlerocket"},
}


def stack(**changes: Any) -> AwsStack:
    """A development environment; `changes` replace whole sections."""
    sections: dict[str, Any] = {
        "environment": Environment(name="dev", owner="ml", cost_center="1234", protection="none"),
        "cloud": Aws(provider="aws", account_id="111122223333", region="us-east-1", zones=ZONES),
        "network": NewNetwork(kind="new", cidr="10.0.0.0/16", nat="single"),
        "cluster": NewEksCluster(
            kind="new",
            kubernetes_version="1.35",
            admins=("arn:aws:iam::111122223333:role/deploy", "arn:aws:iam::111122223333:user/ops/ada"),
        ),
        "pools": {name: AwsPool.model_validate(pool) for name, pool in POOLS.items()},
    }
    return AwsStack.model_validate({**sections, **changes})


def plan(name: str, **changes: Any) -> PoolPlan:
    """The plan of one of the pools, with some of its settings changed."""
    pools = {name: AwsPool.model_validate({**POOLS[name], **changes})}
    return plan_pools(stack(pools=pools))[0]


def network(settings: AwsStack, name: str = "core", **spec: Any) -> aws.Network:
    """The network of an environment; `spec` changes its settings."""
    assert isinstance(settings.network, NewNetwork)
    args = aws.NetworkArgs(
        spec=settings.network.model_copy(update=spec),
        environment=settings.environment,
        cloud=settings.cloud,
        tags=TAGS,
    )
    return aws.Network(name, args)


def cluster(settings: AwsStack, subnets: Mapping[str, pulumi.Input[str]], name: str = "main") -> aws.Cluster:
    """The cluster of an environment."""
    assert isinstance(settings.cluster, NewEksCluster)
    args = aws.ClusterArgs(
        spec=settings.cluster, environment=settings.environment, cloud=settings.cloud, subnet_ids=subnets, tags=TAGS
    )
    return aws.Cluster(name, args)


def node_pool(pool: PoolPlan, name: str | None = None, **wiring: Any) -> aws.NodePool:
    """A pool, in a cluster that is there unless `wiring` says otherwise."""
    given: dict[str, Any] = {
        "cluster_name": "dev-main",
        "node_role_arn": "arn:aws:iam::111122223333:role/nodes",
        "subnet_ids": {zone: f"subnet-{zone}" for zone in ZONES},
        "tags": TAGS,
        **wiring,
    }
    return aws.NodePool(name or pool.name, aws.NodePoolArgs(plan=pool, kubernetes_version="1.35", **given))


def identity(
    name: str, grant: Grant, cluster_name: pulumi.Input[str] = "dev-main", cloud: Aws | None = None
) -> aws.WorkloadIdentity:
    """The identity of a service account with one grant; its namespace has the same name."""
    args = aws.WorkloadIdentityArgs(
        cluster_name=cluster_name,
        cloud=cloud or stack().cloud,
        namespace=name,
        service_account=name,
        grants=(grant,),
        tags=TAGS,
    )
    return aws.WorkloadIdentity(name, args)


def platform(settings: AwsStack, **spec: Any) -> dict[str, Any]:
    """Everything on AWS, as a program wires it. `spec` changes settings of the network."""
    net = network(settings, **spec)
    main = cluster(settings, net.private_subnet_ids)
    role = aws.NodeRole("nodes", aws.NodeRoleArgs(cloud=settings.cloud, tags=TAGS, cni=False))
    pools = {
        planned.name: node_pool(
            planned,
            cluster_name=main.joinable_name,
            node_role_arn=role.role_arn,
            subnet_ids=net.private_subnet_ids,
            data_key=settings.cloud.data_key,
        )
        for planned in plan_pools(settings)
    }
    addons = aws.ClusterAddons(
        "addons",
        aws.ClusterAddonsArgs(
            cluster_name=pools["system"].cluster_name, spec=cluster_spec(settings), cloud=settings.cloud, tags=TAGS
        ),
    )
    scale = scale_node_groups("scale", settings.cloud, main.cluster_name)
    autoscaling = identity("cluster-autoscaler", scale, main.cluster_name, settings.cloud)
    records = answer_challenges("records", settings.cloud, ZONE_ID, None)
    challenge = identity("cert-manager", records, main.cluster_name, settings.cloud)
    storage = aws.Storage(
        "storage",
        aws.StorageArgs(
            environment=settings.environment,
            cloud=settings.cloud,
            network_id=net.network_id,
            subnet_ids=net.private_subnet_ids,
            security_group_id=main.security_group_id,
            tags=TAGS,
        ),
    )
    bucket = aws.ObjectStore(
        "artifacts",
        aws.ObjectStoreArgs(
            spec=NewStore(kind="new"), environment=settings.environment, cloud=settings.cloud, tags=TAGS
        ),
    )
    tables = aws.Postgres(
        "tables",
        aws.PostgresArgs(
            spec=NewPostgres(kind="new"),
            environment=settings.environment,
            cloud=settings.cloud,
            network_id=net.network_id,
            cidr=settings.network.cidr,
            subnet_ids=net.private_subnet_ids,
            security_group_id=main.security_group_id,
            tags=TAGS,
        ),
    )
    writer = identity("mlflow", bucket.read_write(), main.cluster_name, settings.cloud)
    cache = aws.Cache(
        "cache",
        aws.CacheArgs(
            spec=NewCache(kind="new", node_type="cache.t4g.small"),
            environment=settings.environment,
            cloud=settings.cloud,
            network_id=net.network_id,
            subnet_ids=net.private_subnet_ids,
            security_group_id=main.security_group_id,
            tags=TAGS,
        ),
    )
    return {
        "kubeconfig": main.kubeconfig,
        "groups": {name: pool.group_names for name, pool in pools.items()},
        "addons": addons.cluster_name,
        "autoscaler": autoscaling.service_account,
        "challenge": challenge.service_account,
        "writer": writer.service_account,
        "cache": cache.host,
        "tables": tables.host,
        "classes": [storage.block_class, storage.shared_class],
    }


@lru_cache(maxsize=1)
def whole() -> RecordingEngine:
    """What the whole platform of the development environment registers; looked at by many tests, changed by none."""
    return built()


def built(settings: AwsStack | None = None, *, preview: bool = False, **spec: Any) -> RecordingEngine:
    """What the whole platform registers. `spec` changes settings of the network."""
    return RecordingEngine(preview=preview).run(lambda: platform(settings or stack(), **spec))


def cluster_spec(settings: AwsStack) -> NewEksCluster:
    """The settings of an environment's own cluster."""
    assert isinstance(settings.cluster, NewEksCluster)
    return settings.cluster


def on(**cloud: Any) -> AwsStack:
    """The development environment, in an account with settings of its own."""
    return stack(cloud={**stack().cloud.model_dump(), **cloud})


def with_cluster(**spec: Any) -> AwsStack:
    """The development environment, with a cluster of other settings."""
    return stack(cluster={**cluster_spec(stack()).model_dump(), **spec})
