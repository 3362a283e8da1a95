"""Where the objects beside Milvus are made, their service accounts, and the certificate that its clients trust.

An authority of its own: a public one certifies no name of the cluster.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from llmplatform.base.contracts import WorkloadIdentity
from llmplatform.base.labels import labels
from llmplatform.base.ordering import after
from llmplatform.base.site import Site
from llmplatform.services.milvus.resource import CERTIFICATE, NAME
from llmplatform.specs.services import Milvus as Spec

AUTHORITY = "milvus-authority"
"""Secret of the authority's certificate and key."""
AUTHORITY_DURATION, DURATION, RENEW_BEFORE = "87600h", "43800h", "8760h"
"""Ten years, five years, and one: a server reads its certificate at its start alone, so any start in the last year must
find the next one."""

meta = kubernetes.meta.v1
CustomResource = kubernetes.apiextensions.CustomResource


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where objects beside Milvus are made."""

    logical: str
    """Beginning of the names of resources."""
    site: Site
    spec: Spec
    space: pulumi.Input[str]
    child: Callable[..., pulumi.ResourceOptions]
    """Options of a child of the component."""

    def meta(
        self,
        name: str,
        *,
        namespace: pulumi.Input[str] | None = None,
        annotations: Mapping[str, pulumi.Input[str]] | None = None,
    ) -> meta.ObjectMetaArgs:
        """Metadata of an object in Milvus' namespace, or another one."""
        home = self.space if namespace is None else namespace
        found = labels("milvus", instance=self.logical)
        return meta.ObjectMetaArgs(name=name, namespace=home, labels=found, annotations=annotations)


def account(place: Place, name: str, identity: WorkloadIdentity, role: str) -> pulumi.Output[str]:
    """A service account with rights in the cloud. Pods that start before their rights have none."""
    made = kubernetes.core.v1.ServiceAccount(
        f"{place.logical}-{role}",
        metadata=place.meta(name, annotations=dict(identity.annotations) or None),
        # It asks for nothing of the API server; clouds that give credentials mount a token of their own.
        automount_service_account_token=False,
        opts=place.child(),
    )
    return pulumi.Output.all(after(name, made), identity.service_account).apply(lambda both: both[0])


def certificate(place: Place, namespace: str) -> pulumi.Output[str]:
    """Secret of the servers' certificate, with that of the authority in `ca.crt`."""
    # Issuers are not taken before cert-manager answers.
    ready = pulumi.Output.all(place.space, place.site.issuer).apply(lambda both: str(both[0]))
    first = _issuer(place, "self-signed", ready, {"selfSigned": {}})
    signed = {"isCA": True, "commonName": NAME, "duration": AUTHORITY_DURATION}
    authority = _certified(place, AUTHORITY, ready, first, signed, rotation="Never")
    issuer = _issuer(place, "authority", ready, {"ca": {"secretName": authority}})
    host = f"{NAME}-milvus.{namespace}"
    names = [host, f"{host}.svc", f"{host}.svc.cluster.local"]
    wanted = {"dnsNames": names, "duration": DURATION, "renewBefore": RENEW_BEFORE}
    return _certified(place, CERTIFICATE, ready, issuer, wanted, rotation="Always")


def _issuer(place: Place, role: str, space: pulumi.Input[str], spec: Mapping[str, Any]) -> pulumi.Output[str]:
    name = f"milvus-{role}"
    made = CustomResource(
        f"{place.logical}-issuer-{role}",
        api_version="cert-manager.io/v1",
        kind="Issuer",
        metadata=place.meta(name, namespace=space),
        spec=spec,
        opts=place.child(),
    )
    return after(name, made)


def _certified(
    place: Place,
    name: str,
    space: pulumi.Input[str],
    issuer: pulumi.Output[str],
    spec: Mapping[str, Any],
    *,
    rotation: str,
) -> pulumi.Output[str]:
    made = CustomResource(
        f"{place.logical}-certificate-{name}",
        api_version="cert-manager.io/v1",
        kind="Certificate",
        metadata=place.meta(name, namespace=space),
        spec={
            **spec,
            "secretName": name,
            "privateKey": {"algorithm": "ECDSA", "size": 256, "rotationPolicy": rotation},
            "issuerRef": {"group": "cert-manager.io", "kind": "Issuer", "name": issuer},
        },
        opts=place.child(),
    )
    return after(name, made)
