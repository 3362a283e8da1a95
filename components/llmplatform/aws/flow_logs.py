"""Log of a network's accepted and refused connections, kept for a month."""

from collections.abc import Mapping

import pulumi
import pulumi_aws as aws

from llmplatform.aws.policies import Statement, document, trust
from llmplatform.aws.roles import iam_role
from llmplatform.base.ordering import after
from llmplatform.specs.cloud import Aws

RETENTION_DAYS = 30


def flow_logs(
    name: str, vpc: aws.ec2.Vpc, cloud: Aws, tags: Mapping[str, str], opts: pulumi.ResourceOptions
) -> aws.ec2.FlowLog:
    """Flow log of a VPC, with its log group and role."""
    group = aws.cloudwatch.LogGroup(
        f"{name}-logs", retention_in_days=RETENTION_DAYS, kms_key_id=cloud.data_key, tags=tags, opts=opts
    )
    trusted = trust("vpc-flow-logs.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": cloud.account_id}})
    role = iam_role(f"{name}-logs", cloud, trusted, tags, opts)
    policy = aws.iam.RolePolicy(f"{name}-logs", role=role.name, policy=group.arn.apply(_write), opts=opts)
    return aws.ec2.FlowLog(
        name,
        vpc_id=vpc.id,
        traffic_type="ALL",
        log_destination_type="cloud-watch-logs",
        log_destination=group.arn,
        iam_role_arn=after(role.arn, policy),
        tags=tags,
        opts=opts,
    )


def _write(group_arn: str) -> str:
    return document(
        Statement(
            sid="WriteFlowLogs",
            actions=("logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"),
            resources=(group_arn, f"{group_arn}:*"),
        ),
        Statement(
            sid="FindLogGroups",
            actions=("logs:DescribeLogGroups",),
            any_resource_because="DescribeLogGroups knows no resource",
        ),
    )
