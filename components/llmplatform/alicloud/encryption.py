"""The key for a cluster's Kubernetes secrets: an existing one, or one in a KMS instance.

Outside an instance a region has a single key for the whole account, and a key scheduled for deletion still counts: a
stack that created it would take it from every other. Source: KMS user guide, "Manage keys", default keys. Without the
key the secrets are lost: a deleted key of ours can be restored for some time. The account must have authorised the role
AliyunCSManagedSecurityRole: with it ACK encrypts and decrypts.
"""

from collections.abc import Mapping

import pulumi
import pulumi_alicloud as alicloud

from llmplatform.specs.cluster import ExistingKey, KmsInstanceKey


def secrets_key(
    name: str,
    spec: ExistingKey | KmsInstanceKey,
    *,
    protected: bool,
    tags: Mapping[str, str],
    opts: pulumi.ResourceOptions,
) -> pulumi.Input[str]:
    """Id of a symmetric key, the only kind that ACK accepts. KMS itself refuses to delete a protected one."""
    if isinstance(spec, ExistingKey):
        return spec.id
    key = alicloud.kms.Key(
        name,
        description=f"Kubernetes secrets of {name}",
        dkms_instance_id=spec.instance,
        key_spec="Aliyun_AES_256",
        key_usage="ENCRYPT/DECRYPT",
        pending_window_in_days=spec.deletion_days,
        deletion_protection="Enabled" if protected else "Disabled",
        tags=tags,
        opts=opts,
    )
    return key.id
