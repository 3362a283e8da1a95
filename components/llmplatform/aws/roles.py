"""IAM roles as an account wants them: all within one path, and none with more rights than one boundary."""

from collections.abc import Mapping

import pulumi
import pulumi_aws as aws

from llmplatform.specs.cloud import Aws


def iam_role(
    name: str, cloud: Aws, trusted: pulumi.Input[str], tags: Mapping[str, str], opts: pulumi.ResourceOptions
) -> aws.iam.Role:
    """A role that those of its trust policy can take."""
    return aws.iam.Role(
        name,
        assume_role_policy=trusted,
        path=cloud.role_path,
        permissions_boundary=cloud.permissions_boundary,
        tags=tags,
        opts=opts,
    )
