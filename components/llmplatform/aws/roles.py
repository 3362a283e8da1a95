"""IAM roles with the path and permissions boundary of the settings."""

from collections.abc import Mapping

import pulumi
import pulumi_aws as aws

from llmplatform.specs.cloud import Aws


def iam_role(
    name: str, cloud: Aws, trusted: pulumi.Input[str], tags: Mapping[str, str], opts: pulumi.ResourceOptions
) -> aws.iam.Role:
    """A role with a trust policy."""
    return aws.iam.Role(
        name,
        assume_role_policy=trusted,
        path=cloud.role_path,
        permissions_boundary=cloud.permissions_boundary,
        tags=tags,
        opts=opts,
    )
