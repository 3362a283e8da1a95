"""Creates that a cloud takes a second time: after a kill it is not known whether the first one succeeded."""

from pathlib import Path

import botocore.session
import pytest
from support.sandboxes.clouds import ALICLOUD, AWS, Case

from llmplatform.catalog.resources import RESOURCES
from llmplatform_sandbox.cloud.facts import load
from llmplatform_sandbox.cloud.requests import CloudError

AGAIN = {name for package in ("aws", "alicloud") for name, facts in load(package).types.items() if facts.again}
OPERATIONS = {
    "aws:autoscaling/tag:Tag": ("autoscaling", "CreateOrUpdateTags"),
    "aws:efs/backupPolicy:BackupPolicy": ("efs", "PutBackupPolicy"),
    "aws:efs/fileSystemPolicy:FileSystemPolicy": ("efs", "PutFileSystemPolicy"),
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation": ("eks", "AssociateAccessPolicy"),
    "aws:iam/rolePolicy:RolePolicy": ("iam", "PutRolePolicy"),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": ("iam", "AttachRolePolicy"),
}
"""Type → service and operation of its create. A default security group is made by none: it is taken over."""


def test_what_recovery_leaves_to_the_next_update_is_what_a_second_create_does_no_harm_to() -> None:
    assert {name for name, kind in RESOURCES.items() if kind.found_by == "again"} == AGAIN


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_no_such_call_of_aws_has_an_error_for_what_is_there_already(name: str) -> None:
    service, operation = OPERATIONS[name]
    model = botocore.session.get_session().get_service_model(service).operation_model(operation)
    if service == "autoscaling":
        # Its AlreadyExistsFault is for groups and launch configurations.
        assert "overwrites the previous tag definition, and you do not get an error" in model.documentation
    else:
        assert not [shape.name for shape in model.error_shapes if "Exists" in shape.name]


def test_every_such_type_of_aws_was_looked_up() -> None:
    # A default security group is made by no call: it comes with its network, and is taken over.
    assert {name for name in AGAIN if name.startswith("aws:")} == {
        *OPERATIONS,
        "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
    }


@pytest.mark.parametrize("case", [AWS, ALICLOUD], ids=lambda case: case.package)
def test_a_second_create_of_the_same_resource_writes_it_again(case: Case, tmp_path: Path) -> None:
    account = case.open(tmp_path)
    made = case.whole(account)
    again = {key: record for key, record in made.items() if record.type in AGAIN}
    assert again, "the realistic account has some of them"
    before = {(item.type, item.id) for item in account.objects()}
    for record in again.values():
        name = record.made_by.rpartition("::")[2]
        assert case.make(account, record.type, name, **record.inputs).outputs == record.outputs
    assert {(item.type, item.id) for item in account.objects()} == before


@pytest.mark.parametrize(
    "name", ["aws:iam/rolePolicyAttachment:RolePolicyAttachment", "alicloud:cs/kubernetesAddon:KubernetesAddon"]
)
def test_another_resource_does_not_take_it_over(name: str, tmp_path: Path) -> None:
    case = AWS if name.startswith("aws:") else ALICLOUD
    account = case.open(tmp_path)
    record = next(record for record in case.whole(account).values() if record.type == name)
    with pytest.raises(CloudError, match="exists already"):
        case.make(account, name, "another", **record.inputs)
