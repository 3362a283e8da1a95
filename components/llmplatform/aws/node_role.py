"""The role of nodes: join the cluster, pull images. It is not for pods, not even on the host's network.

Except for one: if `vpc-cni` has no role of its own, aws-node uses the node's, and without that right no pod gets
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
    """Inputs of the role."""

    cloud: Aws
    tags: Mapping[str, str]
    cni: bool = True
    """Whether aws-node uses the node's role. False if its add-on has its own role, as in a `Cluster`."""


class NodeRole(PlatformComponent):
    """The role of all nodes of a cluster. EKS creates its access entry for the first node group."""

    role_arn: pulumi.Output[str]
    """ARN. Depends on the role's rights."""

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
