"""What AWS does by itself beside and after what was asked for, where a fault switches it on."""

import time
from pathlib import Path

import pytest
from support.sandboxes.cloud_account import SCOPE, cloud, make, whole_account

from llmplatform_sandbox.cloud import SimulatedCloud
from llmplatform_sandbox.cloud.aws import late_actors
from llmplatform_sandbox.cloud.aws.late_actors import ENDPOINT, GUARDDUTY, LOG_GROUP
from llmplatform_sandbox.cloud.requests import CloudError

CLUSTER, SUBNET, VPC = "aws:eks/cluster:Cluster", "aws:ec2/subnet:Subnet", "aws:ec2/vpc:Vpc"
NAME = "/aws/eks/dev/cluster"


@pytest.fixture
def account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimulatedCloud:
    monkeypatch.setattr(late_actors, "LAG", 0.2)
    account = cloud(tmp_path)
    whole_account(account, CLUSTER)
    return account


def log_groups(account: SimulatedCloud) -> list[str]:
    return [one.made_by for one in account.objects() if one.type == LOG_GROUP and one.id == NAME]


def take_down(account: SimulatedCloud) -> None:
    account.account.delete(CLUSTER, "dev")
    account.account.delete(LOG_GROUP, NAME)
    time.sleep(0.3)


def test_a_deleted_cluster_makes_its_log_group_again_and_the_next_one_cannot(account: SimulatedCloud) -> None:
    account.fault("late-log-group", "all", active=True)
    take_down(account)
    assert log_groups(account) == ["aws eks dev"], "without an owner, and without retention"
    with pytest.raises(CloudError, match="ResourceAlreadyExistsException"):
        make(account, LOG_GROUP, name=NAME)


def test_without_the_fault_it_stays_away(account: SimulatedCloud) -> None:
    take_down(account)
    assert log_groups(account) == []


def test_a_cluster_that_writes_no_logs_leaves_none(account: SimulatedCloud) -> None:
    account.fault("late-log-group", "all", active=True)
    [cluster] = account.account.store.all(CLUSTER)
    account.account.update(CLUSTER, "dev", {**cluster.inputs, "enabledClusterLogTypes": []}, SCOPE)
    take_down(account)
    assert log_groups(account) == []


def test_guardduty_keeps_a_network_from_going_and_says_what_to_do(account: SimulatedCloud) -> None:
    account.fault("foreign-endpoint", "all", active=True)
    guards = [one for one in account.objects() if one.made_by == GUARDDUTY]
    assert [one.type.rsplit(":", 1)[1] for one in guards] == ["SecurityGroup", "VpcEndpoint"]
    subnet = account.account.store.all(SUBNET)[0]
    account.account.delete(CLUSTER, "dev")
    with pytest.raises(CloudError, match=r"DependencyViolation.*of VpcEndpoint .*delete this endpoint and its group"):
        account.account.delete(SUBNET, subnet.id)
    account.fault("foreign-endpoint", "all", active=False)
    assert [one for one in account.objects() if one.made_by == GUARDDUTY] == guards, "it takes nothing away"


def test_guardduty_comes_once_to_each_network(account: SimulatedCloud) -> None:
    for _ in range(2):
        account.fault("foreign-endpoint", "all", active=True)
    assert len([one for one in account.objects() if one.type == ENDPOINT and one.made_by == GUARDDUTY]) == 1


@pytest.mark.parametrize(
    ("kind", "target"), [("late-log-group", "dev"), ("slow-volumes", "disk"), ("foreign-endpoint", VPC)]
)
def test_what_no_late_actor_is_about_is_refused(account: SimulatedCloud, kind: str, target: str) -> None:
    with pytest.raises(ValueError, match=f"nothing that {kind} can strike"):
        account.fault(kind, target, active=True)
