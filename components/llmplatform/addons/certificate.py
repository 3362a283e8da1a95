"""A certificate for one host. Safe to replace: cert-manager keeps the Secret and issues it again.

Needs cert-manager's CRDs and an issuer; creates neither.
"""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes

from llmplatform.base.component import PlatformComponent
from llmplatform.base.labels import labels
from llmplatform.base.ordering import after

API_VERSION = "cert-manager.io/v1"
DURATION = "2160h"
"""90 days."""
RENEW_BEFORE = "360h"
"""15 days."""

meta = kubernetes.meta.v1
CustomResource = kubernetes.apiextensions.CustomResource


@dataclass(frozen=True, kw_only=True)
class CertificateArgs:
    """Arguments of `Certificate`."""

    host: str
    namespace: pulumi.Input[str]
    """Namespace of the Secret with certificate and key."""
    issuer: pulumi.Input[str]
    """Name of a ClusterIssuer."""


class Certificate(PlatformComponent):
    """A certificate for one host: 90 days, renewed 15 days ahead, with a new key each time."""

    secret: pulumi.Output[str]
    """Name of the Secret that cert-manager writes."""

    def __init__(self, name: str, args: CertificateArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:addons:Certificate", name, opts)
        secret = f"{name}-tls"
        certificate = CustomResource(
            f"{name}-certificate",
            api_version=API_VERSION,
            kind="Certificate",
            metadata=meta.ObjectMetaArgs(
                name=name, namespace=args.namespace, labels=labels("certificate", instance=name)
            ),
            spec={
                "secretName": secret,
                "dnsNames": [args.host],
                "duration": DURATION,
                "renewBefore": RENEW_BEFORE,
                "privateKey": {"algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always"},
                "issuerRef": {"group": "cert-manager.io", "kind": "ClusterIssuer", "name": args.issuer},
            },
            opts=self.child(),
        )
        self.secret = after(secret, certificate)
        self.finish()
