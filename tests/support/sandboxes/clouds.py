"""Both simulated clouds behind the same names, for tests whose meaning is the same on either."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from llmplatform_sandbox.cloud import SimulatedCloud, open_cloud
from llmplatform_sandbox.cloud.requests import Scope
from llmplatform_sandbox.cloud.store import Record
from support.sandboxes import alicloud_account, cloud_account
from support.sandboxes.cloud_account import FakeControlPlane, Made, type_of


@dataclass(frozen=True, kw_only=True)
class Case:
    """One cloud, and what its things are called."""

    package: str
    scope: Scope
    realistic: Mapping[str, Callable[[Made], dict[str, Any]]]
    network: str
    subnet: str
    cluster: str
    pool: str
    role: str
    subnet_property: str
    """Of a network interface: where it is."""
    pool_name: str
    """Property that names a pool."""
    types: tuple[str, str]
    """Instance types of the realistic pool."""
    zones: tuple[str, str]
    """Zones of the realistic pool."""
    spot: tuple[str, Any, Any]
    """Property that says whether a pool is spot, and its two values."""
    role_inputs: Mapping[str, Any]
    no_network: Mapping[str, Any]
    """Inputs of a subnet whose network does not exist."""
    protected: str
    """Property that forbids a cluster's deletion."""
    quota: tuple[str, int, Callable[[int], dict[str, Any]], str]
    """A type, how many of it an account may have, their inputs, and the cloud's answer to one more."""
    answers: Mapping[str, str]
    """Regular expressions of the cloud's own error codes."""

    def open(self, folder: Path, control_plane: FakeControlPlane | None = None) -> SimulatedCloud:
        """An account in a folder."""
        return open_cloud(self.package, folder, control_plane or FakeControlPlane(), patience=0.1)

    def make(self, account: SimulatedCloud, type_: str, name: str = "x", /, **inputs: Any) -> Record:
        """One object."""
        return account.account.create(type_, f"urn:pulumi:dev::p::{type_}::{name}", inputs, self.scope)

    def whole(self, account: SimulatedCloud, upto: str | None = None) -> dict[str, Record]:
        """One of everything, up to and with the key."""
        made: dict[str, Record] = {}
        for key, inputs in self.realistic.items():
            made[key] = self.make(account, type_of(key), key, **inputs(made))
            if key == upto:
                break
        return made

    def change(self, account: SimulatedCloud, record: Record, **changes: Any) -> Record:
        """Update an object in place."""
        return account.account.update(record.type, record.id, {**record.inputs, **changes}, self.scope)


AWS = Case(
    package="aws",
    scope=cloud_account.SCOPE,
    realistic=cloud_account.REALISTIC,
    network="aws:ec2/vpc:Vpc",
    subnet="aws:ec2/subnet:Subnet",
    cluster="aws:eks/cluster:Cluster",
    pool="aws:eks/nodeGroup:NodeGroup",
    role="aws:iam/role:Role",
    subnet_property="subnetId",
    pool_name="nodeGroupName",
    types=("g5.2xlarge", "g6.2xlarge"),
    zones=("eu-west-1a", "eu-west-1b"),
    spot=("capacityType", "SPOT", "ON_DEMAND"),
    role_inputs={"name": "r", "assumeRolePolicy": "{}"},
    no_network={"vpcId": "vpc-0", "cidrBlock": "10.0.0.0/20"},
    protected="deletionProtection",
    quota=(
        "aws:ec2/vpc:Vpc",
        5,
        lambda number: {"cidrBlock": f"10.{number}.0.0/16"},
        r"VpcLimitExceeded.*quota 5.*L-F678F1CE",
    ),
    answers={
        "taken": "EntityAlreadyExists: Role with name r",
        "missing": r"InvalidVpcID\.NotFound.*vpc-0",
        "in use": "DependencyViolation",
        "pools left": "ResourceInUseException.*has nodegroups attached",
        "no stock": "InsufficientInstanceCapacity",
    },
)
ALICLOUD = Case(
    package="alicloud",
    scope=alicloud_account.SCOPE,
    realistic=alicloud_account.REALISTIC,
    network=alicloud_account.VPC,
    subnet=alicloud_account.SWITCH,
    cluster=alicloud_account.CLUSTER,
    pool=alicloud_account.NODE_POOL,
    role=alicloud_account.ROLE,
    subnet_property="vswitchId",
    pool_name="nodePoolName",
    types=("ecs.gn7i-c16g1.4xlarge", "ecs.gn6i-c16g1.4xlarge"),
    zones=("cn-hangzhou-i", "cn-hangzhou-j"),
    spot=("spotStrategy", "SpotAsPriceGo", "NoSpot"),
    role_inputs={"roleName": "r", "assumeRolePolicyDocument": '{"Version":"1"}'},
    no_network={"vpcId": "vpc-0", "cidrBlock": "10.0.0.0/20", "zoneId": "cn-hangzhou-i"},
    protected="deletionProtection",
    quota=(
        alicloud_account.VPC,
        10,
        lambda number: {"cidrBlock": f"10.{number}.0.0/16"},
        r"QuotaExceeded\.Vpc.*quota 10.*vpc_quota_vpc_num",
    ),
    answers={
        "taken": r"EntityAlreadyExists\.Role: the role r",
        "missing": r"InvalidVpcID\.NotFound.*vpc-0",
        "in use": "DependencyViolation",
        "pools left": r"DependencyViolation\.Resource.*has node pools",
        "no stock": r"OperationDenied\.NoStock",
    },
)
CLOUDS = (AWS, ALICLOUD)
on_each_cloud = pytest.mark.parametrize("case", CLOUDS, ids=[case.package for case in CLOUDS])
