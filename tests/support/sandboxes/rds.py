"""A realistic Postgres of RDS with what it needs, in the account of the tests."""

from collections.abc import Callable, Mapping
from typing import Any

from llmplatform_sandbox.cloud.store import Record

REALISTIC: Mapping[str, Callable[[Mapping[str, Record]], dict[str, Any]]] = {
    "aws:rds/subnetGroup:SubnetGroup": lambda m: {
        "name": "dev-mlflow-subnets-1a2b3c4d",
        "subnetIds": [m["aws:ec2/subnet:Subnet"].id, m["aws:ec2/subnet:Subnet#b"].id],
    },
    "aws:rds/parameterGroup:ParameterGroup": lambda m: {
        "name": "dev-mlflow-parameters-1a2b3c4d",
        "family": "postgres17",
        "parameters": [{"name": "rds.force_ssl", "value": "1", "applyMethod": "pending-reboot"}],
    },
    "aws:rds/instance:Instance": lambda m: {
        "identifier": "dev-mlflow-1a2b3c4d",
        "engine": "postgres",
        "engineVersion": "17",
        "instanceClass": "db.t4g.medium",
        "allocatedStorage": 20,
        "maxAllocatedStorage": 100,
        "storageEncrypted": True,
        "dbSubnetGroupName": "dev-mlflow-subnets-1a2b3c4d",
        "parameterGroupName": "dev-mlflow-parameters-1a2b3c4d",
        "vpcSecurityGroupIds": [m["aws:ec2/securityGroup:SecurityGroup"].id],
        "port": 5432,
        "username": "platform",
        "password": "a-Generated-passw0rd",
        "backupWindow": "02:00-03:00",
        "maintenanceWindow": "sun:04:00-sun:05:00",
        "finalSnapshotIdentifier": "dev-mlflow-last",
    },
}
