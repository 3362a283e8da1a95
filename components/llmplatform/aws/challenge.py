"""Rights of cert-manager in AWS: prove ownership of a domain, by TXT records of one hosted zone.

Makes no zone: it exists and is public, else no authority could read it.
Source: "Route53", ACME DNS-01 configuration, cert-manager's documentation; conditions of Route 53 in the service
authorization reference; "Set up the Amazon EKS Pod Identity Agent", EKS user guide.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from llmplatform.aws.identity import WorkloadIdentity, WorkloadIdentityArgs
from llmplatform.aws.policies import Statement
from llmplatform.base.component import PlatformComponent
from llmplatform.base.ordering import after
from llmplatform.specs.cloud import Aws

POD_IDENTITY_AGENT = ("169.254.170.23/32", 80)
"""Where the agent on each node hands out credentials."""
CHALLENGES = "_acme-challenge.*"
"""Names of ACME challenges (RFC 8555, 8.4), as Route 53 writes names in conditions."""


@dataclass(frozen=True, kw_only=True)
class DnsChallengeArgs:
    """Inputs of the identity."""

    cluster_name: pulumi.Input[str]
    cloud: Aws
    hosted_zone: str
    """Id of the hosted zone."""
    zone_role: str | None = None
    """Role in the zone's account, which cert-manager assumes. None: the zone is in the same account."""
    namespace: str = "cert-manager"
    service_account: str = "cert-manager"
    tags: Mapping[str, str]


class DnsChallenge(PlatformComponent):
    """The identity of cert-manager for challenges, and its solver."""

    namespace: pulumi.Output[str]
    """Namespace of its service account."""
    service_account: pulumi.Output[str]
    """Name of its service account. Depends on the rights."""
    annotations: Mapping[str, pulumi.Output[str]]
    """Annotations of the service account: none on AWS."""
    namespace_labels: Mapping[str, str]
    """Labels of the service account's namespace: none on AWS."""
    solver: Mapping[str, object]
    """The solver of cert-manager's ACME issuers."""
    credentials: tuple[str, int] | None
    """Range and TCP port where its pods get their credentials."""
    webhook: str | None
    """None: cert-manager supports Route 53 itself."""
    role_name: pulumi.Output[str] | None
    """None, like the webhook."""

    def __init__(self, name: str, args: DnsChallengeArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:aws:DnsChallenge", name, opts)
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
        rights = take(args.zone_role) if args.zone_role else permissions(args.cloud, args.hosted_zone)
        grant = identity.grant("records", rights)
        self.namespace = after(identity.namespace, grant)
        self.service_account = after(identity.service_account, grant)
        self.annotations = identity.annotations
        self.namespace_labels = identity.namespace_labels
        # With the zone's id cert-manager need not look for it in all zones of the account.
        elsewhere = {"role": args.zone_role} if args.zone_role else {}
        self.solver = {
            "dns01": {"route53": {"region": args.cloud.region, "hostedZoneID": args.hosted_zone, **elsewhere}}
        }
        self.credentials = POD_IDENTITY_AGENT
        self.webhook = self.role_name = None
        self.finish()


def take(role: str) -> tuple[Statement, ...]:
    """The right to assume a role of another account, whose policy then needs what `permissions` has.

    Its trust policy allows `sts:TagSession` as well: tags of pod identity's sessions go along (EKS user guide).
    """
    return (Statement(sid="TakeTheZonesRole", actions=("sts:AssumeRole", "sts:TagSession"), resources=(role,)),)


def permissions(cloud: Aws, hosted_zone: str) -> tuple[Statement, ...]:
    """Rights to answer a challenge: they cannot redirect a host, or its mail."""
    zone = f"arn:{cloud.partition}:route53:::hostedzone/{hosted_zone}"
    return (
        Statement(
            sid="FollowChanges",
            actions=("route53:GetChange",),
            resources=(f"arn:{cloud.partition}:route53:::change/*",),
        ),
        Statement(sid="ReadRecords", actions=("route53:ListResourceRecordSets",), resources=(zone,)),
        Statement(
            sid="AnswerChallenges",
            actions=("route53:ChangeResourceRecordSets",),
            resources=(zone,),
            conditions={
                "ForAllValues:StringLike": {"route53:ChangeResourceRecordSetsNormalizedRecordNames": [CHALLENGES]},
                "ForAllValues:StringEquals": {
                    "route53:ChangeResourceRecordSetsRecordTypes": ["TXT"],
                    "route53:ChangeResourceRecordSetsActions": ["UPSERT", "DELETE"],
                },
            },
        ),
    )
