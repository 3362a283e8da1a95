"""The platform on Alibaba Cloud: network, ACK cluster, nodes, identities, storage, buckets, databases, caches, logs."""

from llmplatform.alicloud.autoscaler_config import AutoscalerConfig, AutoscalerConfigArgs
from llmplatform.alicloud.caches import Cache, CacheArgs
from llmplatform.alicloud.cluster import Cluster, ClusterArgs
from llmplatform.alicloud.cluster_addons import ClusterAddons, ClusterAddonsArgs
from llmplatform.alicloud.databases import Postgres, PostgresArgs
from llmplatform.alicloud.existing import ExistingCluster, ExistingClusterArgs, ExistingNetwork, ExistingNetworkArgs
from llmplatform.alicloud.identity import WorkloadIdentity, WorkloadIdentityArgs
from llmplatform.alicloud.log_collection import LogCollection, LogCollectionArgs
from llmplatform.alicloud.logs import Logs, LogsArgs
from llmplatform.alicloud.network import Network, NetworkArgs
from llmplatform.alicloud.node_pool import NodePool, NodePoolArgs
from llmplatform.alicloud.objects import ObjectStore, ObjectStoreArgs
from llmplatform.alicloud.policies import Statement
from llmplatform.alicloud.registry import RegistryLink, RegistryLinkArgs
from llmplatform.alicloud.storage import Storage, StorageArgs
from llmplatform.base.faults import fail_at_the_end

__all__ = [
    "AutoscalerConfig",
    "AutoscalerConfigArgs",
    "Cache",
    "CacheArgs",
    "Cluster",
    "ClusterAddons",
    "ClusterAddonsArgs",
    "ClusterArgs",
    "ExistingCluster",
    "ExistingClusterArgs",
    "ExistingNetwork",
    "ExistingNetworkArgs",
    "LogCollection",
    "LogCollectionArgs",
    "Logs",
    "LogsArgs",
    "Network",
    "NetworkArgs",
    "NodePool",
    "NodePoolArgs",
    "ObjectStore",
    "ObjectStoreArgs",
    "Postgres",
    "PostgresArgs",
    "RegistryLink",
    "RegistryLinkArgs",
    "Statement",
    "Storage",
    "StorageArgs",
    "WorkloadIdentity",
    "WorkloadIdentityArgs",
    "fail_at_the_end",
]
