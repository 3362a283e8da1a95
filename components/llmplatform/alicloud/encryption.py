"""The key that a cluster's Kubernetes secrets are encrypted with.

Losing it loses the secrets, for good: it is kept 30 days after its deletion was asked for.
The account must have authorised the role AliyunCSManagedSecurityRole: with it ACK encrypts and decrypts.
Rotation is left alone: whether a key outside a KMS instance may rotate depends on what the account has bought, and
asking for it where it is not refuses the whole key (unverified in part: KMS documentation, "Key rotation").
"""

from collections.abc import Mapping

import pulumi
import pulumi_alicloud as alicloud


def secrets_key(
    name: str, *, protected: bool, tags: Mapping[str, str], opts: pulumi.ResourceOptions
) -> alicloud.kms.Key:
    """A symmetric key, the only kind that ACK takes. KMS itself refuses to delete it while it is protected."""
    return alicloud.kms.Key(
        name,
        description=f"Kubernetes secrets of {name}",
        key_spec="Aliyun_AES_256",
        key_usage="ENCRYPT/DECRYPT",
        pending_window_in_days=30,
        deletion_protection="Enabled" if protected else "Disabled",
        tags=tags,
        opts=opts,
    )
