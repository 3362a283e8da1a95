"""Leftover data on AWS: volumes, snapshots, file systems and their backups."""

from collections.abc import Iterator

from llmplatform.doctor.checks import Absent, Ask, NoAnswer
from llmplatform.sweep.aws_tags import owner, tags_of
from llmplatform.sweep.kinds import Kind, Leftover, Place, simple_kind

VAULT = "aws/efs/automatic-backup-vault"
"""Vault of AWS Backup's default plan for file systems."""


def _volumes(place: Place, ask: Ask) -> Iterator[Leftover]:
    for each in ask("ec2:DescribeVolumes")["Volumes"]:
        tags = tags_of(each)
        if whose := owner(tags, place):
            claim = "/".join(
                tags[key]
                for key in ("kubernetes.io/created-for/pvc/namespace", "kubernetes.io/created-for/pvc/name")
                if key in tags
            )
            name = f"{claim or tags.get('Name', '')} {each['Size']} GiB"
            kept = "it is attached to a machine" if each["State"] == "in-use" else ""
            yield whose.left("volumes", each["VolumeId"], name, kept)


def _snapshots(place: Place, ask: Ask) -> Iterator[Leftover]:
    for each in ask("ec2:DescribeSnapshots", OwnerIds=["self"])["Snapshots"]:
        if whose := owner(tags_of(each), place):
            name = f"{each.get('VolumeSize', '?')} GiB of {each.get('StartTime', '')}"
            yield whose.left("snapshots", each["SnapshotId"], name)


def _file_systems(place: Place, ask: Ask) -> Iterator[Leftover]:
    for each in ask("elasticfilesystem:DescribeFileSystems")["FileSystems"]:
        if whose := owner(tags_of(each), place):
            size = each.get("SizeInBytes", {}).get("Value", 0) / 2**30
            yield whose.left("file-systems", each["FileSystemId"], f"{each.get('Name', '')} {size:.1f} GiB")


def _delete_file_system(leftover: Leftover, place: Place, ask: Ask) -> None:
    targets = ask("elasticfilesystem:DescribeMountTargets", FileSystemId=leftover.id)["MountTargets"]
    for target in targets:
        if target["LifeCycleState"] not in ("deleting", "deleted"):
            ask("elasticfilesystem:DeleteMountTarget", MountTargetId=target["MountTargetId"])
    if any(target["LifeCycleState"] != "deleted" for target in targets):
        raise NoAnswer(f"{leftover.id}: its mount targets are going; run it again in a minute")
    ask("elasticfilesystem:DeleteFileSystem", FileSystemId=leftover.id)


def _recovery_points(place: Place, ask: Ask) -> Iterator[Leftover]:
    try:
        found = ask("backup:ListRecoveryPointsByBackupVault", BackupVaultName=VAULT)["RecoveryPoints"]
    except Absent:
        return
    for each in found:
        tags = ask("backup:ListTags", ResourceArn=each["RecoveryPointArn"]).get("Tags") or {}
        if whose := owner(tags, place):
            name = f"of {each.get('ResourceArn', '').rpartition('/')[2]}"
            yield whose.left("recovery-points", each["RecoveryPointArn"], name)


KINDS: tuple[Kind, ...] = (
    simple_kind("volumes", "volumes", _volumes, ("ec2:DescribeVolumes",), "ec2:DeleteVolume", "VolumeId"),
    simple_kind("snapshots", "snapshots", _snapshots, ("ec2:DescribeSnapshots",), "ec2:DeleteSnapshot", "SnapshotId"),
    Kind(
        name="file-systems",
        title="file systems, with the weights in them",
        find=_file_systems,
        finds=("elasticfilesystem:DescribeFileSystems",),
        deletes=(
            "elasticfilesystem:DescribeMountTargets",
            "elasticfilesystem:DeleteMountTarget",
            "elasticfilesystem:DeleteFileSystem",
        ),
        delete=_delete_file_system,
    ),
    Kind(
        name="recovery-points",
        title="backups of file systems",
        find=_recovery_points,
        finds=("backup:ListRecoveryPointsByBackupVault", "backup:ListTags"),
        deletes=("backup:DeleteRecoveryPoint",),
        delete=lambda leftover, place, ask: ask(
            "backup:DeleteRecoveryPoint", BackupVaultName=VAULT, RecoveryPointArn=leftover.id
        ),
    ),
)
