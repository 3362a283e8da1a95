"""Certificates and the authorities that sign them."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from llmplatform.specs.capability import Capability
from llmplatform.specs.section import Section
from llmplatform.specs.vocabulary.addresses import Address, Host, HttpsUrl
from llmplatform.specs.vocabulary.aws import HostedZoneId, RoleArn
from llmplatform.specs.vocabulary.names import Email, ObjectName

ALIDNS_WEBHOOK = "cert-manager-alidns-webhook"
"""Chart of the ACME solver on Alibaba Cloud, and the namespace that it gets."""


class _Acme(Section):
    """What all ACME issuers have in common."""

    kind: Literal["acme"]
    email: Email
    """Whom the authority writes to about certificates that run out."""
    server: HttpsUrl = "https://acme-v02.api.letsencrypt.org/directory"
    """Address of the authority; Let's Encrypt unless said otherwise."""
    nameservers: Annotated[tuple[Address, ...], Field(max_length=3)] = ()
    """Name servers that are asked whether a challenge's record is there, such as 1.1.1.1. Empty: the cluster's own DNS,
    which does not see the record where a private zone of the same name hides the public one from the network."""


class AcmeIssuer(_Acme):
    """Certificates from an ACME authority, by DNS challenge: nothing has to be reachable from the internet."""

    hosted_zone: HostedZoneId
    """Id of the public Route 53 zone that the gateway's host is in."""
    zone_role: RoleArn | None = None
    """Role to take in the account that has the zone. Empty: it is in the same account. The role trusts the account of
    the cluster (`sts:AssumeRole`, `sts:TagSession`), and may change the zone's records."""


class AckAcmeIssuer(_Acme):
    """Certificates from an ACME authority, by DNS challenge: nothing has to be reachable from the internet."""

    domain: Host
    """Domain in Alibaba Cloud DNS that the gateway's host is in, in the same account."""
    challenge_domain: Host | None = None
    """Another domain in Alibaba Cloud DNS, kept for challenges: `_acme-challenge.HOST` is a CNAME to a name in it. The
    solver, which is not cert-manager's own, may then write there and nowhere else. Empty: it writes into `domain`."""
    solver_digest: Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")] | None = None
    """Digest of the solver's image, once you have looked at what it is. Empty: whatever its tag names."""

    @property
    def answered_in(self) -> str:
        """Domain that challenges are written into."""
        return self.challenge_domain or self.domain


class SelfSignedIssuer(Section):
    """Certificates that only those trust who are told to."""

    kind: Literal["self_signed"]


class ExistingIssuer(Section):
    """A ClusterIssuer of a cert-manager that is in the cluster already; none is installed."""

    kind: Literal["existing"]
    name: ObjectName
    """Name of the ClusterIssuer."""


Issuer = Annotated[AcmeIssuer | SelfSignedIssuer | ExistingIssuer, Field(discriminator="kind")]
AckIssuer = Annotated[AckAcmeIssuer | SelfSignedIssuer | ExistingIssuer, Field(discriminator="kind")]


class CertManager(Capability):
    """Issues and renews certificates."""

    charts: ClassVar = ("cert-manager",)
    namespaces: ClassVar = ("cert-manager",)

    issuer: Issuer = SelfSignedIssuer(kind="self_signed")
    """Who signs: an ACME authority (`acme`), the cluster itself (`self_signed`), or an issuer that is there
    (`existing`)."""

    @property
    def installed(self) -> bool:
        """Whether cert-manager is installed by this stack."""
        return self.enabled and self.issuer.kind != "existing"


class AckCertManager(Capability):
    """Issues and renews certificates."""

    charts: ClassVar = ("cert-manager",)
    namespaces: ClassVar = ("cert-manager", ALIDNS_WEBHOOK)

    issuer: AckIssuer = SelfSignedIssuer(kind="self_signed")
    """Who signs: an ACME authority (`acme`), the cluster itself (`self_signed`), or an issuer that is there
    (`existing`)."""

    @property
    def installed(self) -> bool:
        """Whether cert-manager is installed by this stack."""
        return self.enabled and self.issuer.kind != "existing"

    @property
    def installed_charts(self) -> tuple[str, ...]:
        """With the solver of an ACME authority, which cert-manager has not built in."""
        return (*super().installed_charts, *self._solver)

    @property
    def made_namespaces(self) -> tuple[str, ...]:
        """With the solver's own."""
        return ("cert-manager", *self._solver) if self.installed else ()

    @property
    def _solver(self) -> tuple[str, ...]:
        return (ALIDNS_WEBHOOK,) if self.installed and isinstance(self.issuer, AckAcmeIssuer) else ()
