"""The platform on AWS: network, EKS cluster, node pools, identities, storage, buckets, databases, caches."""

from llmplatform.aws.caches import Cache, CacheArgs
from llmplatform.aws.cluster import Cluster, ClusterArgs
from llmplatform.aws.cluster_addons import ClusterAddons, ClusterAddonsArgs
from llmplatform.aws.databases import Postgres, PostgresArgs
from llmplatform.aws.existing import ExistingCluster, ExistingClusterArgs, ExistingNetwork, ExistingNetworkArgs
from llmplatform.aws.identity import WorkloadIdentity, WorkloadIdentityArgs
from llmplatform.aws.network import Network, NetworkArgs
from llmplatform.aws.node_pool import NodePool, NodePoolArgs
from llmplatform.aws.node_role import NodeRole, NodeRoleArgs
from llmplatform.aws.objects import ObjectStore, ObjectStoreArgs
from llmplatform.aws.policies import Statement
from llmplatform.aws.storage import Storage, StorageArgs
from llmplatform.base.faults import fail_at_the_end

__all__ = [
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
    "Network",
    "NetworkArgs",
    "NodePool",
    "NodePoolArgs",
    "NodeRole",
    "NodeRoleArgs",
    "ObjectStore",
    "ObjectStoreArgs",
    "Postgres",
    "PostgresArgs",
    "Statement",
    "Storage",
    "StorageArgs",
    "WorkloadIdentity",
    "WorkloadIdentityArgs",
    "fail_at_the_end",
]
