"""Storage of pods: encrypted disks (the default class), and a shared file system.

Makes: an EFS file system with a mount target in each zone, and the StorageClasses `gp3` and `efs`, under the names in
the settings; nothing for `existing` classes. On request, the VolumeSnapshotClass `ebs`.
Does not: the drivers and the snapshot controller (`ClusterAddons`).
Replacing the file system loses its data. Full protection refuses to delete it. It has no backup: model weights can be
downloaded again.
A volume is deleted with its claim, even with protection: Kubernetes forbids to change a class' reclaim policy, so that
protection could never be removed. Full protection keeps the file system itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi
import pulumi_aws as aws

from llmplatform.aws.policies import document
from llmplatform.base.component import PlatformComponent
from llmplatform.base.labels import labels
from llmplatform.base.ordering import after
from llmplatform.base.storage_class import storage_class
from llmplatform.specs.cloud import Aws
from llmplatform.specs.environment import Environment
from llmplatform.specs.platform import NewPlatform, StorageClass

EBS_DRIVER = "ebs.csi.aws.com"


@dataclass(frozen=True, kw_only=True)
class StorageArgs:
    """Inputs of storage. The component needs an AWS and a Kubernetes provider."""

    environment: Environment
    cloud: Aws
    network_id: pulumi.Input[str]
    subnet_ids: Mapping[str, pulumi.Input[str]]
    """Zone to private subnet; each gets a mount target."""
    security_group_id: pulumi.Input[str]
    """Security group of the nodes, which alone may mount."""
    tags: Mapping[str, str]
    classes: NewPlatform = field(default_factory=lambda: NewPlatform(kind="new"))
    """Names of the classes, and which of them exist."""
    default_class: bool = True
    """Whether the class of disks is the cluster's default. An existing cluster has its own."""
    snapshots: bool = False
    """Whether disks have snapshots. The cluster must have their CRDs."""


class Storage(PlatformComponent):
    """Storage classes, and the file system behind the shared one."""

    block_class: pulumi.Output[str]
    """Class of volumes for one pod; the default."""
    shared_class: pulumi.Output[str]
    """Class of volumes for many pods at once. Depends on the mount targets."""
    file_system_id: pulumi.Output[str] | None
    """Id of the EFS file system; None if the shared class is an existing one."""

    def __init__(self, name: str, args: StorageArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:aws:Storage", name, opts)
        self._prefix, self._args = name, args
        self._kept = args.environment.protected
        self.block_class = self._disks(args.classes.block_class)
        self.shared_class, self.file_system_id = self._shared(args.classes.shared_class)
        if args.snapshots:
            self._snapshot_class()
        self.finish()

    def _disks(self, wanted: StorageClass) -> pulumi.Output[str]:
        if wanted.kind == "existing":
            return pulumi.Output.from_input(wanted.name)
        key = self._args.cloud.data_key
        parameters = {"type": "gp3", "encrypted": "true", **({"kmsKeyId": key} if key else {})}
        made = storage_class(
            f"{self._prefix}-{wanted.name}",
            wanted.name,
            EBS_DRIVER,
            parameters,
            self.child(),
            disks=True,
            default=self._args.default_class,
        )
        return after(wanted.name, made)

    def _snapshot_class(self) -> None:
        """A snapshot is deleted with its object, as a volume with its claim."""
        kind = {"apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshotClass"}
        default = {"snapshot.storage.kubernetes.io/is-default-class": str(self._args.default_class).lower()}
        # The provider's class for custom resources supports no fields beside `spec`.
        pulumi.CustomResource(
            "kubernetes:{apiVersion}:{kind}".format(**kind),
            f"{self._prefix}-snapshots",
            {
                **kind,
                "metadata": {"name": "ebs", "labels": dict(labels("storage")), "annotations": default},
                "driver": EBS_DRIVER,
                "deletionPolicy": "Delete",
            },
            self.child(),
        )

    def _shared(self, wanted: StorageClass) -> tuple[pulumi.Output[str], pulumi.Output[str] | None]:
        if wanted.kind == "existing":
            return pulumi.Output.from_input(wanted.name), None
        files = self._file_system()
        targets = self._mount_targets(files)
        shared = storage_class(
            f"{self._prefix}-{wanted.name}", wanted.name, "efs.csi.aws.com", _shared_parameters(files), self.child()
        )
        return after(wanted.name, shared, *targets), files.id

    def _file_system(self) -> aws.efs.FileSystem:
        files = aws.efs.FileSystem(
            f"{self._prefix}-files",
            encrypted=True,
            kms_key_id=self._args.cloud.data_key,
            # Weights are read in bursts when a pool grows; without reads it costs nothing.
            throughput_mode="elastic",
            # No rule moves idle data to cheaper storage: weights are read when a server starts, for example after a
            # spot machine is reclaimed. They would then come late, at a price per GiB.
            tags={**self._args.tags, "Name": f"{self._args.environment.name}-{self._prefix}"},
            opts=self.child(protect=self._kept),
        )
        aws.efs.BackupPolicy(
            f"{self._prefix}-backup",
            file_system_id=files.id,
            # Weights can be downloaded again.
            backup_policy=aws.efs.BackupPolicyBackupPolicyArgs(status="DISABLED"),
            opts=self.child(),
        )
        aws.efs.FileSystemPolicy(
            f"{self._prefix}-policy",
            file_system_id=files.id,
            policy=files.arn.apply(file_system_policy),
            opts=self.child(),
        )
        return files

    def _mount_targets(self, files: aws.efs.FileSystem) -> list[aws.efs.MountTarget]:
        group = aws.ec2.SecurityGroup(
            f"{self._prefix}-nfs",
            vpc_id=self._args.network_id,
            description="NFS from the nodes of the cluster",
            ingress=[
                aws.ec2.SecurityGroupIngressArgs(
                    description="NFS from nodes",
                    protocol="tcp",
                    from_port=2049,
                    to_port=2049,
                    security_groups=[self._args.security_group_id],
                )
            ],
            # A mount target opens no connections.
            egress=[],
            tags=self._args.tags,
            opts=self.child(),
        )
        return [
            aws.efs.MountTarget(
                f"{self._prefix}-{zone}",
                file_system_id=files.id,
                subnet_id=subnet,
                security_groups=[group.id],
                opts=self.child(),
            )
            for zone, subnet in self._args.subnet_ids.items()
        ]


def file_system_policy(file_system: str) -> str:
    """Every client that reaches a mount target may mount, as without a policy, but only with TLS.

    As the console writes it for "Enforce in-transit encryption for all clients". Access points cannot be demanded: the
    driver removes a volume's directory from the root.
    """
    return document(
        {
            "Sid": "MountFromTheNetwork",
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": [
                "elasticfilesystem:ClientMount",
                "elasticfilesystem:ClientWrite",
                "elasticfilesystem:ClientRootAccess",
            ],
            "Resource": file_system,
            "Condition": {"Bool": {"elasticfilesystem:AccessedViaMountTarget": "true"}},
        },
        {
            "Sid": "TlsAlone",
            "Effect": "Deny",
            "Principal": {"AWS": "*"},
            "Action": "*",
            "Resource": file_system,
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
    )


def _shared_parameters(files: aws.efs.FileSystem) -> Mapping[str, pulumi.Input[str]]:
    # Each volume is an access point: a directory with a user of its own, so that any pod's user can write.
    return {
        "provisioningMode": "efs-ap",
        "fileSystemId": files.id,
        "directoryPerms": "700",
        "basePath": "/volumes",
        "ensureUniqueDirectory": "true",
    }
