"""Plays cert-manager: Issuers become ready, Certificates get a TLS Secret with a real key pair, renewed in time.

Self-signed and CA issuers are done as cert-manager does them. Every other issuer (ACME, Vault …) would ask somebody
outside, so its certificates are signed by a throw-away authority: nobody trusts them.
Source: https://cert-manager.io/docs/reference/api-docs/
"""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from llmplatform_sandbox.interfaces import Release
from llmplatform_sandbox.kube.client import Kube, Object
from llmplatform_sandbox.kube.errors import next_round_sees
from llmplatform_sandbox.kube.readiness import condition
from llmplatform_sandbox.loops.keypairs import KeyPair, Unusable, issue, load

Rule = Mapping[str, Any]

_SPEC = "sandbox.llmplatform.dev/spec"


def play_certificates(kube: Kube, releases: Sequence[Release], rules: Sequence[Rule]) -> None:
    """One round of every certificate controller that is there."""
    for rule in rules:
        api_version = f"{rule['group']}/{rule['version']}"
        home = next((r.namespace for r in releases if f"chart:{r.chart}" in rule["played_by"]), "default")
        issuers = {
            (kind, obj["metadata"].get("namespace", ""), obj["metadata"]["name"]): obj
            for kind in ("Issuer", "ClusterIssuer")
            for obj in kube.list(api_version, kind, cached=True)
        }
        for (kind, namespace, _), issuer in issuers.items():
            with next_round_sees():
                _check_issuer(kube, issuer, home if kind == "ClusterIssuer" else namespace)
        for certificate in kube.list(api_version, "Certificate", cached=True):
            with next_round_sees():
                _check_certificate(kube, rule, certificate, issuers, home)


def _check_issuer(kube: Kube, issuer: Object, namespace: str) -> None:
    spec = issuer.get("spec", {})
    ready, reason, message = True, "IsReady", "Signing is ready"
    if "ca" in spec:
        reason, message = "KeyPairVerified", "Signing CA verified"
        if _authority(kube, namespace, spec["ca"]["secretName"]) is None:
            ready, reason = False, "ErrGetKeyPair"
            message = (
                f'Error getting keypair for CA issuer: secret "{spec["ca"]["secretName"]}" not found or not a key pair'
            )
    elif "acme" in spec:
        reason, message = "ACMEAccountRegistered", "The ACME account was registered with the ACME server"
    _set_ready(kube, issuer, ready, reason, message)


def _check_certificate(
    kube: Kube, rule: Rule, certificate: Object, issuers: Mapping[tuple[str, str, str], Object], home: str
) -> None:
    metadata, spec = certificate["metadata"], certificate["spec"]
    if metadata.get("deletionTimestamp"):
        return
    reference = spec["issuerRef"]
    kind = reference.get("kind") or "Issuer"
    where = "" if kind == "ClusterIssuer" else metadata["namespace"]
    issuer = issuers.get((kind, where, reference["name"]))
    if issuer is None or condition(issuer, "Ready").get("status") != "True":
        state = "not found" if issuer is None else "not ready"
        _set_ready(kube, certificate, False, "Pending", f'Referenced "{kind}" {state}: {reference["name"]}')
        return
    digest = hashlib.sha256(json.dumps([spec, issuer.get("spec")], sort_keys=True).encode()).hexdigest()[:16]
    secret = kube.get("v1", "Secret", spec["secretName"], metadata["namespace"])
    status = certificate.get("status", {})
    current = secret is not None and secret["metadata"].get("annotations", {}).get(_SPEC) == digest
    due = _moment(status.get("renewalTime"))
    if current and due and datetime.now(UTC) < due and condition(certificate, "Ready").get("status") == "True":
        return
    try:
        ca = issuer["spec"].get("ca")
        authority = _authority(kube, home if kind == "ClusterIssuer" else where, ca["secretName"]) if ca else None
        pair = issue(spec, authority=authority, self_signed="selfSigned" in issuer["spec"], issuer=reference["name"])
    except Unusable as error:
        _set_ready(kube, certificate, False, "DoesNotExist", str(error))
        return
    kube.apply(_secret(rule, certificate, reference, kind, pair, digest), manager="cert-manager-certificates-issuing")
    moments = {"notBefore": pair.not_before, "notAfter": pair.not_after, "renewalTime": pair.renewal}
    extra = {key: value.strftime("%Y-%m-%dT%H:%M:%SZ") for key, value in moments.items()}
    message = "Certificate is up to date and has not expired"
    _set_ready(kube, certificate, True, "Ready", message, {**extra, "revision": status.get("revision", 0) + 1})


def _secret(
    rule: Rule, certificate: Object, reference: Mapping[str, Any], kind: str, pair: KeyPair, digest: str
) -> Object:
    group, metadata, spec = rule["group"], certificate["metadata"], certificate["spec"]
    template = spec.get("secretTemplate", {})
    annotations = {
        **template.get("annotations", {}),
        f"{group}/certificate-name": metadata["name"],
        f"{group}/issuer-name": reference["name"],
        f"{group}/issuer-kind": kind,
        f"{group}/issuer-group": reference.get("group") or group,
        f"{group}/common-name": spec.get("commonName", ""),
        f"{group}/alt-names": ",".join(spec.get("dnsNames", [])),
        _SPEC: digest,
    }
    data = {"tls.crt": pair.certificate, "tls.key": pair.key, "ca.crt": pair.authority}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": spec["secretName"],
            "namespace": metadata["namespace"],
            "annotations": annotations,
            "labels": {**template.get("labels", {}), f"controller.{group}/fao": "true"},
        },
        "type": "kubernetes.io/tls",
        "data": {key: base64.b64encode(value).decode() for key, value in data.items()},
    }


def _authority(kube: Kube, namespace: str, name: str) -> KeyPair | None:
    secret = kube.get("v1", "Secret", name, namespace)
    data = (secret or {}).get("data") or {}
    if not ("tls.crt" in data and "tls.key" in data):
        return None
    try:
        return load(base64.b64decode(data["tls.crt"]), base64.b64decode(data["tls.key"]))
    except ValueError:
        return None


def _set_ready(
    kube: Kube, obj: Object, ready: bool, reason: str, message: str, extra: Mapping[str, Any] | None = None
) -> None:
    """Set the Ready condition, and more of the status, unless it says so already."""
    old = condition(obj, "Ready")
    wanted = {"type": "Ready", "status": str(ready), "reason": reason, "message": message}
    if not extra and wanted.items() <= old.items():
        return
    same = old.get("status") == wanted["status"]
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    since = old["lastTransitionTime"] if same and "lastTransitionTime" in old else now
    mine = {**wanted, "lastTransitionTime": since, "observedGeneration": obj["metadata"].get("generation", 0)}
    others = [c for c in obj.get("status", {}).get("conditions") or [] if c.get("type") != "Ready"]
    kube.patch(obj, {"status": {**(extra or {}), "conditions": [*others, mine]}}, subresource="status")


def _moment(text: Any) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) else None
