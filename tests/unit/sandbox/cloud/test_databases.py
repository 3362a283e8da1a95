"""What the simulated RDS refuses: places, storage, versions, windows, and deletions."""

from pathlib import Path
from typing import Any

import pytest
from support.sandboxes.cloud_account import SCOPE, cloud, make, whole_account
from support.sandboxes.rds import REALISTIC

from llmplatform_sandbox.cloud.aws.databases import behaviours
from llmplatform_sandbox.cloud.requests import CloudError

INSTANCE, GROUP = "aws:rds/instance:Instance", "aws:rds/subnetGroup:SubnetGroup"


def test_a_subnet_group_covers_two_zones_and_knows_its_network(tmp_path: Path) -> None:
    account = cloud(tmp_path)
    made = whole_account(account, INSTANCE)
    subnet, network = made["aws:ec2/subnet:Subnet"].id, made["aws:ec2/vpc:Vpc"].id
    assert made[GROUP].outputs["vpcId"] == network
    with pytest.raises(CloudError, match="DBSubnetGroupDoesNotCoverEnoughAZs"):
        make(account, GROUP, "one", name="one", subnetIds=[subnet])


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ({"allocatedStorage": 10}, "storage grows"),
        ({"engineVersion": "16"}, "Cannot upgrade postgres from 17 to 16"),
        ({"engineVersion": "18"}, "AllowMajorVersionUpgrade"),
        ({"engineVersion": "18", "allowMajorVersionUpgrade": True}, ""),
        ({"allocatedStorage": 40, "multiAz": True, "backupRetentionPeriod": 30}, ""),
    ],
)
def test_storage_and_versions_never_go_back(tmp_path: Path, change: dict[str, Any], refused: str) -> None:
    account = cloud(tmp_path)
    made = whole_account(account, INSTANCE)
    record, inputs = made[INSTANCE], {**REALISTIC[INSTANCE](made), **change}
    if refused:
        with pytest.raises(CloudError, match=refused):
            account.account.update(INSTANCE, record.id, inputs, SCOPE)
    else:
        account.account.update(INSTANCE, record.id, inputs, SCOPE)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"maxAllocatedStorage": 20}, "maxAllocatedStorage"),
        ({"maintenanceWindow": "sun:02:30-sun:03:30"}, "backupWindow"),
        ({}, ""),
    ],
)
def test_an_instance_that_contradicts_itself_is_refused_before_it_is_made(
    tmp_path: Path, change: dict[str, Any], fault: str
) -> None:
    account = cloud(tmp_path)
    made = whole_account(account, GROUP)
    made |= {"aws:rds/parameterGroup:ParameterGroup": made[GROUP]}
    inputs = {key: value for key, value in {**REALISTIC[INSTANCE](made), **change}.items() if value is not None}
    found = [path for path, _ in behaviours()[INSTANCE].check(inputs)]
    assert found == ([fault] if fault else [])


def test_an_instance_is_deleted_with_a_name_for_its_last_snapshot(tmp_path: Path) -> None:
    account = cloud(tmp_path)
    made = whole_account(account, INSTANCE)
    nameless = {key: value for key, value in REALISTIC[INSTANCE](made).items() if key != "finalSnapshotIdentifier"}
    account.account.update(INSTANCE, made[INSTANCE].id, {**nameless, "skipFinalSnapshot": False}, SCOPE)
    with pytest.raises(CloudError, match="final_snapshot_identifier is required"):
        account.account.delete(INSTANCE, made[INSTANCE].id)


def test_nothing_that_an_instance_needs_is_deleted_before_it_and_protection_keeps_it(tmp_path: Path) -> None:
    account = cloud(tmp_path)
    made = whole_account(account, INSTANCE)
    for needed in (GROUP, "aws:rds/parameterGroup:ParameterGroup", "aws:ec2/securityGroup:SecurityGroup"):
        with pytest.raises(CloudError):
            account.account.delete(needed, made[needed].id)
    inputs = {**REALISTIC[INSTANCE](made), "deletionProtection": True}
    account.account.update(INSTANCE, made[INSTANCE].id, inputs, SCOPE)
    with pytest.raises(CloudError):
        account.account.delete(INSTANCE, made[INSTANCE].id)
