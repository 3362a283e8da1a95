"""Whether a node group can still be worked with, by EKS' own word.

A group that could not be made stays `CREATE_FAILED`, and EKS takes no change of it. The engine keeps it with the error
of its creation, and the next update, which finds nothing to change, counts as its healing: so the program looks itself.
Source: `NodegroupStatus`, EKS API; the bridge of Terraform's providers returns such a create as a partial state
(pulumi/pulumi-terraform-bridge, pkg/tfbridge/provider.go, `Create`).
"""

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws
from pulumi_aws.eks.outputs import NodeGroupResource

BROKEN = ("CREATE_FAILED", "DELETE_FAILED")


def status(group: aws.eks.NodeGroup) -> pulumi.Output[str]:
    """The group's status. A broken one fails the program, once all else that can be done is done."""
    return pulumi.Output.all(group.urn, group.status).apply(lambda found: _checked(*found))


def autoscaling_group(group: aws.eks.NodeGroup) -> pulumi.Output[str]:
    """Name of the Auto Scaling group behind a node group."""
    return pulumi.Output.all(group.urn, group.resources.apply(_names)).apply(lambda found: _first(*found))


def _checked(urn: str, word: str) -> str:
    if word in BROKEN:
        raise _error(urn, word)
    return word


def _names(resources: Sequence[NodeGroupResource] | None) -> list[str]:
    return [group.name or "" for resource in resources or () for group in resource.autoscaling_groups or ()]


def _first(urn: str, names: Sequence[str]) -> str:
    if not names:
        raise _error(urn, "without an Auto Scaling group")
    return names[0]


def _error(urn: str, fault: str) -> pulumi.RunError:
    name = urn.rpartition("::")[2]
    return pulumi.RunError(
        f"node group {name}: it is {fault}, and EKS takes no change of it; see what was missing (quota, stock, the "
        f"role's rights), and make another one: pulumi up --replace '{urn}'"
    )
