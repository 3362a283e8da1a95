"""Rights of cluster-autoscaler in AWS: read node groups, and resize those of its cluster.

Source: cluster-autoscaler's AWS provider README, "Full Cluster Autoscaler Features Policy".
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from llmplatform.aws.identity import WorkloadIdentity, WorkloadIdentityArgs
from llmplatform.aws.policies import Statement
from llmplatform.base.component import PlatformComponent
from llmplatform.base.ordering import after
from llmplatform.specs.cloud import Aws


@dataclass(frozen=True, kw_only=True)
class AutoscalingArgs:
    """Inputs of the identity."""

    cluster_name: pulumi.Input[str]
    cloud: Aws
    namespace: str = "kube-system"
    service_account: str = "cluster-autoscaler"
    tags: Mapping[str, str]


class Autoscaling(PlatformComponent):
    """The identity of cluster-autoscaler."""

    namespace: pulumi.Output[str]
    """Namespace of its service account."""
    service_account: pulumi.Output[str]
    """Name of its service account. Depends on the rights."""
    annotations: Mapping[str, pulumi.Output[str]]
    """Annotations of the service account: none on AWS."""
    namespace_labels: Mapping[str, str]
    """Labels of its namespace: none on AWS."""

    def __init__(self, name: str, args: AutoscalingArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:aws:Autoscaling", name, opts)
        identity = WorkloadIdentity(
            f"{name}-identity",
            WorkloadIdentityArgs(
                cluster_name=args.cluster_name,
                cloud=args.cloud,
                namespace=args.namespace,
                service_account=args.service_account,
                tags=args.tags,
            ),
            self.child(),
        )
        cluster = pulumi.Output.from_input(args.cluster_name)
        grant = identity.grant("scale", cluster.apply(lambda known: permissions(args.cloud, known)))
        self.namespace = after(identity.namespace, grant)
        self.service_account = after(identity.service_account, grant)
        self.annotations = identity.annotations
        self.namespace_labels = identity.namespace_labels
        self.finish()


def permissions(cloud: Aws, cluster: str) -> tuple[Statement, ...]:
    """What the autoscaler of a cluster needs. EKS puts the `owned` tag on the groups of its node groups by itself."""
    place = f"{cloud.partition}:{{service}}:{cloud.region}:{cloud.account_id}"
    return (
        Statement(
            sid="ReadGroups",
            actions=(
                "autoscaling:DescribeAutoScalingGroups",
                "autoscaling:DescribeAutoScalingInstances",
                "autoscaling:DescribeLaunchConfigurations",
                # It shows a group without stock at once, and not after the time limit of a node.
                "autoscaling:DescribeScalingActivities",
                "autoscaling:DescribeTags",
            ),
            any_resource_because="EC2 Auto Scaling's Describe actions know no resource",
        ),
        Statement(
            sid="ReadMachines",
            actions=(
                "ec2:DescribeImages",
                "ec2:DescribeInstanceTypes",
                "ec2:DescribeLaunchTemplateVersions",
                "ec2:GetInstanceTypesFromInstanceRequirements",
            ),
            any_resource_because="EC2's Describe actions know no resource",
        ),
        Statement(
            sid="ReadNodeGroups",
            actions=("eks:DescribeNodegroup",),
            resources=(f"arn:{place.format(service='eks')}:nodegroup/{cluster}/*/*",),
        ),
        Statement(
            sid="SizeOwnGroups",
            actions=("autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"),
            resources=(f"arn:{place.format(service='autoscaling')}:autoScalingGroup:*:autoScalingGroupName/*",),
            conditions={"StringEquals": {f"aws:ResourceTag/k8s.io/cluster-autoscaler/{cluster}": "owned"}},
        ),
    )
