"""The rights of one service account of a cluster in AWS: EKS Pod Identity, without a key.

Makes: a role that only this service account can assume, its association, and one policy for each grant.
Does not: the service account itself. Pods get the rights if they start after the association exists.
Source: "Create IAM role with trust policy required by EKS Pod Identity" and its request tags, EKS user guide.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from llmplatform.aws.policies import document, trust
from llmplatform.aws.roles import iam_role
from llmplatform.base.component import PlatformComponent
from llmplatform.base.contracts import Grant, Identities
from llmplatform.base.ordering import after
from llmplatform.specs.cloud import Aws

POD_IDENTITY_AGENT = ("169.254.170.23/32", 80)
"""Where the agent on each node hands out credentials. Source: "Set up the Amazon EKS Pod Identity Agent", EKS user
guide."""


@dataclass(frozen=True, kw_only=True)
class WorkloadIdentityArgs:
    """The service account, and its cluster."""

    cluster_name: pulumi.Input[str]
    cloud: Aws
    namespace: str
    service_account: str
    grants: tuple[Grant, ...] = ()
    """Its rights."""
    tags: Mapping[str, str]


class WorkloadIdentity(PlatformComponent):
    """A service account with the granted rights in AWS."""

    namespace: pulumi.Output[str]
    """Namespace of the service account. Depends on the association and the rights."""
    service_account: pulumi.Output[str]
    """Name of the service account. Depends on the association and the rights."""
    annotations: Mapping[str, pulumi.Output[str]]
    """Empty: Pod Identity needs no annotation on the service account."""
    namespace_labels: Mapping[str, str]
    """Empty: Pod Identity needs no label on the namespace."""
    credentials: tuple[str, int] | None
    """Range and TCP port of the agent that hands out credentials."""
    role_name: pulumi.Output[str]
    """Name of the role. Depends on the rights."""
    role_arn: pulumi.Output[str]
    """ARN of the role."""

    def __init__(self, name: str, args: WorkloadIdentityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:aws:WorkloadIdentity", name, opts)
        role = pod_role(name, args, self.child())
        association = aws.eks.PodIdentityAssociation(
            f"{name}-association",
            cluster_name=args.cluster_name,
            namespace=args.namespace,
            service_account=args.service_account,
            role_arn=role.arn,
            tags=args.tags,
            opts=self.child(),
        )
        rights = [
            aws.iam.RolePolicy(
                f"{name}-{grant.name}",
                role=role.name,
                policy=pulumi.Output.from_input(grant.statements).apply(lambda given: document(*given)),
                opts=self.child(),
            )
            for grant in args.grants
        ]
        self.namespace = after(args.namespace, association, *rights)
        self.service_account = after(args.service_account, association, *rights)
        self.annotations = {}
        self.namespace_labels = {}
        self.credentials = POD_IDENTITY_AGENT
        self.role_name = after(role.name, *rights)
        self.role_arn = role.arn
        self.finish()


def identities(
    cluster_name: pulumi.Input[str], cloud: Aws, tags: Mapping[str, str], opts: pulumi.ResourceOptions
) -> Identities:
    """Makes identities for the service accounts of a cluster."""

    def identity(name: str, /, *, namespace: str, service_account: str, grants: Sequence[Grant]) -> WorkloadIdentity:
        args = WorkloadIdentityArgs(
            cluster_name=cluster_name,
            cloud=cloud,
            namespace=namespace,
            service_account=service_account,
            grants=tuple(grants),
            tags=tags,
        )
        return WorkloadIdentity(name, args, opts)

    return identity


def pod_role(name: str, args: WorkloadIdentityArgs, opts: pulumi.ResourceOptions) -> aws.iam.Role:
    """A role that only the pods of the service account can assume."""

    def policy(cluster: str) -> str:
        tags = {
            "aws:RequestTag/eks-cluster-name": cluster,
            "aws:RequestTag/kubernetes-namespace": args.namespace,
            "aws:RequestTag/kubernetes-service-account": args.service_account,
        }
        return trust("pods.eks.amazonaws.com", conditions={"StringEquals": tags}, tag_session=True)

    trusted = pulumi.Output.from_input(args.cluster_name).apply(policy)
    return iam_role(f"{name}-role", args.cloud, trusted, args.tags, opts)
