"""Names and privileges of Milvus 2.6.

Names: milvus, internal/proxy/util.go (`ValidateUsername`, `ValidateRoleName`, `ValidateDatabaseName`,
`validateCollectionName`). Privileges, and the level that each is granted on: pkg/util/constant.go (`GetPrivilegeLevel`
and the lists before it), and the built-in groups of pkg/util/paramtable/rbac_param.go.
"""

from collections.abc import Mapping
from typing import Annotated, Literal, get_args

from pydantic import Field

from llmplatform.specs.vocabulary.matching import Matching

AccessName = Annotated[
    str,
    Field(min_length=1),
    Matching(
        r"[a-z]([a-z0-9_]*[a-z0-9])?",
        "use lower-case letters, digits and '_', beginning with a letter, without a '_' at the end",
        longest=20,
    ),
]
"""Name of a role or a user in the settings. With the parts that are added it fits the 32 characters of a user."""
EVERY = "*"
"""Every database, or every collection."""
MilvusDatabase = Annotated[
    str, Matching(r"[A-Za-z_][A-Za-z0-9_]*", "use letters, digits and '_', beginning with a letter", longest=255)
]
GrantedDatabase = Annotated[
    str, Matching(r"\*|[A-Za-z_][A-Za-z0-9_]*", "write the name of a database, or '*' for every one", longest=255)
]
GrantedCollection = Annotated[
    str, Matching(r"\*|[A-Za-z_][A-Za-z0-9_]*", "write the name of a collection, or '*' for every one", longest=255)
]

CollectionPrivilege = Literal[
    "CollectionReadOnly",
    "CollectionReadWrite",
    "CollectionAdmin",
    "Query",
    "Search",
    "IndexDetail",
    "GetFlushState",
    "GetLoadState",
    "GetLoadingProgress",
    "HasPartition",
    "ShowPartitions",
    "DescribeCollection",
    "DescribeAlias",
    "GetStatistics",
    "ListAliases",
    "Load",
    "Release",
    "Insert",
    "Delete",
    "Upsert",
    "Import",
    "Flush",
    "Compaction",
    "LoadBalance",
    "CreateIndex",
    "DropIndex",
    "CreatePartition",
    "DropPartition",
    "CreateAlias",
    "DropAlias",
]
DatabasePrivilege = Literal[
    "DatabaseReadOnly",
    "DatabaseReadWrite",
    "DatabaseAdmin",
    "ShowCollections",
    "DescribeDatabase",
    "AlterDatabase",
    "CreateCollection",
    "DropCollection",
]
ClusterPrivilege = Literal[
    "ClusterReadOnly",
    "ClusterReadWrite",
    "ClusterAdmin",
    "ListDatabases",
    "SelectOwnership",
    "SelectUser",
    "DescribeResourceGroup",
    "ListResourceGroups",
    "ListPrivilegeGroups",
    "FlushAll",
    "TransferNode",
    "TransferReplica",
    "UpdateResourceGroups",
    "BackupRBAC",
    "RestoreRBAC",
    "CreateDatabase",
    "DropDatabase",
    "CreateOwnership",
    "DropOwnership",
    "ManageOwnership",
    "CreateResourceGroup",
    "DropResourceGroup",
    "UpdateUser",
    "RenameCollection",
    "CreatePrivilegeGroup",
    "DropPrivilegeGroup",
    "OperatePrivilegeGroup",
]
Privilege = Literal[CollectionPrivilege, DatabasePrivilege, ClusterPrivilege]
"""A privilege, or one of the nine built-in groups of them."""

Level = Literal["collection", "database", "cluster"]
LEVELS: Mapping[str, Level] = {
    **dict.fromkeys(get_args(CollectionPrivilege), "collection"),
    **dict.fromkeys(get_args(DatabasePrivilege), "database"),
    **dict.fromkeys(get_args(ClusterPrivilege), "cluster"),
}
"""Privilege to what it is granted on: a collection, all collections of a database, or everything."""
