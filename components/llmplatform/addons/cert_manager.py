"""Certificates: cert-manager with its CRDs, and one issuer.

ACME challenges are answered by DNS records: no server of ours must be reachable from the internet.

Dangerous to replace: the release's CRDs, because every certificate is deleted with them. Uninstalling keeps them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pulumi
import pulumi_kubernetes as kubernetes
from pydantic import Field

from llmplatform.addons.acme_webhook import AcmeWebhook, AcmeWebhookArgs
from llmplatform.addons.certificate import API_VERSION
from llmplatform.base.chart_values import Part, Resources, ServiceAccount, Switch, Values, everywhere
from llmplatform.base.component import PlatformComponent
from llmplatform.base.contracts import DnsChallenge
from llmplatform.base.labels import labels
from llmplatform.base.network_policy import Allow, Openings, addresses, https
from llmplatform.base.ordering import after
from llmplatform.base.site import Rails, Site
from llmplatform.specs.addons import AckAcmeIssuer, AckCertManager, AcmeIssuer, ExistingIssuer
from llmplatform.specs.addons import CertManager as Spec

CHART = "cert-manager"
(NAMESPACE,) = Spec.namespaces
DNS_PORT = 53
WEBHOOK_PORT, METRICS_PORT = 10250, 9402
"""The chart's own versions."""
AUTHORITY = "platform-authority"
"""Certificate of the cluster's own authority, and its Secret: clients trust its `ca.crt`."""
AUTHORITY_DURATION = "87600h"
"""Ten years."""

meta = kubernetes.meta.v1
CustomResource = kubernetes.apiextensions.CustomResource


class _Crds(Values):
    enabled: bool = True
    keep: bool = True


class _Prometheus(Values):
    servicemonitor: Switch


class _Global(Values):
    priority_class_name: str = "system-cluster-critical"
    """As its documentation advises: nothing else replaces its pods when a node is short of room."""


class _Webhook(Part):
    replica_count: int = 2
    """Without one, no certificate or issuer can be written: `pulumi up` would fail while a node is drained."""
    pod_disruption_budget: Switch = Switch()


class CertManagerValues(Values):
    """The chart values that we set. The chart's schema refuses any unknown key."""

    everywhere: _Global = everywhere(default=_Global())
    crds: _Crds = _Crds()
    prometheus: _Prometheus
    resources: Resources = Resources.of("20m", "96Mi")
    webhook: _Webhook = _Webhook(resources=Resources.of("10m", "48Mi"))
    service_account: ServiceAccount | None = None
    dns01_recursive_nameservers_only: bool | None = Field(
        default=None, serialization_alias="dns01RecursiveNameserversOnly"
    )
    dns01_recursive_nameservers: str | None = Field(default=None, serialization_alias="dns01RecursiveNameservers")
    cainjector: Part = Part(resources=Resources.of("10m", "96Mi"))


@dataclass(frozen=True, kw_only=True)
class CertManagerArgs:
    """Arguments of `CertManager`."""

    spec: Spec | AckCertManager
    site: Site
    challenge: DnsChallenge | None = None
    """Solver of ACME challenges, for an ACME issuer. The release depends on its rights."""


