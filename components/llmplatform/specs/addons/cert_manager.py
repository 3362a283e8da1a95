"""Certificates and their issuers."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from llmplatform.specs.capability import Capability
from llmplatform.specs.section import Section
from llmplatform.specs.vocabulary.addresses import Address, Host, HttpsUrl
from llmplatform.specs.vocabulary.aws import HostedZoneId, RoleArn
from llmplatform.specs.vocabulary.names import Email, ObjectName

ALIDNS_WEBHOOK = "cert-manager-alidns-webhook"
"""Chart of the ACME solver on Alibaba Cloud, and its namespace."""


class _Acme(Section):
    """Settings of all ACME issuers."""

    kind: Literal["acme"]
    email: Email
    """Address for the authority's mail about expiring certificates."""
    server: HttpsUrl = "https://acme-v02.api.letsencrypt.org/directory"
    """Address of the authority's directory. Default: Let's Encrypt."""
    nameservers: Annotated[tuple[Address, ...], Field(max_length=3)] = ()
    """Name servers to ask for a challenge's record, such as 1.1.1.1. Empty: the cluster's own DNS, which does not see
    the record if a private zone of the same name hides the public one."""


class AcmeIssuer(_Acme):
    """Certificates from an ACME authority by DNS challenges: nothing must be reachable from the internet."""

    hosted_zone: HostedZoneId
    """Id of the public Route 53 zone of the gateway's host."""
    zone_role: RoleArn | None = None
    """Role to assume in the zone's account. Empty: the zone is in the same account. The role trusts the account of the
    cluster (`sts:AssumeRole`, `sts:TagSession`), and may change the zone's records."""


class AckAcmeIssuer(_Acme):
    """Certificates from an ACME authority by DNS challenges: nothing must be reachable from the internet."""

    domain: Host
    """Domain of the gateway's host in Alibaba Cloud DNS, in the same account."""
    challenge_domain: Host | None = None
    """Another domain in Alibaba Cloud DNS, only for challenges: `_acme-challenge.HOST` is a CNAME to a name in it. The
    solver, which is third-party software, may then write only there. Empty: it writes into `domain`."""
    solver_digest: Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")] | None = None
    """Digest of the solver's image, once you have reviewed it. Empty: the image of its tag."""

    @property
    def answered_in(self) -> str:
        """Domain of the challenges' records."""
        return self.challenge_domain or self.domain


class SelfSignedIssuer(Section):
    """Self-signed certificates; clients must trust them explicitly."""

    kind: Literal["self_signed"]


class ExistingIssuer(Section):
    """An existing ClusterIssuer; no cert-manager is installed."""

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
    """The issuer: an ACME authority (`acme`), the cluster's own authority (`self_signed`), or an existing issuer
    (`existing`)."""

    @property
    def installed(self) -> bool:
        """Whether this stack installs cert-manager."""
        return self.enabled and self.issuer.kind != "existing"


class AckCertManager(Capability):
    """Issues and renews certificates."""

    charts: ClassVar = CertManager.charts
    namespaces: ClassVar = (*CertManager.namespaces, ALIDNS_WEBHOOK)

    issuer: AckIssuer = SelfSignedIssuer(kind="self_signed")
    """The issuer: an ACME authority (`acme`), the cluster's own authority (`self_signed`), or an existing issuer
    (`existing`)."""

    @property
    def installed(self) -> bool:
        """Whether this stack installs cert-manager."""
        return self.enabled and self.issuer.kind != "existing"

    @property
    def installed_charts(self) -> tuple[str, ...]:
        """With the solver of an ACME authority, which cert-manager does not include."""
        return (*super().installed_charts, *self._solver)

    @property
    def made_namespaces(self) -> tuple[str, ...]:
        """With the solver's own."""
        return (*CertManager.namespaces, *self._solver) if self.installed else ()

    @property
    def _solver(self) -> tuple[str, ...]:
        return (ALIDNS_WEBHOOK,) if self.installed and isinstance(self.issuer, AckAcmeIssuer) else ()
