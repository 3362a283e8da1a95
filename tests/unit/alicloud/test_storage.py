"""Storage on Alibaba Cloud: classes, the shared file system, and object storage."""

from typing import Any

import pulumi
import pytest
from support.alicloud_platform import ISSUER, NODE_CIDRS, PROVIDER, TAGS, ZONES, stack

from llmplatform import alicloud
from llmplatform.testing import RecordingEngine

_CLASS = "kubernetes:storage.k8s.io/v1:StorageClass"


def _storage(name: str = "storage", protection: str = "none") -> alicloud.Storage:
    settings = stack()
    args = alicloud.StorageArgs(
        environment=settings.environment.model_copy(update={"protection": protection}),
        cloud=settings.cloud,
        network_id="vpc-1",
        node_cidrs=NODE_CIDRS,
        subnet_ids={zone: f"vsw-{zone}" for zone in ZONES},
        identity_provider_arn=PROVIDER,
        identity_issuer=ISSUER,
        tags=TAGS,
    )
    return alicloud.Storage(name, args)


def _made(protection: str = "none") -> RecordingEngine:
    return RecordingEngine().run(lambda: _storage(protection=protection).urn)


def _class(name: str) -> dict[str, Any]:
    return next(found.inputs for found in _made().all(_CLASS) if found.inputs["metadata"]["name"] == name)


class _Claim(pulumi.CustomResource):
    def __init__(self, storage_class: pulumi.Input[str]) -> None:
        super().__init__("test:index:Claim", "claim", {"class": storage_class})


def test_disks_are_encrypted_and_a_small_claim_gets_the_smallest_disk() -> None:
    found = _class("essd")
    assert found["provisioner"] == "diskplugin.csi.alibabacloud.com"
    assert found["parameters"] == {
        "type": "cloud_essd",
        "performanceLevel": "PL1",
        "encrypted": "true",
        "volumeSizeAutoAvailable": "true",
    }, "without the last the driver refuses claims under 20 GiB, such as Alertmanager's"


def test_a_shared_volume_is_a_folder_of_its_own_that_goes_with_it() -> None:
    found = _class("nas")
    assert found["provisioner"] == "nasplugin.csi.alibabacloud.com"
    assert found["parameters"] == {
        "volumeAs": "subpath",
        "server": "storage-cn-hangzhou-j.cn-hangzhou.nas.aliyuncs.com:/volumes",
        "archiveOnDelete": "false",
    }


def test_locks_of_shared_files_are_the_servers() -> None:
    """nfs(5): `nolock` keeps locks on the node. NAS documentation: NFS 4.0 where several clients lock files."""
    options = ",".join(_class("nas")["mountOptions"]).split(",")
    assert "vers=4.0" in options
    assert not {"nolock", "vers=3"} & set(options)
    assert {"hard", "noresvport"} <= set(options), "a server that is away for a while must not end in errors"


def test_a_folder_is_really_removed_when_its_volume_goes() -> None:
    """alibaba-cloud-csi-driver, pkg/nas/subpath_controller.go, DeleteVolume: skipped without a recycle bin."""
    assert _made().one("alicloud:nas/fileSystem:FileSystem").inputs["recycleBin"] == {
        "status": "Enable",
        "reservedDays": 3,
    }


@pytest.mark.parametrize(("name", "policy"), [("essd", "Delete"), ("nas", "Delete"), ("oss", "Retain")])
def test_the_reclaim_policy_is_one_that_the_driver_takes(name: str, policy: str) -> None:
    """alibaba-cloud-csi-driver, pkg/oss/controllerserver.go, CreateVolume: "ReclaimPolicy must be Retain"."""
    assert _class(name)["reclaimPolicy"] == policy


