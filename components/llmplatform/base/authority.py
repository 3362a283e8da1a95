"""A certificate for names within the cluster, by an authority of its own: a public one certifies no such name.

Clients trust the `ca.crt` of the certificate's Secret, which stays the same for ten years.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from llmplatform.base.component import PlatformComponent
from llmplatform.base.ordering import after

API_VERSION = "cert-manager.io/v1"
AUTHORITY_DURATION, DURATION, RENEW_BEFORE = "87600h", "2160h", "720h"
"""Ten years, 90 days, and 30."""

meta = kubernetes.meta.v1


def own_certificate(
    owner: PlatformComponent,
    name: str,
    *,
    secret: str,
    space: pulumi.Input[str],
    labels: Mapping[str, str],
    hosts: Sequence[str],
    issuer: pulumi.Input[str],
) -> pulumi.Output[str]:
    """Name of a Secret with certificate, key and `ca.crt`, which cert-manager writes and renews.

    `name`: of the resources. `space`: its namespace. `issuer`: one of cert-manager's, after which it is there.
    """
    # Issuers are not taken before cert-manager answers.
    ready = pulumi.Output.all(space, issuer).apply(lambda both: str(both[0]))

    def made(kind: str, role: str, called: str, spec: Mapping[str, Any]) -> pulumi.Output[str]:
        resource = kubernetes.apiextensions.CustomResource(
            f"{name}-{role}",
            api_version=API_VERSION,
            kind=kind,
            metadata=meta.ObjectMetaArgs(name=called, namespace=ready, labels=labels),
            spec=spec,
            opts=owner.child(),
        )
        return after(called, resource)

    def certified(role: str, called: str, by: pulumi.Output[str], rotation: str, **spec: Any) -> pulumi.Output[str]:
        wanted = {
            **spec,
            "secretName": called,
            "privateKey": {"algorithm": "ECDSA", "size": 256, "rotationPolicy": rotation},
            "issuerRef": {"group": "cert-manager.io", "kind": "Issuer", "name": by},
        }
        return made("Certificate", role, called, wanted)

    authority = f"{secret}-authority"
    first = made("Issuer", "self-signed", f"{secret}-self-signed", {"selfSigned": {}})
    signer = certified(
        "authority", authority, first, "Never", isCA=True, commonName=secret, duration=AUTHORITY_DURATION
    )
    by = made("Issuer", "issuer", authority, {"ca": {"secretName": signer}})
    return certified(
        "certificate", secret, by, "Always", dnsNames=list(hosts), duration=DURATION, renewBefore=RENEW_BEFORE
    )
