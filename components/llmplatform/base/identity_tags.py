"""The tag that names the resource of a cloud object, so that recovery finds the object of an interrupted create.

A URN is unsuitable: it contains `$`, which AWS refuses in tags, and can exceed Alibaba Cloud's 128 characters.
Sources: EC2 user guide, "Tag naming and usage conventions"; Alibaba Cloud, "Tag limits".
"""

from collections.abc import Mapping
from typing import Any

import pulumi

from llmplatform.catalog.tags import RESOURCE_TAG, resource_tag

_CLOUDS = ("aws:", "alicloud:")


def identified(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
    """A transformation that adds the tag to every cloud resource that carries tags."""
    tags = args.props.get("tags")
    if not args.type_.startswith(_CLOUDS) or tags is None:
        return None
    value = resource_tag(args.type_, args.name)

    def tagged(found: Any) -> Any:
        return {**found, RESOURCE_TAG: value} if isinstance(found, Mapping) else found

    after = tags.apply(tagged) if isinstance(tags, pulumi.Output) else tagged(tags)
    return pulumi.ResourceTransformationResult(props={**args.props, "tags": after}, opts=args.opts)
