"""Played controllers: certificates."""

import base64
from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from support.sandboxes.controller_rounds import release, settle, step
from support.sandboxes.fake_api_server import FakeApiServer
from support.sandboxes.fake_cloud import FakeCloud

from llmplatform_sandbox.kube.readiness import condition


@pytest.fixture
def server() -> FakeApiServer:
    return FakeApiServer()


def issuer(server: FakeApiServer, name: str, **spec: Any) -> dict[str, Any]:
    return server.add("cert-manager.io/v1", "ClusterIssuer", name, spec=spec)


def certificate(server: FakeApiServer, name: str = "gw", by: str = "self", **spec: Any) -> dict[str, Any]:
    reference = {"name": by, "kind": "ClusterIssuer"}
    namespace = spec.pop("namespace", "apps")
    spec = {"dnsNames": ["llm.example.org"], "secretName": f"{name}-tls", "issuerRef": reference, **spec}
    return server.add("cert-manager.io/v1", "Certificate", name, namespace, spec=spec)


def pair(
    server: FakeApiServer, name: str = "gw-tls", namespace: str = "apps"
) -> tuple[x509.Certificate, dict[str, Any]]:
    secret = server.one("v1", "Secret", name, namespace)
    assert secret is not None
    return x509.load_pem_x509_certificate(base64.b64decode(secret["data"]["tls.crt"])), secret


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_a_certificate_gets_a_real_key_pair_and_says_when_it_ends(server: FakeApiServer) -> None:
    release(server, "cert-manager")
    issuer(server, "self", selfSigned={})
    live = certificate(server, duration="2160h0m0s", renewBefore="360h0m0s")
    settle(server)
    parsed, secret = pair(server)
    names = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["llm.example.org"]
    parsed.verify_directly_issued_by(parsed)
    assert secret["type"] == "kubernetes.io/tls"
    status = live["status"]
    assert condition(live, "Ready")["status"] == "True"
    assert moment(status["notAfter"]) - moment(status["notBefore"]) == timedelta(days=90)
    assert moment(status["notAfter"]) - moment(status["renewalTime"]) == timedelta(days=15)
    assert moment(status["notAfter"]) == parsed.not_valid_after_utc
    assert status["revision"] == 1, "an unchanged certificate is not issued again"


def test_without_cert_manager_nothing_is_issued(server: FakeApiServer) -> None:
    issuer(server, "self", selfSigned={})
    live = certificate(server)
    settle(server)
    assert "status" not in live


def test_a_ca_issuer_signs_with_the_pair_in_its_secret(server: FakeApiServer) -> None:
    release(server, "cert-manager")
    issuer(server, "self", selfSigned={})
    ca = issuer(server, "ca", ca={"secretName": "root-tls"})
    settle(server)
    assert condition(ca, "Ready")["reason"] == "ErrGetKeyPair"
    certificate(
        server, "root", isCA=True, commonName="root", namespace="cert-manager", privateKey={"algorithm": "ECDSA"}
    )
    certificate(server, by="ca", privateKey={"algorithm": "Ed25519"})
    settle(server)
    assert condition(ca, "Ready")["reason"] == "KeyPairVerified", "its Secret came after it"
    root, _ = pair(server, "root-tls", "cert-manager")
    leaf, secret = pair(server)
    leaf.verify_directly_issued_by(root)
    assert base64.b64decode(secret["data"]["ca.crt"]) == base64.b64decode(
        pair(server, "root-tls", "cert-manager")[1]["data"]["tls.crt"]
    )


def test_a_changed_spec_is_issued_again(server: FakeApiServer) -> None:
    release(server, "cert-manager")
    issuer(server, "self", selfSigned={})
    live = certificate(server)
    settle(server)
    live["spec"]["dnsNames"] = ["other.example.org"]
    settle(server)
    names = pair(server)[0].extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["other.example.org"]
    assert live["status"]["revision"] == 2


def test_a_deleted_secret_comes_back(server: FakeApiServer) -> None:
    release(server, "cert-manager")
    issuer(server, "self", selfSigned={})
    certificate(server)
    settle(server)
    del server.objects[("v1", "secrets", "apps", "gw-tls")]
    settle(server)
    assert pair(server)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"issuerRef": {"name": "none", "kind": "ClusterIssuer"}}, 'Referenced "ClusterIssuer" not found: none'),
        ({"dnsNames": []}, "spec: none of commonName, dnsNames"),
        ({"duration": "90d"}, "90d: not a duration"),
        ({"duration": "1h", "renewBefore": "2h"}, "spec.renewBefore: 2h is not less than the duration"),
    ],
)
def test_a_certificate_that_cannot_be_issued_says_why(
    server: FakeApiServer, spec: dict[str, Any], message: str
) -> None:
    release(server, "cert-manager")
    issuer(server, "self", selfSigned={})
    live = certificate(server, **spec)
    settle(server)
    assert condition(live, "Ready")["status"] == "False"
    assert condition(live, "Ready")["message"].startswith(message)


def test_a_fault_of_one_controller_does_not_stop_the_others(server: FakeApiServer) -> None:
    class Broken(FakeCloud):
        def add_object(self, type_: str, made_by: str, detail: Any) -> str:
            raise RuntimeError("the cloud refuses")

    cloud = Broken()
    spec = {"type": "LoadBalancer"}
    server.add("v1", "Service", "gw", "apps", spec=spec, status={})
    release(server, "cert-manager")
    issuer(server, "self", selfSigned={})
    certificate(server)
    for _ in range(2):
        with pytest.raises(ExceptionGroup):
            step(server, cloud)
    assert pair(server)
