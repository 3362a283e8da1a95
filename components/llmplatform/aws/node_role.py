"""The role that nodes act as: join the cluster, attach addresses, pull images. It is not for pods."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from llmplatform.aws.policies import managed, trust
from llmplatform.base.component import PlatformComponent
from llmplatform.base.ordering import after
from llmplatform.specs.cloud import Aws

POLICIES = (
    "AmazonEKSWorkerNodePolicy",
    "AmazonEC2ContainerRegistryPullOnly",
    # Session Manager is the only way to a shell on a node: no keys, no open port.
    "AmazonSSMManagedInstanceCore",
    # The CNI could have it by pod identity, but then a node would wait for the agent's first answer to become ready.
    "AmazonEKS_CNI_Policy",
)


@dataclass(frozen=True, kw_only=True)
class NodeRoleArgs:
    """Where the role lives."""

    cloud: Aws
    tags: Mapping[str, str]


class NodeRole(PlatformComponent):
    """The role of all nodes of a cluster. EKS makes its access entry when a node group first uses it."""

    role_arn: pulumi.Output[str]
    """ARN. Nodes that use it are gone before its rights are: without them they could not give back their interfaces."""

    def __init__(self, name: str, args: NodeRoleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:aws:NodeRole", name, opts)
        role = aws.iam.Role(
            f"{name}-node", assume_role_policy=trust("ec2.amazonaws.com"), tags=args.tags, opts=self.child()
        )
        attachments = [
            aws.iam.RolePolicyAttachment(
                f"{name}-{policy}",
                role=role.name,
                policy_arn=managed(args.cloud.partition, policy),
                opts=self.child(),
            )
            for policy in POLICIES
        ]
        self.role_arn = after(role.arn, *attachments)
        self.finish()
