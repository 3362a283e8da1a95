"""Puts what is made into a resource group, by which accounts share out rights and cost.

Source: terraform-provider-alicloud v2.0.0-beta3: `resource_group_id` of these resources is optional, and changes in
place. vSwitches, NAT gateways, route tables, keys of KMS and RAM's roles take none: those of a network follow the VPC.
"""

from collections.abc import Callable

import pulumi

GROUPED = frozenset(
    {
        "alicloud:cs/managedKubernetes:ManagedKubernetes",
        "alicloud:cs/nodePool:NodePool",
        "alicloud:ecs/eipAddress:EipAddress",
        "alicloud:log/project:Project",
        "alicloud:nas/fileSystem:FileSystem",
        "alicloud:oss/bucket:Bucket",
        "alicloud:vpc/flowLog:FlowLog",
        "alicloud:vpc/network:Network",
    }
)
"""Types of resources that can be put into a group."""


def grouped(group: str) -> Callable[[pulumi.ResourceTransformationArgs], pulumi.ResourceTransformationResult | None]:
    """A transformation for `ResourceOptions.transformations`."""

    def into(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        if args.type_ not in GROUPED:
            return None
        return pulumi.ResourceTransformationResult(props={**args.props, "resource_group_id": group}, opts=args.opts)

    return into
