"""The rights of one service account of a cluster in Alibaba Cloud: RRSA, without a key.

Makes: a role that only this service account can assume, and one policy for each grant. Does not: the service account
itself, which has the annotation, nor its namespace, which has the label: by these two ack-pod-identity-webhook gives
pods their token. Only Alibaba's newer SDKs use it.
Source: "Use RRSA to authorize pods to access different cloud services", ACK documentation.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_alicloud as alicloud

from llmplatform.alicloud.policies import document, trust
from llmplatform.base.component import PlatformComponent
from llmplatform.base.contracts import Grant, Identities
from llmplatform.base.ordering import after
from llmplatform.specs.environment import Environment

ROLE_ANNOTATION = "pod-identity.alibabacloud.com/role-name"
INJECTION_LABEL = {"pod-identity.alibabacloud.com/injection": "on"}

MAX_ROLE_NAME = 64


@dataclass(frozen=True, kw_only=True)
class WorkloadIdentityArgs:
    """The service account, and its cluster."""

    environment: Environment
    identity_provider_arn: pulumi.Input[str]
    """OIDC provider of the cluster."""
    identity_issuer: pulumi.Input[str]
    """Issuer of the cluster's tokens."""
    namespace: str
    service_account: str
    grants: tuple[Grant, ...] = ()
    """Its rights."""
    tags: Mapping[str, str]


class WorkloadIdentity(PlatformComponent):
    """A service account with the granted rights in Alibaba Cloud."""

    namespace: pulumi.Output[str]
    """Namespace of the service account."""
    service_account: pulumi.Output[str]
    """Name of the service account."""
    annotations: Mapping[str, pulumi.Output[str]]
    """The role's name, for the service account. Depends on the rights."""
    namespace_labels: Mapping[str, str]
    """Labels of the namespace, so that its pods get their token."""
    credentials: tuple[str, int] | None
    """None: pods get their credentials over HTTPS."""
    role_name: pulumi.Output[str]
    """Name of the role. Depends on the rights."""
    role_arn: pulumi.Output[str]
    """ARN of the role."""

    def __init__(self, name: str, args: WorkloadIdentityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:alicloud:WorkloadIdentity", name, opts)
        self._prefix, self._args = name, args
        role = self._make_role()
        rights = [self._grant(role, grant) for grant in args.grants]
        role_name = after(role.role_name, *rights)
        self.namespace = pulumi.Output.from_input(args.namespace)
        self.service_account = pulumi.Output.from_input(args.service_account)
        self.annotations = {ROLE_ANNOTATION: role_name}
        self.namespace_labels = INJECTION_LABEL
        self.credentials = None
        self.role_name = role_name
        self.role_arn = role.arn
        self.finish()

    def _grant(self, role: alicloud.ram.Role, grant: Grant) -> alicloud.ram.RolePolicyAttachment:
        name = f"{self._prefix}-{grant.name}"
        policy = alicloud.ram.Policy(
            name,
            policy_name=f"{self._args.environment.name}-{name}",
            policy_document=pulumi.Output.from_input(grant.statements).apply(lambda given: document(*given)),
            # A policy keeps five versions; without this the sixth change is refused.
            rotate_strategy="DeleteOldestNonDefaultVersionWhenLimitExceeded",
            tags=self._args.tags,
            opts=self.child(),
        )
        return alicloud.ram.RolePolicyAttachment(
            name,
            role_name=role.role_name,
            policy_name=policy.policy_name,
            policy_type="Custom",
            opts=self.child(),
        )

    def _make_role(self) -> alicloud.ram.Role:
        args = self._args
        role_name = f"{args.environment.name}-{self._prefix}"
        if len(role_name) > MAX_ROLE_NAME:
            raise ValueError(f"role {role_name}: {len(role_name)} characters, and RAM takes {MAX_ROLE_NAME}")

        def policy(found: Sequence[str]) -> str:
            return trust(found[0], found[1], namespace=args.namespace, service_account=args.service_account)

        return alicloud.ram.Role(
            f"{self._prefix}-role",
            role_name=role_name,
            description=f"Pods of {args.namespace}/{args.service_account}",
            assume_role_policy_document=pulumi.Output.all(args.identity_provider_arn, args.identity_issuer).apply(
                policy
            ),
            tags=args.tags,
            opts=self.child(),
        )


def identities(
    environment: Environment,
    provider_arn: pulumi.Input[str],
    issuer: pulumi.Input[str],
    tags: Mapping[str, str],
    opts: pulumi.ResourceOptions,
) -> Identities:
    """Makes identities for the service accounts of the cluster with that OIDC provider."""

    def identity(name: str, /, *, namespace: str, service_account: str, grants: Sequence[Grant]) -> WorkloadIdentity:
        args = WorkloadIdentityArgs(
            environment=environment,
            identity_provider_arn=provider_arn,
            identity_issuer=issuer,
            namespace=namespace,
            service_account=service_account,
            grants=tuple(grants),
            tags=tags,
        )
        return WorkloadIdentity(name, args, opts)

    return identity