def test_object_storage_is_mounted_without_a_key() -> None:
    found = _class("oss")
    assert found["provisioner"] == "ossplugin.csi.alibabacloud.com"
    parameters = found["parameters"]
    assert (parameters["authType"], parameters["roleName"]) == ("rrsa", "dev-storage-oss")
    assert (parameters["fuseType"], parameters["sigVersion"]) == ("ossfs2", "v4")
    assert parameters["url"] == "oss-cn-hangzhou-internal.aliyuncs.com", "the other address is charged by traffic"
    assert not [key for key in parameters if "secret" in key.lower()]


def test_the_client_of_object_storage_may_use_its_bucket_and_nothing_else() -> None:
    engine = _made()
    bucket = engine.one("alicloud:oss/bucket:Bucket").inputs["bucket"]
    policy = engine.one("alicloud:ram/policy:Policy").inputs["policyDocument"]
    assert f"acs:oss:*:*:{bucket}/*" in policy
    role = engine.one("alicloud:ram/role:Role").inputs["assumeRolePolicyDocument"]
    assert "system:serviceaccount:ack-csi-fuse:csi-fuse-ossfs" in role


def test_the_bucket_survives_a_zone_and_its_name_is_unique() -> None:
    inputs = _made().one("alicloud:oss/bucket:Bucket").inputs
    assert inputs["redundancyType"] == "ZRS"
    assert inputs["serverSideEncryptionRule"] == {"sseAlgorithm": "AES256"}
    assert inputs["bucket"].startswith("dev-storage-")


def test_the_file_system_is_encrypted() -> None:
    inputs = _made().one("alicloud:nas/fileSystem:FileSystem").inputs
    assert inputs["encryptType"] == 1
    assert (inputs["protocolType"], inputs["storageType"], inputs["zoneId"]) == ("NFS", "Performance", ZONES[0])


def test_it_has_one_mount_target_because_there_may_be_only_two_and_one_serves_all_zones() -> None:
    target = _made().one("alicloud:nas/mountTarget:MountTarget").inputs
    assert (target["vswitchId"], target["vpcId"], target["networkType"]) == (f"vsw-{ZONES[0]}", "vpc-1", "Vpc")


def test_nodes_alone_can_mount_it() -> None:
    rules = [found.inputs for found in _made().all("alicloud:nas/accessRule:AccessRule")]
    assert [rule["sourceCidrIp"] for rule in rules] == list(NODE_CIDRS.values()), "pods and the rest of the VPC cannot"
    assert {(rule["rwAccessType"], rule["userAccessType"]) for rule in rules} == {("RDWR", "no_squash")}


def test_mounts_wait_for_the_access_rule() -> None:
    engine = RecordingEngine().run(lambda: _Claim(_storage().shared_class).urn)
    claim = engine.named("claim")
    for kind in ("accessRule:AccessRule", "mountTarget:MountTarget"):
        for found in engine.all(f"alicloud:nas/{kind}"):
            assert engine.waits_for(claim, found), "a pod that mounts before hangs for minutes"


def test_mounts_of_the_bucket_wait_for_the_right() -> None:
    engine = RecordingEngine().run(lambda: _Claim(_storage().object_class).urn)
    assert engine.waits_for(engine.named("claim"), engine.one("alicloud:ram/rolePolicyAttachment:RolePolicyAttachment"))


@pytest.mark.parametrize(("protection", "kept"), [("full", True), ("none", False)])
def test_what_holds_data_is_kept_where_the_environment_is_protected(protection: str, kept: bool) -> None:
    engine = _made(protection)
    assert engine.one("alicloud:nas/fileSystem:FileSystem").protect is kept
    bucket = engine.one("alicloud:oss/bucket:Bucket")
    assert (bucket.protect, bucket.inputs["forceDestroy"]) == (kept, not kept)


def test_the_cloud_objects_of_two_storages_do_not_collide() -> None:
    def program() -> None:
        _storage("one")
        _storage("two")

    engine = RecordingEngine().run(program)
    groups = engine.all("alicloud:nas/accessGroup:AccessGroup")
    assert len({found.inputs["accessGroupName"] for found in groups}) == 2