class CertManager(PlatformComponent):
    """cert-manager and the issuer of the environment."""

    issuer: pulumi.Output[str]
    """Name of the ClusterIssuer. Depends on it."""

    def __init__(self, name: str, args: CertManagerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:addons:CertManager", name, opts)
        credentials = args.challenge.identity.credentials if args.challenge else None
        rails = Rails(
            namespace=NAMESPACE, openings=openings(credentials, nameservers(args.spec)), metrics=(METRICS_PORT,)
        )
        installed = args.site.release(self, name, CHART, values(args), rails)
        # The release installs the CRDs, and its webhook must answer.
        ready: list[pulumi.Resource] = [installed, *_webhook(name, args, installed, self.child())]
        if args.spec.issuer.kind == "self_signed":
            ready.append(self._authority(name, self._issuer(name, "root", {"selfSigned": {}}, ready), ready))
        issuer = self._issuer(name, "platform", issuer_spec(args.spec, args.challenge), ready)
        self.issuer = after("platform", issuer)
        self.finish()

    def _issuer(
        self, name: str, issuer: str, spec: Mapping[str, object], ready: Sequence[pulumi.Resource]
    ) -> CustomResource:
        suffix = "issuer" if issuer == "platform" else f"{issuer}-issuer"
        return CustomResource(
            f"{name}-{suffix}",
            api_version=API_VERSION,
            kind="ClusterIssuer",
            metadata=meta.ObjectMetaArgs(name=issuer, labels=labels("issuer", instance=name)),
            spec=spec,
            opts=self.child(depends_on=list(ready)),
        )

    def _authority(self, name: str, root: CustomResource, ready: Sequence[pulumi.Resource]) -> CustomResource:
        """A certificate that signs the others: clients trust it once, for its whole life."""
        return CustomResource(
            f"{name}-authority",
            api_version=API_VERSION,
            kind="Certificate",
            metadata=meta.ObjectMetaArgs(
                name=AUTHORITY, namespace=NAMESPACE, labels=labels("certificate", instance=name)
            ),
            spec={
                "isCA": True,
                "commonName": "llmplatform",
                "secretName": AUTHORITY,
                "duration": AUTHORITY_DURATION,
                "privateKey": {"algorithm": "ECDSA", "size": 256, "rotationPolicy": "Never"},
                "issuerRef": {
                    "group": "cert-manager.io",
                    "kind": "ClusterIssuer",
                    "name": after("root", root),
                },
            },
            opts=self.child(depends_on=list(ready)),
        )


def install(site: Site) -> Site:
    """The site with an issuer of certificates: a new or an existing one."""
    spec = site.wanted(Spec, AckCertManager)
    if spec is None:
        return site
    if isinstance(spec.issuer, ExistingIssuer):
        return replace(site.with_crds(CHART, None), issuer=spec.issuer.name)
    args = CertManagerArgs(spec=spec, site=site, challenge=site.cloud.challenge if site.cloud else None)
    made = CertManager("cert-manager", args, site.opts)
    return replace(site.with_crds(CHART, made), issuer=made.issuer)


def _webhook(
    name: str, args: CertManagerArgs, installed: pulumi.Resource, opts: pulumi.ResourceOptions
) -> list[pulumi.Resource]:
    """The solver of an ACME authority's challenges, if cert-manager does not include it."""
    challenge = args.challenge
    if challenge is None or challenge.webhook is None:
        return []
    solver = AcmeWebhookArgs(
        site=args.site,
        challenge=challenge,
        chart=challenge.webhook,
        role_name=challenge.identity.role_name,
        cert_manager_namespace=NAMESPACE,
        cert_manager=installed,
        digest=args.spec.issuer.solver_digest if isinstance(args.spec.issuer, AckAcmeIssuer) else None,
    )
    return [AcmeWebhook(f"{name}-webhook", solver, opts)]


def openings(credentials: tuple[str, int] | None, nameservers: Sequence[str] = ()) -> Openings:
    """`credentials`: range and port where the pods of an identity get credentials; None if they need no opening.

    `nameservers`: addresses of name servers to ask for records, beside the cluster's DNS.
    """
    asked = tuple(addresses(f"{each}/32") for each in nameservers)
    dns = Allow(direction="Egress", peers=asked, ports=(DNS_PORT,), udp=(DNS_PORT,))
    return {
        **https(),
        # The API server calls it from outside the cluster's network, from addresses that no selector matches.
        "allow-webhook": Allow(direction="Ingress", ports=(WEBHOOK_PORT,)),
        **_handed_out(credentials),
        **({"allow-nameservers": dns} if asked else {}),
    }


def _handed_out(place: tuple[str, int] | None) -> Openings:
    if place is None:
        return {}
    cidr, port = place
    return {"allow-credentials": Allow(direction="Egress", peers=(addresses(cidr),), ports=(port,))}


def nameservers(spec: Spec | AckCertManager) -> tuple[str, ...]:
    """Addresses of the name servers that are asked for a challenge's record."""
    return spec.issuer.nameservers if isinstance(spec.issuer, AcmeIssuer | AckAcmeIssuer) else ()


def issuer_spec(spec: Spec | AckCertManager, challenge: DnsChallenge | None) -> dict[str, object]:
    """Spec of the ClusterIssuer. Raises ValueError for an ACME authority without a solver."""
    if spec.issuer.kind == "self_signed":
        # In the namespace of cert-manager, where ClusterIssuers read Secrets.
        return {"ca": {"secretName": AUTHORITY}}
    if spec.issuer.kind == "existing":
        raise ValueError("addons.cert_manager.issuer: an issuer that exists is not made; use its name alone")
    if challenge is None:
        raise ValueError("addons.cert_manager.issuer: an ACME authority asks for DNS records; give the challenge")
    return {
        "acme": {
            "email": spec.issuer.email,
            "server": spec.issuer.server,
            "privateKeySecretRef": {"name": "acme-account"},
            "solvers": [dict(challenge.solver)],
        }
    }


def values(args: CertManagerArgs) -> CertManagerValues:
    """Values of the release."""
    account = None
    if args.challenge is not None and args.challenge.webhook is None:
        account = ServiceAccount(
            name=args.challenge.identity.service_account, annotations={**args.challenge.identity.annotations} or None
        )
    return CertManagerValues(
        prometheus=_Prometheus(servicemonitor=Switch(enabled=args.site.scraped)),
        service_account=account,
        # The namespace blocks other name servers: cert-manager asks the cluster's own DNS for the record, or those in
        # the settings.
        dns01_recursive_nameservers_only=True if args.challenge is not None else None,
        dns01_recursive_nameservers=",".join(f"{each}:53" for each in nameservers(args.spec)) or None,
    )
