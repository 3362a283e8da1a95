"""Managed add-ons that need a node to run on: cluster DNS, volume drivers, snapshots, metrics, node monitoring.

They are created in parallel once nodes are ready; before that EKS would time out on degraded add-ons.
Needed: a pool without taints that has nodes from the start. DaemonSets tolerate every taint.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from llmplatform.aws.addons import addon
from llmplatform.aws.identity import WorkloadIdentityArgs, pod_role
from llmplatform.aws.policies import Statement, document, managed
from llmplatform.base.component import PlatformComponent
from llmplatform.base.ordering import after
from llmplatform.specs.cloud import Aws
from llmplatform.specs.cluster import EksAddonName, NewEksCluster

ADDONS: tuple[EksAddonName, ...] = ("coredns", "metrics-server", "eks-node-monitoring-agent")
"""Add-ons without rights in AWS."""
SNAPSHOTS: EksAddonName = "snapshot-controller"
"""Installs the CRDs of snapshots (EKS user guide, "Enable snapshot functionality for CSI volumes"). It needs no rights:
the driver creates the snapshots."""


@dataclass(frozen=True, kw_only=True)
class Driver:
    """A storage driver and its rights in AWS."""

    addon: EksAddonName
    service_account: str
    policy: str
    """Policy that AWS manages for the driver. It is limited to objects with the driver's tag; for EBS, with the
    cluster's tag, by the session tag of pod identity (driver 1.58 and newer)."""


EBS: EksAddonName = "aws-ebs-csi-driver"
DRIVERS = (
    Driver(
        addon=EBS,
        service_account="ebs-csi-controller-sa",
        policy="AmazonEBSCSIDriverEKSClusterScopedPolicy",
    ),
    Driver(
        addon="aws-efs-csi-driver",
        service_account="efs-csi-controller-sa",
        policy="service-role/AmazonEFSCSIDriverPolicy",
    ),
)


@dataclass(frozen=True, kw_only=True)
class ClusterAddonsArgs:
    """Inputs of the add-ons."""

    cluster_name: pulumi.Input[str]
    """Name of the cluster, from pools without taints: it depends on their nodes."""
    spec: NewEksCluster
    cloud: Aws
    tags: Mapping[str, str]


class ClusterAddons(PlatformComponent):
    """The add-ons that workloads need."""

    cluster_name: pulumi.Output[str]
    """Name of the cluster, for resources that need DNS or volumes. Depends on the add-ons."""

    def __init__(self, name: str, args: ClusterAddonsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:aws:ClusterAddons", name, opts)
        self._prefix, self._args = name, args
        wanted = (*ADDONS, SNAPSHOTS) if args.spec.snapshots else ADDONS
        plain = [self._addon(each) for each in wanted]
        drivers = [self._addon(driver.addon, self._association(driver)) for driver in DRIVERS]
        self.cluster_name = after(args.cluster_name, *plain, *drivers)
        self.finish()

    def _association(self, driver: Driver) -> aws.eks.AddonPodIdentityAssociationArgs:
        args = self._args
        account = WorkloadIdentityArgs(
            cluster_name=args.cluster_name,
            cloud=args.cloud,
            namespace="kube-system",
            service_account=driver.service_account,
            tags=args.tags,
        )
        role = pod_role(f"{self._prefix}-{driver.addon}", account, self.child())
        attachment = aws.iam.RolePolicyAttachment(
            f"{self._prefix}-{driver.addon}",
            role=role.name,
            policy_arn=managed(args.cloud.partition, driver.policy),
            opts=self.child(),
        )
        rights: list[pulumi.Resource] = [attachment]
        if args.cloud.data_key and driver.addon == EBS:
            policy = aws.iam.RolePolicy(
                f"{self._prefix}-{driver.addon}-key",
                role=role.name,
                policy=document(*key_permissions(args.cloud.data_key)),
                opts=self.child(),
            )
            rights.append(policy)
        # The driver releases its volumes with these rights, so they outlive it.
        return aws.eks.AddonPodIdentityAssociationArgs(
            role_arn=after(role.arn, *rights), service_account=driver.service_account
        )

    def _addon(
        self, each: EksAddonName, association: aws.eks.AddonPodIdentityAssociationArgs | None = None
    ) -> aws.eks.Addon:
        args = self._args
        extra = {"controller": {"extraVolumeTags": volume_tags(args.tags)}} if each == EBS else None
        return addon(
            f"{self._prefix}-{each}",
            each,
            args.cluster_name,
            args.spec,
            args.tags,
            self.child(),
            extra=extra,
            association=association,
        )


def volume_tags(tags: Mapping[str, str]) -> dict[str, Any]:
    """Tags of the pods' volumes, for sweeping and cost allocation.

    The driver reads them as `key=value`, separated by commas (docs/options.md of it, `--extra-tags`).
    """
    return {key: value for key, value in tags.items() if "=" not in key and "," not in f"{key}{value}"}


def key_permissions(key: str) -> tuple[Statement, ...]:
    """The driver's use of a customer's key: docs/example-iam-policy.json of the driver, "KMS"."""
    return (
        Statement(
            sid="GrantToVolumes",
            actions=("kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant"),
            resources=(key,),
            conditions={"Bool": {"kms:GrantIsForAWSResource": "true"}},
        ),
        Statement(
            sid="EncryptVolumes",
            actions=(
                "kms:Encrypt",
                "kms:Decrypt",
                "kms:ReEncryptFrom",
                "kms:ReEncryptTo",
                "kms:GenerateDataKey",
                "kms:GenerateDataKeyWithoutPlaintext",
                "kms:DescribeKey",
            ),
            resources=(key,),
        ),
    )
