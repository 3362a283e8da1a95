"""One realistic resource of every type of ElastiCache that the sandbox takes."""

from collections.abc import Callable, Mapping
from typing import Any

from llmplatform_sandbox.cloud.store import Record

Made = Mapping[str, Record]

CACHES: Mapping[str, Callable[[Made], dict[str, Any]]] = {
    "aws:elasticache/user:User": lambda m: {
        "userId": "dev-cache-1a2b3c",
        "userName": "app",
        "engine": "valkey",
        "accessString": "on ~* +@all",
        "passwords": ["0123456789abcdef", "fedcba9876543210"],
    },
    "aws:elasticache/userGroup:UserGroup": lambda m: {
        "userGroupId": "dev-cache-1a2b3c",
        "engine": "valkey",
        "userIds": ["dev-cache-1a2b3c"],
    },
    "aws:elasticache/subnetGroup:SubnetGroup": lambda m: {
        "name": "dev-cache-subnets-1a2b",
        "subnetIds": [m["aws:ec2/subnet:Subnet"].id, m["aws:ec2/subnet:Subnet#b"].id],
    },
    "aws:elasticache/parameterGroup:ParameterGroup": lambda m: {
        "name": "dev-cache-parameters-1a2b",
        "family": "valkey9",
        "parameters": [{"name": "maxmemory-policy", "value": "volatile-lru"}],
    },
    "aws:elasticache/replicationGroup:ReplicationGroup": lambda m: {
        "replicationGroupId": "dev-cache-group-1a2b",
        "description": "Cache",
        "engine": "valkey",
        "engineVersion": "9.1",
        "nodeType": "cache.t4g.small",
        "numCacheClusters": 2,
        "automaticFailoverEnabled": True,
        "multiAzEnabled": True,
        "transitEncryptionEnabled": True,
        "transitEncryptionMode": "required",
        "atRestEncryptionEnabled": True,
        "subnetGroupName": "dev-cache-subnets-1a2b",
        "parameterGroupName": "dev-cache-parameters-1a2b",
        "securityGroupIds": [m["aws:ec2/securityGroup:SecurityGroup"].id],
        "userGroupIds": ["dev-cache-1a2b3c"],
        "snapshotRetentionLimit": 7,
        "snapshotWindow": "02:00-03:00",
        "maintenanceWindow": "sun:04:00-sun:05:00",
    },
}
"""In an order that works, after networks."""
