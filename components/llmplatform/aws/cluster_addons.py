"""Managed add-ons that need a node to run on: cluster DNS, the drivers of volumes, metrics, and the watch over nodes.

They are made side by side once there are nodes; before that they would stay degraded until EKS gives up on them.
Needed: a pool without taints that has nodes from the start; only the watch tolerates the taint of GPU nodes.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from llmplatform.aws.identity import WorkloadIdentityArgs, pod_role
from llmplatform.aws.policies import managed
from llmplatform.base.component import PlatformComponent
from llmplatform.base.ordering import after
from llmplatform.catalog import versions
from llmplatform.specs.cloud import Aws

ADDONS = ("coredns", "metrics-server", "eks-node-monitoring-agent")
"""Add-ons that need no rights in AWS."""


@dataclass(frozen=True, kw_only=True)
class Driver:
    """A storage driver, with the rights it needs in AWS."""

    addon: str
    service_account: str
    policy: str
    """Policy that AWS manages for the driver: it is limited to what carries the driver's own tag."""


DRIVERS = (
    Driver(
        addon="aws-ebs-csi-driver",
        service_account="ebs-csi-controller-sa",
        policy="service-role/AmazonEBSCSIDriverPolicy",
    ),
    Driver(
        addon="aws-efs-csi-driver",
        service_account="efs-csi-controller-sa",
        policy="service-role/AmazonEFSCSIDriverPolicy",
    ),
)


@dataclass(frozen=True, kw_only=True)
class ClusterAddonsArgs:
    """Which cluster."""

    cluster_name: pulumi.Input[str]
    """Name of the cluster, from pools without taints: that output waits for their nodes."""
    kubernetes_version: str
    """Minor of the cluster."""
    cloud: Aws
    tags: Mapping[str, str]


class ClusterAddons(PlatformComponent):
    """The add-ons that workloads lean on."""

    cluster_name: pulumi.Output[str]
    """Name of the cluster, for what needs DNS or volumes: it is made after the add-ons and gone before them."""

    def __init__(self, name: str, args: ClusterAddonsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:aws:ClusterAddons", name, opts)
        self._prefix, self._args = name, args
        plain = [self._addon(addon) for addon in ADDONS]
        drivers = [self._addon(driver.addon, self._association(driver)) for driver in DRIVERS]
        self.cluster_name = after(args.cluster_name, *plain, *drivers)
        self.finish()

    def _association(self, driver: Driver) -> aws.eks.AddonPodIdentityAssociationArgs:
        args = self._args
        account = WorkloadIdentityArgs(
            cluster_name=args.cluster_name,
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
        # The driver gives its volumes back with these rights, so they outlive it.
        return aws.eks.AddonPodIdentityAssociationArgs(
            role_arn=after(role.arn, attachment), service_account=driver.service_account
        )

    def _addon(self, addon: str, association: aws.eks.AddonPodIdentityAssociationArgs | None = None) -> aws.eks.Addon:
        return aws.eks.Addon(
            f"{self._prefix}-{addon}",
            cluster_name=self._args.cluster_name,
            addon_name=addon,
            addon_version=versions.eks_addon(addon, self._args.kubernetes_version),
            pod_identity_associations=[association] if association else None,
            resolve_conflicts_on_create="OVERWRITE",
            resolve_conflicts_on_update="OVERWRITE",
            tags=self._args.tags,
            opts=self.child(),
        )
