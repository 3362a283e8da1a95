"""Rights to answer an ACME authority in Alibaba Cloud DNS: TXT records of one domain.

cert-manager does not support Alibaba Cloud DNS: a webhook answers for it, with this identity. Makes no domain: it
exists in the account, and its name servers are Alibaba's.
Source: "RAM authorization" of AddDomainRecord, DeleteDomainRecord and DescribeDomainRecords, Alibaba Cloud DNS API
reference; README of crazygit/cert-manager-alidns-webhook, and its `pkg/alidns/solver.go`, which writes where
cert-manager's search has ended (`ResolvedFQDN`); "Delegated Domains for DNS01", cert-manager's documentation.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from llmplatform.alicloud.identity import WorkloadIdentity, WorkloadIdentityArgs
from llmplatform.alicloud.policies import Statement
from llmplatform.base.component import PlatformComponent
from llmplatform.base.ordering import after
from llmplatform.specs.cloud import Alicloud
from llmplatform.specs.environment import Environment

CHART = "cert-manager-alidns-webhook"
GROUP = "alidns.crazygit.github.io"
"""API group under which cert-manager calls the webhook: the chart's own."""


@dataclass(frozen=True, kw_only=True)
class DnsChallengeArgs:
    """Inputs of the identity."""

    environment: Environment
    cloud: Alicloud
    identity_provider_arn: pulumi.Input[str]
    """OIDC provider of the cluster."""
    identity_issuer: pulumi.Input[str]
    """Issuer of the cluster's tokens."""
    domain: str
    """Domain in Alibaba Cloud DNS, in the same account."""
    delegated: bool = False
    """Whether the domain is only for challenges: CNAME records of the hosts' domain point to it."""
    namespace: str = CHART
    service_account: str = CHART
    tags: Mapping[str, str]


class DnsChallenge(PlatformComponent):
    """The identity of the webhook for challenges, and its solver."""

    namespace: pulumi.Output[str]
    """Namespace of its service account."""
    service_account: pulumi.Output[str]
    """Name of its service account."""
    annotations: Mapping[str, pulumi.Output[str]]
    """Annotations of the service account."""
    namespace_labels: Mapping[str, str]
    """Labels of the service account's namespace."""
    solver: Mapping[str, object]
    """The solver of cert-manager's ACME issuers."""
    credentials: tuple[str, int] | None
    """None: its pods get their credentials over HTTPS."""
    webhook: str | None
    """Chart of the solver."""
    role_name: pulumi.Output[str] | None
    """Role of the solver. Depends on its rights."""

    def __init__(self, name: str, args: DnsChallengeArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:alicloud:DnsChallenge", name, opts)
        identity = WorkloadIdentity(
            f"{name}-identity",
            WorkloadIdentityArgs(
                environment=args.environment,
                identity_provider_arn=args.identity_provider_arn,
                identity_issuer=args.identity_issuer,
                namespace=args.namespace,
                service_account=args.service_account,
                tags=args.tags,
            ),
            self.child(),
        )
        grant = identity.grant("records", permissions(args.cloud, args.domain))
        self.namespace = identity.namespace
        self.service_account = identity.service_account
        self.annotations = identity.annotations
        self.namespace_labels = identity.namespace_labels
        follow = {"cnameStrategy": "Follow"} if args.delegated else {}
        self.solver = {"dns01": {"webhook": {"groupName": GROUP, "solverName": "alidns"}, **follow}}
        self.credentials = None
        self.webhook = CHART
        self.role_name = after(identity.role_name, grant)
        self.finish()


def permissions(cloud: Alicloud, domain: str) -> tuple[Statement, ...]:
    """Rights to answer a challenge. RAM has no condition on the type of a record."""
    return (
        Statement(
            actions=("alidns:AddDomainRecord", "alidns:DeleteDomainRecord", "alidns:DescribeDomainRecords"),
            resources=(f"acs:alidns:*:{cloud.account_id}:domain/{domain}",),
        ),
    )
