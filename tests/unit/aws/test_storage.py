"""Storage on AWS: classes and the shared file system."""

import json

import pulumi
import pytest
from support.aws_platform import TAGS, ZONES, stack

from llmplatform import aws
from llmplatform.testing import RecordingEngine, Registered

_CLASS = "kubernetes:storage.k8s.io/v1:StorageClass"
_DEFAULT = "storageclass.kubernetes.io/is-default-class"


def _storage(name: str = "storage", protection: str = "none", key: str | None = None) -> aws.Storage:
    environment = stack().environment.model_copy(update={"protection": protection})
    args = aws.StorageArgs(
        environment=environment,
        cloud=stack().cloud.model_copy(update={"data_key": key}),
        network_id="vpc-1",
        subnet_ids={zone: f"subnet-{zone}" for zone in ZONES},
        security_group_id="sg-nodes",
        tags=TAGS,
    )
    return aws.Storage(name, args)


def _classes(protection: str = "none") -> dict[str, Registered]:
    engine = RecordingEngine().run(lambda: _storage(protection=protection).urn)
    return {found.inputs["metadata"]["name"]: found for found in engine.all(_CLASS)}


def test_there_is_one_default_class_and_it_is_encrypted() -> None:
    classes = _classes()
    defaults = [name for name, found in classes.items() if found.inputs["metadata"]["annotations"][_DEFAULT] == "true"]
    assert defaults == ["gp3"]
    assert classes["gp3"].inputs["parameters"] == {"type": "gp3", "encrypted": "true"}


def test_a_disk_is_made_in_the_zone_of_its_pod() -> None:
    assert _classes()["gp3"].inputs["volumeBindingMode"] == "WaitForFirstConsumer"


def test_a_disk_can_grow() -> None:
    assert _classes()["gp3"].inputs["allowVolumeExpansion"] is True


def test_a_shared_volume_is_a_directory_of_its_own_that_any_user_can_write() -> None:
    found = _classes()["efs"].inputs
    assert found["provisioner"] == "efs.csi.aws.com"
    assert found["parameters"]["provisioningMode"] == "efs-ap"
    assert found["parameters"]["fileSystemId"] == "storage-files-id"


@pytest.mark.parametrize("protection", ["full", "none"])
def test_protection_can_be_given_up_without_a_change_that_kubernetes_refuses(protection: str) -> None:
    assert {found.inputs["reclaimPolicy"] for found in _classes(protection).values()} == {"Delete"}


@pytest.mark.parametrize(("protection", "kept"), [("full", True), ("none", False)])
def test_the_file_system_is_kept_where_the_environment_is_protected(protection: str, kept: bool) -> None:
    engine = RecordingEngine().run(lambda: _storage(protection=protection).urn)
    assert engine.one("aws:efs/fileSystem:FileSystem").protect is kept


@pytest.mark.parametrize("protection", ["full", "none"])
def test_weights_stay_where_they_are_quick_and_are_not_paid_for_twice(protection: str) -> None:
    """EFS pricing: Infrequent Access is paid per GiB that is read, and weights are read after an interruption."""
    engine = RecordingEngine().run(lambda: _storage(protection=protection).urn)
    assert "lifecyclePolicies" not in engine.one("aws:efs/fileSystem:FileSystem").inputs
    assert engine.one("aws:efs/backupPolicy:BackupPolicy").inputs["backupPolicy"] == {"status": "DISABLED"}


def test_the_file_system_refuses_mounts_without_tls() -> None:
    # EFS user guide, "Using IAM to control file system data access": aws:SecureTransport.
    policy = json.loads(
        RecordingEngine().run(lambda: _storage().urn).one("aws:efs/fileSystemPolicy:FileSystemPolicy").inputs["policy"]
    )
    allow, deny = policy["Statement"]
    assert (deny["Effect"], deny["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    assert allow["Condition"] == {"Bool": {"elasticfilesystem:AccessedViaMountTarget": "true"}}


def test_a_key_of_the_accounts_encrypts_disks_and_files() -> None:
    key = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    engine = RecordingEngine().run(lambda: _storage(key=key).urn)
    assert engine.one("aws:efs/fileSystem:FileSystem").inputs["kmsKeyId"] == key
    classes = {found.inputs["metadata"]["name"]: found.inputs["parameters"] for found in engine.all(_CLASS)}
    # docs/parameters.md of aws-ebs-csi-driver.
    assert classes["gp3"]["kmsKeyId"] == key


def test_the_file_system_is_encrypted() -> None:
    assert (
        RecordingEngine().run(lambda: _storage().urn).one("aws:efs/fileSystem:FileSystem").inputs["encrypted"] is True
    )


def test_every_zone_mounts_it_nearby() -> None:
    targets = RecordingEngine().run(lambda: _storage().urn).all("aws:efs/mountTarget:MountTarget")
    assert {found.inputs["subnetId"] for found in targets} == {f"subnet-{zone}" for zone in ZONES}


def test_nodes_alone_can_mount_it() -> None:
    group = RecordingEngine().run(lambda: _storage().urn).one("aws:ec2/securityGroup:SecurityGroup").inputs
    (rule,) = group["ingress"]
    assert (rule["securityGroups"], rule["fromPort"], rule["toPort"]) == (["sg-nodes"], 2049, 2049)
    assert "cidrBlocks" not in rule
    assert group["egress"] == []


def test_a_shared_volume_waits_for_the_mount_targets() -> None:
    class Claim(pulumi.CustomResource):
        def __init__(self, storage_class: pulumi.Input[str]) -> None:
            super().__init__("test:index:Claim", "claim", {"class": storage_class})

    engine = RecordingEngine().run(lambda: Claim(_storage().shared_class).urn)
    for target in engine.all("aws:efs/mountTarget:MountTarget"):
        assert engine.waits_for(engine.named("claim"), target), "a pod that mounts before hangs for minutes"


def test_the_cloud_objects_of_two_storages_do_not_collide() -> None:
    def program() -> None:
        _storage("one")
        _storage("two")

    assert len(RecordingEngine().run(program).all("aws:efs/fileSystem:FileSystem")) == 2
