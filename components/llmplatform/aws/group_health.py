"""Finds node groups that EKS no longer accepts changes of.

A group whose creation failed stays `CREATE_FAILED`, and EKS refuses every change of it. The engine keeps it with the
error of its creation, and the next update, which finds no change, treats it as healthy: so the program checks itself. A
group that failed early has no Auto Scaling group: `Nodegroup.resources` and `NodegroupResources.autoScalingGroups` may
both be absent (EKS API reference; botocore's model of eks).
Source: `NodegroupStatus`, EKS API; the bridge of Terraform's providers returns such a create as a partial state
(pulumi/pulumi-terraform-bridge, pkg/tfbridge/provider.go, `Create`).
"""

from collections.abc import Iterable, Sequence

import pulumi
import pulumi_aws as aws
from pulumi_aws.eks.outputs import NodeGroupResource

BROKEN = ("CREATE_FAILED", "DELETE_FAILED")


def faults(groups: Iterable[aws.eks.NodeGroup]) -> pulumi.Output[Sequence[str]]:
    """A sentence for each failed group."""
    looked_at = (pulumi.Output.all(group.urn, group.status, autoscaling_group(group)) for group in groups)
    return pulumi.Output.all(*looked_at).apply(lambda found: [_fault(*each) for each in found if _broken(*each)])


def autoscaling_group(group: aws.eks.NodeGroup) -> pulumi.Output[str]:
    """Name of the Auto Scaling group behind a node group; empty if there is none."""
    return group.resources.apply(_first)


def _first(resources: Sequence[NodeGroupResource] | None) -> str:
    found = (group.name or "" for resource in resources or () for group in resource.autoscaling_groups or ())
    return next(found, "")


def _broken(urn: str, status: str, name: str) -> bool:
    return status in BROKEN or not name


def _fault(urn: str, status: str, name: str) -> str:
    what = status if status in BROKEN else "without an Auto Scaling group"
    return (
        f"node group {urn.rpartition('::')[2]}: it is {what}, and EKS takes no change of it; see what was missing "
        f"(quota, stock, the role's rights), and make another one: pulumi up --replace '{urn}'"
    )
