"""Whether a node group can still be worked with, by EKS' own word.

A group that could not be made stays `CREATE_FAILED`, and EKS takes no change of it. The engine keeps it with the error
of its creation, and the next update, which finds nothing to change, counts as its healing: so the program looks itself.
Source: `NodegroupStatus`, EKS API; the bridge of Terraform's providers returns such a create as a partial state
(pulumi/pulumi-terraform-bridge, pkg/tfbridge/provider.go, `Create`).
An error that reaches a registration, a component's outputs among them, ends the program with others still on their way
(`wait_for_rpcs`, pulumi/pulumi, sdk/python/lib/pulumi/runtime/stack.py); one that nobody uses is raised after all.
"""

from collections.abc import Iterable, Sequence

import pulumi
import pulumi_aws as aws
from pulumi_aws.eks.outputs import NodeGroupResource

BROKEN = ("CREATE_FAILED", "DELETE_FAILED")


def faults(groups: Iterable[aws.eks.NodeGroup]) -> pulumi.Output[Sequence[str]]:
    """A sentence for each group that is broken."""
    return pulumi.Output.all(*(pulumi.Output.all(group.urn, group.status) for group in groups)).apply(_broken)


def fail_at_the_end(*pools: pulumi.Output[Sequence[str]]) -> None:
    """Fail the program with all faults of its pools, once all else is done: nothing waits for the remedy."""
    pulumi.Output.all(*pools).apply(_raise)


def autoscaling_group(group: aws.eks.NodeGroup) -> pulumi.Output[str]:
    """Name of the Auto Scaling group behind a node group."""
    return pulumi.Output.all(group.urn, group.resources.apply(_names)).apply(lambda found: _first(*found))


def _broken(found: Sequence[Sequence[str]]) -> Sequence[str]:
    return [_fault(urn, word) for urn, word in found if word in BROKEN]


def _raise(pools: Sequence[Sequence[str]]) -> None:
    lines = [line for faults in pools for line in faults]
    if lines:
        raise pulumi.RunError("\n".join(lines))


def _names(resources: Sequence[NodeGroupResource] | None) -> list[str]:
    return [group.name or "" for resource in resources or () for group in resource.autoscaling_groups or ()]


def _first(urn: str, names: Sequence[str]) -> str:
    if not names:
        raise pulumi.RunError(_fault(urn, "without an Auto Scaling group"))
    return names[0]


def _fault(urn: str, fault: str) -> str:
    name = urn.rpartition("::")[2]
    return (
        f"node group {name}: it is {fault}, and EKS takes no change of it; see what was missing (quota, stock, the "
        f"role's rights), and make another one: pulumi up --replace '{urn}'"
    )
