"""Puts resources into a resource group, by which accounts divide rights and costs."""

from collections.abc import Callable

import pulumi

from llmplatform.catalog.resources import RESOURCES


def grouped(group: str) -> Callable[[pulumi.ResourceTransformationArgs], pulumi.ResourceTransformationResult | None]:
    """A transformation for `ResourceOptions.transformations`."""

    def into(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        row = RESOURCES.get(args.type_)
        if row is None or not row.resource_group:
            return None
        return pulumi.ResourceTransformationResult(props={**args.props, "resource_group_id": group}, opts=args.opts)

    return into
