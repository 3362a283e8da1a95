"""The role that nodes act as: join the cluster, pull images. It is not for pods, not even on the host's network.

But for one: where `vpc-cni` has no role of its own, aws-node acts as the node, and without the right to it no pod gets
an address and no node is ready (EKS user guide, "Amazon EKS node IAM role"; amazon-vpc-cni-k8s, docs/iam-policy.md).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from llmplatform.aws.policies import managed, trust
from llmplatform.aws.roles import iam_role
from llmplatform.base.component import PlatformComponent
from llmplatform.base.ordering import after
from llmplatform.specs.cloud import Aws

POLICIES = (
    "AmazonEKSWorkerNodePolicy",
    "AmazonEC2ContainerRegistryPullOnly",
    # Session Manager is the only way to a shell on a node: no keys, no open port.
    "AmazonSSMManagedInstanceCore",
)
CNI_POLICY = "AmazonEKS_CNI_Policy"


@dataclass(frozen=True, kw_only=True)
class NodeRoleArgs:
    """Where the role lives."""

    cloud: Aws
    tags: Mapping[str, str]
    cni: bool = True
    """Whether aws-node may act as the node. False where its add-on has a role of its own, as in a `Cluster`."""


class NodeRole(PlatformComponent):
    """The role of all nodes of a cluster. EKS makes its access entry when a node group first uses it."""

    role_arn: pulumi.Output[str]
    """ARN. Nodes that use it are gone before its rights are."""

    def __init__(self, name: str, args: NodeRoleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:aws:NodeRole", name, opts)
        role = iam_role(f"{name}-node", args.cloud, trust("ec2.amazonaws.com"), args.tags, self.child())
        attachments = [
            aws.iam.RolePolicyAttachment(
                f"{name}-{policy}",
                role=role.name,
                policy_arn=managed(args.cloud.partition, policy),
                opts=self.child(),
            )
            for policy in (*POLICIES, *([CNI_POLICY] if args.cni else []))
        ]
        self.role_arn = after(role.arn, *attachments)
        self.finish()
