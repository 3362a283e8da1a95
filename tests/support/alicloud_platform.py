"""The Alibaba platform that the Alibaba tests look at: real settings, real plans, every component wired to the next."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import pulumi

from llmplatform import alicloud
from llmplatform.alicloud.grants import answer_challenges
from llmplatform.base.ordering import after
from llmplatform.planning.pools import PoolPlan, plan_pools
from llmplatform.specs.addons import AckAutoscaler
from llmplatform.specs.caches import NewCache
from llmplatform.specs.cloud import Alicloud
from llmplatform.specs.cluster import KmsInstanceKey, NewAckCluster
from llmplatform.specs.databases import NewPostgres
from llmplatform.specs.environment import Environment
from llmplatform.specs.mirrors import Mirrors
from llmplatform.specs.network import NewNetwork
from llmplatform.specs.objects import NewStore
from llmplatform.specs.pools import AlicloudPool
from llmplatform.specs.stack import AlicloudStack
from llmplatform.testing import RecordingEngine

TAGS = {"llmplatform:environment": "dev", "llmplatform:owner": "ml"}

ADDON = "alicloud:cs/kubernetesAddon:KubernetesAddon"
ZONES = ("cn-hangzhou-j", "cn-hangzhou-k")

NODE_CIDRS = {"cn-hangzhou-j": "10.0.192.0/22", "cn-hangzhou-k": "10.0.196.0/22"}

PROVIDER = "acs:ram::1111222233334444:oidc-provider/ack-rrsa-c1"
ISSUER = "https://oidc-ack-cn-hangzhou.oss-cn-hangzhou.aliyuncs.com/c1"

POOLS: Mapping[str, Mapping[str, Any]] = {
    "system": {"instance_types": ("ecs.g7.xlarge",), "scaling": "fixed", "min": 2, "max": 2, "disk_gib": 120},
    "a10": {"instance_types": ("ecs.gn7i-c16g1.4xlarge",), "capacity": "spot_first", "max": 4, "zones": ZONES},
    "l20": {
        "instance_types": ("ecs.gn8is.4xlarge",), "capacity": "spot", "max": 2, "spot_price_limit": 9.5, "zones": ZONES,
    },
}  # fmt: skip


def stack(**changes: Any) -> AlicloudStack:
    """A development environment; `changes` replace whole sections."""
    cloud = Alicloud(
        provider="alicloud", account_id="1111222233334444", account_type="Domestic", region="cn-hangzhou", zones=ZONES
    )
    sections: dict[str, Any] = {
        "environment": Environment(name="dev", owner="ml", cost_center="1234", protection="none"),
        "cloud": cloud,
        "network": NewNetwork(kind="new", cidr="10.0.0.0/16", nat="single"),
        "cluster": NewAckCluster(
            kind="new",
            kubernetes_version="1.35",
            admins=("role/301234567890123456", "user/201234567890123456"),
            secrets_key=KmsInstanceKey(kind="kms_instance", instance="kst-hzz0123456789"),
        ),
        "pools": {name: AlicloudPool.model_validate(pool) for name, pool in POOLS.items()},
    }
    return AlicloudStack.model_validate({**sections, **changes})


def plan(name: str, **changes: Any) -> PoolPlan:
    """The plan of one of the pools, with some of its settings changed."""
    pools = {name: AlicloudPool.model_validate({**POOLS[name], **changes})}
    return plan_pools(stack(pools=pools))[0]


def network(settings: AlicloudStack, name: str = "core") -> alicloud.Network:
    """The network of an environment."""
    assert isinstance(settings.network, NewNetwork)
    args = alicloud.NetworkArgs(
        spec=settings.network, environment=settings.environment, cloud=settings.cloud, tags=TAGS
    )
    return alicloud.Network(name, args)


def cluster(
    settings: AlicloudStack,
    subnets: Mapping[str, pulumi.Input[str]],
    pods: Mapping[str, pulumi.Input[str]],
    name: str = "main",
    log_project: pulumi.Input[str] = "dev-logs-1a2b3c",
) -> alicloud.Cluster:
    """The cluster of an environment."""
    assert isinstance(settings.cluster, NewAckCluster)
    args = alicloud.ClusterArgs(
        spec=settings.cluster,
        environment=settings.environment,
        cloud=settings.cloud,
        subnet_ids=subnets,
        pod_subnet_ids=pods,
        log_project=log_project,
        tags=TAGS,
    )
    return alicloud.Cluster(name, args)


def node_pool(pool: PoolPlan, name: str | None = None, **wiring: Any) -> alicloud.NodePool:
    """A pool, in a cluster that is there unless `wiring` says otherwise."""
    given: dict[str, Any] = {
        "cluster_id": "c1",
        "subnet_ids": {zone: f"vsw-{zone}" for zone in ZONES},
        "mirrors": Mirrors(),
        **wiring,
    }
    return alicloud.NodePool(name or pool.name, alicloud.NodePoolArgs(plan=pool, tags=TAGS, **given))


def platform(settings: AlicloudStack) -> dict[str, Any]:
    """Everything on Alibaba Cloud, as a program wires it."""
    logs = alicloud.Logs("logs", alicloud.LogsArgs(environment=settings.environment, retention_days=7, tags=TAGS))
    net = network(settings)
    main = cluster(settings, net.private_subnet_ids, net.pod_subnet_ids, log_project=logs.project_name)
    registry = alicloud.RegistryLink(
        "registry",
        alicloud.RegistryLinkArgs(
            instance_id="cri-abcdefgh12345678",
            network_id=net.network_id,
            subnet_id=net.private_subnet_ids[ZONES[0]],
        ),
    )
    plans = plan_pools(settings)
    joinable = after(main.joinable_id, registry)
    pools = {
        planned.name: node_pool(planned, cluster_id=joinable, subnet_ids=net.private_subnet_ids) for planned in plans
    }
    addons = alicloud.ClusterAddons(
        "addons",
        alicloud.ClusterAddonsArgs(
            cluster_id=pools["system"].cluster_id,
            log_project=logs.project_name,
            registry=registry.instance_id,
            pulling=("models", "monitoring"),
            region=settings.cloud.region,
        ),
    )
    alicloud.AutoscalerConfig(
        "autoscaler",
        alicloud.AutoscalerConfigArgs(
            spec=AckAutoscaler(),
            cluster_id=pools["system"].cluster_id,
            pools=plans,
            group_names={name: group for pool in pools.values() for name, group in pool.group_names.items()},
        ),
    )
    storage = alicloud.Storage(
        "storage",
        alicloud.StorageArgs(
            environment=settings.environment,
            cloud=settings.cloud,
            network_id=net.network_id,
            node_cidrs=NODE_CIDRS,
            subnet_ids=net.private_subnet_ids,
            identity_provider_arn=main.identity_provider_arn,
            identity_issuer=main.identity_issuer,
            tags=TAGS,
        ),
    )
    alicloud.WorkloadIdentity(
        "solver",
        alicloud.WorkloadIdentityArgs(
            environment=settings.environment,
            identity_provider_arn=main.identity_provider_arn,
            identity_issuer=main.identity_issuer,
            namespace="solver",
            service_account="solver",
            grants=(answer_challenges("records", settings.cloud, "example.cn"),),
            tags=TAGS,
        ),
    )
    bucket = alicloud.ObjectStore(
        "artifacts",
        alicloud.ObjectStoreArgs(
            spec=NewStore(kind="new"), environment=settings.environment, cloud=settings.cloud, tags=TAGS
        ),
    )
    alicloud.WorkloadIdentity(
        "mlflow",
        alicloud.WorkloadIdentityArgs(
            environment=settings.environment,
            identity_provider_arn=main.identity_provider_arn,
            identity_issuer=main.identity_issuer,
            namespace="mlflow",
            service_account="mlflow",
            grants=(bucket.read_write(),),
            tags=TAGS,
        ),
    )
    tables = alicloud.Postgres(
        "tables",
        alicloud.PostgresArgs(
            spec=NewPostgres(kind="new", kms_key="key-hzz65f1c2d3e4f5a6b7c8"),
            environment=settings.environment,
            cloud=settings.cloud,
            network_id=net.network_id,
            cidr=settings.network.cidr,
            subnet_ids=net.private_subnet_ids,
            client_cidrs=("10.0.0.0/22", "10.0.64.0/19"),
            tags=TAGS,
        ),
    )
    pulumi.export("tables", tables.host)
    alicloud.Cache(
        "cache",
        alicloud.CacheArgs(
            spec=NewCache(kind="new", node_type="tair.rdb.1g"),
            environment=settings.environment,
            cloud=settings.cloud,
            network_id=net.network_id,
            subnet_ids=net.private_subnet_ids,
            client_cidrs=("10.0.0.0/22", "10.0.64.0/19"),
            tags=TAGS,
        ),
    )
    collection = alicloud.LogCollection(
        "models",
        alicloud.LogCollectionArgs(
            kind="pipeline",
            namespace="models",
            project_name=logs.project_name,
            store=logs.models_store,
            region=settings.cloud.region,
        ),
    )
    return {
        "kubeconfig": main.kubeconfig,
        "groups": {name: pool.group_names for name, pool in pools.items()},
        "addons": addons.cluster_id,
        "classes": [storage.block_class, storage.shared_class, storage.object_class],
        "collection": collection.config_name,
    }


@lru_cache(maxsize=1)
def whole() -> RecordingEngine:
    """What the whole platform of the development environment registers; looked at by many tests, changed by none."""
    return built()


def built(settings: AlicloudStack | None = None, *, preview: bool = False) -> RecordingEngine:
    """What the whole platform registers."""
    return RecordingEngine(preview=preview).run(lambda: platform(settings or stack()))
