"""Storage of pods: encrypted disks (the default class), a shared file system, and object storage.

Makes: a NAS file system with its mount target, a bucket with the identity that mounts it, and the StorageClasses
`essd`, `nas` and `oss`, under the names in the settings; nothing for `existing` classes.
Does not: the drivers (`Cluster`), snapshots.
Replacing the file system or the bucket loses its data. Full protection refuses to delete either.
Disks and folders of the file system are deleted with their claim, even with protection: Kubernetes forbids to change a
class' reclaim policy, so that protection could never be removed. The add-on storage-operator moves a folder into the
file system's recycle bin, where it can be restored for some days; without the bin it would stay and cost money. Data in
the bucket outlives its claim: the driver deletes no object.
Only nodes may mount the file system. Clients lock files on the server (NFS 4): with local locks, two nodes could write
one file at once.
A NAS file system is in one zone, the home zone, and is mounted from all. During an outage of that zone, running servers
continue and new ones wait. A model that must start even then keeps its weights on the node (`weights.cache: node`).
A bucket is in three zones. ossfs2 reads and appends but does not rewrite, so weights are not downloaded to it.
Source: alibaba-cloud-csi-driver (docs, pkg/disk; pkg/nas/subpath_controller.go, DeleteVolume; pkg/oss/
controllerserver.go, CreateVolume); NAS documentation, "Limits": two mount targets, and NFS 4.0 for files that several
clients lock.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi
import pulumi_alicloud as alicloud

from llmplatform.alicloud.grants import read_write
from llmplatform.alicloud.identity import WorkloadIdentity, WorkloadIdentityArgs
from llmplatform.base.component import PlatformComponent
from llmplatform.base.naming import unique
from llmplatform.base.ordering import after
from llmplatform.base.storage_class import storage_class
from llmplatform.catalog import hosts
from llmplatform.specs.cloud import Alicloud
from llmplatform.specs.environment import Environment
from llmplatform.specs.platform import NewAckPlatform, StorageClass

FUSE_NAMESPACE, FUSE_SERVICE_ACCOUNT = "ack-csi-fuse", "csi-fuse-ossfs"
"""Namespace and service account of the driver's object storage clients."""

NAS_MOUNT_OPTIONS = ("vers=4.0,tcp,noresvport,hard",)

RECYCLED_DAYS = 3
"""Days to restore deleted data of the file system. It costs as much as other data."""


@dataclass(frozen=True, kw_only=True)
class StorageArgs:
    """Inputs of storage. The component needs an Alibaba Cloud, a random and a Kubernetes provider."""

    environment: Environment
    cloud: Alicloud
    network_id: pulumi.Input[str]
    node_cidrs: Mapping[str, str]
    """Zone to range of the vSwitch of nodes, which alone may mount."""
    subnet_ids: Mapping[str, pulumi.Input[str]]
    """Zone to vSwitch of nodes; the file system is in the home zone."""
    identity_provider_arn: pulumi.Input[str]
    identity_issuer: pulumi.Input[str]
    tags: Mapping[str, str]
    classes: NewAckPlatform = field(default_factory=lambda: NewAckPlatform(kind="new"))
    """Names of the classes, and which of them exist."""
    default_class: bool = True
    """Whether the class of disks is the cluster's default. An existing cluster has its own."""


