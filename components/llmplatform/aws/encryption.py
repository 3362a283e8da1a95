"""The key for a cluster's Kubernetes secrets.

Without it the secrets are lost: a deleted key can be restored for 30 days. A cluster cannot change to another key, nor
back to none.
"""

from collections.abc import Mapping

import pulumi
import pulumi_aws as aws

from llmplatform.aws.policies import document
from llmplatform.specs.cloud import Aws


def secrets_key(
    name: str, cloud: Aws, role_arn: pulumi.Input[str], tags: Mapping[str, str], opts: pulumi.ResourceOptions
) -> aws.kms.Key:
    """A key, rotated every year, that the cluster's role may use and the account administers."""
    return aws.kms.Key(
        name,
        description=f"Kubernetes secrets of {name}",
        enable_key_rotation=True,
        deletion_window_in_days=30,
        policy=pulumi.Output.from_input(role_arn).apply(lambda arn: key_policy(cloud, arn)),
        tags=tags,
        opts=opts,
    )


def key_policy(cloud: Aws, role_arn: str) -> str:
    """Key policy. In a key policy, resource `*` means the key that carries it.

    The account's root principal keeps every right: it delegates to the account's IAM policies, and a key
    without it can become unmanageable (AWS: "Default key policy").
    """
    return document(
        {
            "Sid": "AccountAdministers",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:{cloud.partition}:iam::{cloud.account_id}:root"},
            "Action": "kms:*",
            "Resource": "*",
        },
        {
            "Sid": "ClusterEncrypts",
            "Effect": "Allow",
            "Principal": {"AWS": role_arn},
            "Action": ["kms:Encrypt", "kms:Decrypt", "kms:DescribeKey", "kms:ListGrants"],
            "Resource": "*",
        },
        {
            "Sid": "ClusterDelegates",
            "Effect": "Allow",
            "Principal": {"AWS": role_arn},
            "Action": ["kms:CreateGrant"],
            "Resource": "*",
            # Grants only for AWS services that act for the role, as EKS does.
            "Condition": {"Bool": {"kms:GrantIsForAWSResource": "true"}},
        },
    )
