"""Who has no access entry does not enter the cluster's Kubernetes. EKS user guide, access entries."""

from pathlib import Path

import pytest
from support.sandboxes.cloud_account import cloud, make, whole_account

from llmplatform_sandbox.cloud import SimulatedCloud

CLUSTER = "aws:eks/cluster:Cluster"
ASSOCIATION = "aws:eks/accessPolicyAssociation:AccessPolicyAssociation"


@pytest.fixture
def account(tmp_path: Path) -> SimulatedCloud:
    return cloud(tmp_path)


def test_no_caller_enters_a_cluster_without_an_administrator(account: SimulatedCloud) -> None:
    assert account.locked_out() == "", "there is nothing to enter"
    whole_account(account, CLUSTER)
    assert "write its role into cluster.admins" in account.locked_out()


def test_who_is_among_the_administrators_enters(account: SimulatedCloud) -> None:
    whole_account(account, ASSOCIATION)
    assert account.locked_out() == ""
    account.fault("no-access-entry", "all", active=True)
    assert account.locked_out().startswith("Unauthorized")


def test_the_creator_enters_where_the_cluster_lets_it(account: SimulatedCloud) -> None:
    made = whole_account(account, "aws:cloudwatch/logGroup:LogGroup")
    role = make(account, "aws:iam/role:Role", name="c", assumeRolePolicy="{}")
    subnets = [made["aws:ec2/subnet:Subnet"].id, made["aws:ec2/subnet:Subnet#b"].id]
    make(account, CLUSTER, name="c", roleArn=role.outputs["arn"], vpcConfig={"subnetIds": subnets})
    assert account.locked_out() == ""