class Storage(PlatformComponent):
    """Storage classes, with the file system and the bucket behind the shared ones."""

    block_class: pulumi.Output[str]
    """Class of volumes for one pod; the default."""
    shared_class: pulumi.Output[str]
    """Class of volumes for many pods at once. Depends on the mount target."""
    object_class: pulumi.Output[str]
    """Class of volumes that many pods read, in all zones. Depends on the right to mount."""
    file_system_id: pulumi.Output[str] | None
    """Id of the NAS file system; None if the shared class is an existing one."""
    bucket_name: pulumi.Output[str] | None
    """Name of the bucket; None if the class of object storage is an existing one."""

    def __init__(self, name: str, args: StorageArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:alicloud:Storage", name, opts)
        self._prefix, self._args = name, args
        self._kept = args.environment.protected
        self.block_class = self._disks(args.classes.block_class)
        self.shared_class, self.file_system_id = self._shared(args.classes.shared_class)
        self.object_class, self.bucket_name = self._objects(args.classes.object_class)
        self.finish()

    def _disks(self, wanted: StorageClass) -> pulumi.Output[str]:
        if wanted.kind == "existing":
            return pulumi.Output.from_input(wanted.name)
        made = storage_class(
            f"{self._prefix}-{wanted.name}",
            wanted.name,
            "diskplugin.csi.alibabacloud.com",
            _BLOCK_PARAMETERS,
            self.child(),
            disks=True,
            default=self._args.default_class,
        )
        return after(wanted.name, made)

    def _shared(self, wanted: StorageClass) -> tuple[pulumi.Output[str], pulumi.Output[str] | None]:
        if wanted.kind == "existing":
            return pulumi.Output.from_input(wanted.name), None
        files = self._file_system()
        parameters = _shared_parameters(self._mount_target(files))
        shared = storage_class(
            f"{self._prefix}-{wanted.name}",
            wanted.name,
            "nasplugin.csi.alibabacloud.com",
            parameters,
            self.child(),
            mount_options=list(NAS_MOUNT_OPTIONS),
        )
        return after(wanted.name, shared), files.id

    def _objects(self, wanted: StorageClass) -> tuple[pulumi.Output[str], pulumi.Output[str] | None]:
        if wanted.kind == "existing":
            return pulumi.Output.from_input(wanted.name), None
        bucket = self._bucket()
        objects = storage_class(
            f"{self._prefix}-{wanted.name}",
            wanted.name,
            "ossplugin.csi.alibabacloud.com",
            self._object_parameters(bucket, self._mounter(bucket)),
            self.child(),
            reclaim="Retain",
        )
        return after(wanted.name, objects), bucket.bucket

    def _file_system(self) -> alicloud.nas.FileSystem:
        return alicloud.nas.FileSystem(
            f"{self._prefix}-files",
            file_system_type="standard",
            protocol_type="NFS",
            storage_type="Performance",
            zone_id=self._args.cloud.home,
            # Keys of NAS itself.
            encrypt_type=1,
            recycle_bin=alicloud.nas.FileSystemRecycleBinArgs(status="Enable", reserved_days=RECYCLED_DAYS),
            description=f"{self._args.environment.name}-{self._prefix}",
            tags=self._args.tags,
            opts=self.child(protect=self._kept),
        )

    def _mount_target(self, files: alicloud.nas.FileSystem) -> alicloud.nas.MountTarget:
        group = alicloud.nas.AccessGroup(
            f"{self._prefix}-nfs",
            access_group_name=f"{self._args.environment.name}-{self._prefix}-nfs",
            access_group_type="Vpc",
            file_system_type="standard",
            description="NFS from the nodes of the cluster",
            opts=self.child(),
        )
        rules = [
            alicloud.nas.AccessRule(
                f"{self._prefix}-nfs-{zone}",
                access_group_name=group.access_group_name,
                file_system_type="standard",
                source_cidr_ip=cidr,
                rw_access_type="RDWR",
                # The driver makes each volume's folder as root.
                user_access_type="no_squash",
                priority=1,
                opts=self.child(),
            )
            for zone, cidr in self._args.node_cidrs.items()
        ]
        zone = self._args.cloud.home
        return alicloud.nas.MountTarget(
            f"{self._prefix}-{zone}",
            file_system_id=files.id,
            # Without a rule no client may mount, and pods would hang.
            access_group_name=after(group.access_group_name, *rules),
            network_type="Vpc",
            vpc_id=self._args.network_id,
            vswitch_id=self._args.subnet_ids[zone],
            opts=self.child(),
        )

    def _bucket(self) -> alicloud.oss.Bucket:
        return alicloud.oss.Bucket(
            f"{self._prefix}-bucket",
            bucket=unique(f"{self._prefix}-bucket", f"{self._args.environment.name}-{self._prefix}", self.child()),
            redundancy_type="ZRS",
            storage_class="Standard",
            server_side_encryption_rule=alicloud.oss.BucketServerSideEncryptionRuleArgs(sse_algorithm="AES256"),
            force_destroy=not self._kept,
            tags=self._args.tags,
            opts=self.child(protect=self._kept),
        )

    def _mounter(self, bucket: alicloud.oss.Bucket) -> WorkloadIdentity:
        args = self._args
        return WorkloadIdentity(
            f"{self._prefix}-oss",
            WorkloadIdentityArgs(
                environment=args.environment,
                identity_provider_arn=args.identity_provider_arn,
                identity_issuer=args.identity_issuer,
                namespace=FUSE_NAMESPACE,
                service_account=FUSE_SERVICE_ACCOUNT,
                grants=(read_write("bucket", bucket),),
                tags=args.tags,
            ),
            self.child(),
        )

    def _object_parameters(
        self, bucket: alicloud.oss.Bucket, mounter: WorkloadIdentity
    ) -> Mapping[str, pulumi.Input[str]]:
        region = self._args.cloud.region
        return {
            "bucket": bucket.bucket,
            "url": hosts.oss_within(region),
            "path": "/volumes",
            "volumeAs": "subpath",
            "fuseType": "ossfs2",
            "authType": "rrsa",
            "roleName": mounter.role_name,
            "sigVersion": "v4",
            "region": region,
        }


_BLOCK_PARAMETERS: Mapping[str, str] = {
    "type": "cloud_essd",
    "performanceLevel": "PL1",
    "encrypted": "true",
    # A disk has 20 GiB at least; without this the driver refuses a smaller claim.
    "volumeSizeAutoAvailable": "true",
}


def _shared_parameters(target: alicloud.nas.MountTarget) -> Mapping[str, pulumi.Input[str]]:
    # Each volume is a folder that any pod's user can write, and that is deleted with its volume.
    return {
        "volumeAs": "subpath",
        "server": target.mount_target_domain.apply(lambda domain: f"{domain}:/volumes"),
        "archiveOnDelete": "false",
    }
