"""Who administers a cluster: an explicit access entry for each principal, and nobody by having made it."""

import hashlib
import re
from collections.abc import Sequence

import pulumi
import pulumi_aws as aws


def administrators(
    name: str,
    cluster_name: pulumi.Input[str],
    principals: Sequence[str],
    partition: str,
    tags: dict[str, str],
    opts: pulumi.ResourceOptions,
) -> list[aws.eks.AccessPolicyAssociation]:
    """Let each principal administer the whole cluster."""
    return [_administrator(name, cluster_name, principal, partition, tags, opts) for principal in principals]


def _administrator(
    name: str,
    cluster_name: pulumi.Input[str],
    principal: str,
    partition: str,
    tags: dict[str, str],
    opts: pulumi.ResourceOptions,
) -> aws.eks.AccessPolicyAssociation:
    key = principal_key(principal)
    entry = aws.eks.AccessEntry(
        f"{name}-admin-{key}",
        cluster_name=cluster_name,
        principal_arn=principal,
        type="STANDARD",
        tags=tags,
        opts=opts,
    )
    return aws.eks.AccessPolicyAssociation(
        f"{name}-admin-{key}",
        cluster_name=cluster_name,
        # Taken from the entry: EKS associates policies only with principals that have one.
        principal_arn=entry.principal_arn,
        policy_arn=f"arn:{partition}:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy",
        access_scope=aws.eks.AccessPolicyAssociationAccessScopeArgs(type="cluster"),
        opts=opts,
    )


def principal_key(arn: str) -> str:
    """Short stable name of a principal, readable and unique: `deploy-1f3a9c`."""
    readable = re.sub(r"[^a-z0-9]+", "-", arn.rpartition("/")[2].lower()).strip("-")
    return f"{readable}-{hashlib.sha256(arn.encode()).hexdigest()[:6]}"
