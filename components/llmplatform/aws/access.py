"""Rights in a cluster: an explicit access entry for each principal, and none for the creator as such."""

import hashlib
import re
from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from llmplatform.specs.cluster import EksAccess

POLICIES = {"view": "AmazonEKSViewPolicy", "edit": "AmazonEKSEditPolicy", "admin": "AmazonEKSAdminPolicy"}
"""EKS' policies by the name of the Kubernetes role. EKS user guide, "Review access policy permissions"."""


def administrators(
    name: str,
    cluster_name: pulumi.Input[str],
    principals: Sequence[str],
    partition: str,
    tags: dict[str, str],
    opts: pulumi.ResourceOptions,
) -> list[aws.eks.AccessPolicyAssociation]:
    """Let each principal administer the whole cluster."""
    scope = aws.eks.AccessPolicyAssociationAccessScopeArgs(type="cluster")
    policy = _policy(partition, "AmazonEKSClusterAdminPolicy")
    return [
        _entry(f"{name}-admin-{principal_key(principal)}", cluster_name, principal, policy, scope, tags, opts)
        for principal in principals
    ]


def graded(
    name: str,
    cluster_name: pulumi.Input[str],
    wanted: Sequence[EksAccess],
    partition: str,
    tags: dict[str, str],
    opts: pulumi.ResourceOptions,
) -> None:
    """Give each principal its rights, in the whole cluster or in some namespaces."""
    for access in wanted:
        where = list(access.namespaces)
        scope = aws.eks.AccessPolicyAssociationAccessScopeArgs(
            type="namespace" if where else "cluster", namespaces=where or None
        )
        child, policy = f"{name}-access-{principal_key(access.principal)}", _policy(partition, POLICIES[access.may])
        _entry(child, cluster_name, access.principal, policy, scope, tags, opts)


def _entry(
    name: str,
    cluster_name: pulumi.Input[str],
    principal: str,
    policy: str,
    scope: aws.eks.AccessPolicyAssociationAccessScopeArgs,
    tags: dict[str, str],
    opts: pulumi.ResourceOptions,
) -> aws.eks.AccessPolicyAssociation:
    entry = aws.eks.AccessEntry(
        name, cluster_name=cluster_name, principal_arn=principal, type="STANDARD", tags=tags, opts=opts
    )
    return aws.eks.AccessPolicyAssociation(
        name,
        cluster_name=cluster_name,
        # An output of the entry: EKS associates policies only with principals that have one.
        principal_arn=entry.principal_arn,
        policy_arn=policy,
        access_scope=scope,
        opts=opts,
    )


def _policy(partition: str, name: str) -> str:
    return f"arn:{partition}:eks::aws:cluster-access-policy/{name}"


def principal_key(arn: str) -> str:
    """Short stable name of a principal, readable and unique: `deploy-1f3a9c`."""
    readable = re.sub(r"[^a-z0-9]+", "-", arn.rpartition("/")[2].lower()).strip("-")
    return f"{readable}-{hashlib.sha256(arn.encode()).hexdigest()[:6]}"
