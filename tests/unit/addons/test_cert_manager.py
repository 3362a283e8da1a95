"""Certificates: who signs them, how an ACME authority is answered, and what the solver may do."""

import json
from functools import partial
from typing import Any

import pulumi_kubernetes as kubernetes
import pytest
from support.addons import (
    ACK_ISSUER,
    ISSUERS,
    WEBHOOK,
    cert_manager,
    challenge,
    webhook_challenge,
)
from support.program import run_program, stack_config
from support.sites import on_sites

from llmplatform.addons import Certificate, CertificateArgs
from llmplatform.base.ordering import after
from llmplatform.specs import addons as specs
from llmplatform.testing import RecordingEngine

RELEASE = "kubernetes:helm.sh/v3:Release"
CERTIFICATE = "kubernetes:cert-manager.io/v1:Certificate"
ISSUER = "kubernetes:cert-manager.io/v1:ClusterIssuer"
POLICY = "alicloud:ram/policy:Policy"
DIGEST = "sha256:" + "0f" * 32


def solved(**changes: Any) -> object:
    """cert-manager where a solver of its own answers the authority."""
    spec = specs.AckCertManager(issuer=ACK_ISSUER)
    return cert_manager(spec=spec, challenge=webhook_challenge(), **changes)


VARIANTS = {
    **on_sites("cert-manager, self-signed", cert_manager),
    **on_sites("cert-manager, acme", partial(cert_manager, spec=specs.CertManager(issuer=ISSUERS[1]))),
    **on_sites("cert-manager, acme by name servers", partial(cert_manager, spec=specs.CertManager(issuer=ISSUERS[2]))),
    **on_sites("cert-manager, webhook", solved),
}


def values(engine: RecordingEngine, release: str) -> dict[str, Any]:
    return engine.one(RELEASE, release).inputs["values"]


def test_certificates_live_90_days_and_are_renewed_15_days_ahead() -> None:
    args = CertificateArgs(host="llm.example.org", namespace="models", issuer="platform")
    engine = RecordingEngine().run(lambda: Certificate("gateway", args).secret)
    spec = engine.one(CERTIFICATE).inputs["spec"]
    assert (spec["duration"], spec["renewBefore"]) == ("2160h", "360h")
    assert spec["dnsNames"] == ["llm.example.org"]
    assert spec["privateKey"]["rotationPolicy"] == "Always"
    assert spec["secretName"] == engine.result == "gateway-tls"


@pytest.mark.parametrize(("issuer", "kind"), [(ISSUERS[0], "ca"), (ISSUERS[1], "acme")])
def test_the_issuer_is_the_one_in_the_settings(issuer: specs.Issuer, kind: str) -> None:
    engine = RecordingEngine().run(lambda: cert_manager(spec=specs.CertManager(issuer=issuer)))
    assert set(engine.one(ISSUER, "cert-manager-issuer").inputs["spec"]) == {kind}


def test_who_trusts_the_clusters_authority_trusts_all_that_it_signs() -> None:
    """cert-manager, "Bootstrapping CA Issuers": a leaf that signs itself is a new stranger at each renewal."""
    engine = RecordingEngine().run(cert_manager)
    authority = engine.one(CERTIFICATE).inputs
    assert authority["spec"]["isCA"] is True
    assert authority["spec"]["privateKey"]["rotationPolicy"] == "Never"
    assert authority["metadata"]["namespace"] == "cert-manager", "issuers of the cluster look there"
    issuer = engine.one(ISSUER, "cert-manager-issuer")
    assert issuer.inputs["spec"]["ca"] == {"secretName": authority["spec"]["secretName"]}
    assert engine.waits_for(issuer, engine.one(CERTIFICATE))


def test_an_acme_challenge_is_answered_by_records_of_the_zone_that_is_named() -> None:
    engine = RecordingEngine().run(lambda: cert_manager(spec=specs.CertManager(issuer=ISSUERS[1])))
    (solver,) = engine.one(ISSUER).inputs["spec"]["acme"]["solvers"]
    assert solver == {"dns01": {"route53": {"region": "us-east-1", "hostedZoneID": "Z0123456789ABCDEFGHIJ"}}}
    found = values(engine, "cert-manager-release")
    assert found["serviceAccount"]["name"] == "cert-manager"
    assert found["dns01RecursiveNameserversOnly"] is True, "its namespace lets it ask no name server but the cluster's"
    assert "dns01RecursiveNameserversOnly" not in values(RecordingEngine().run(cert_manager), "cert-manager-release")


def test_cert_manager_starts_with_the_rights_to_answer() -> None:
    def program() -> None:
        right = kubernetes.core.v1.ConfigMap("right", metadata={"name": "right", "namespace": "x"})
        cert_manager(spec=specs.CertManager(issuer=ISSUERS[1]), challenge=challenge(after("cert-manager", right)))

    engine = RecordingEngine().run(program)
    assert engine.waits_for(engine.one(RELEASE), engine.named("right")), "a pod from before never gets them"


def test_an_authority_without_a_solver_is_refused() -> None:
    with pytest.raises(ValueError, match="give the challenge"):
        RecordingEngine().run(lambda: cert_manager(spec=specs.CertManager(issuer=ISSUERS[1]), challenge=None))


def test_the_issuer_waits_for_its_kind_and_certificates_for_the_issuer() -> None:
    def program() -> None:
        issuer = cert_manager().issuer
        Certificate("gateway", CertificateArgs(host="llm.example.org", namespace="models", issuer=issuer))

    engine = RecordingEngine().run(program)
    issuer = engine.one(ISSUER, "cert-manager-issuer")
    assert engine.waits_for(issuer, engine.one(RELEASE))
    assert engine.waits_for(engine.one(CERTIFICATE, "gateway-certificate"), issuer)


def test_the_kinds_of_cert_manager_outlive_its_release() -> None:
    found = values(RecordingEngine().run(cert_manager), "cert-manager-release")
    assert found["crds"] == {"enabled": True, "keep": True}, "every certificate would go with them"


def test_the_webhook_has_the_role_and_cert_manager_has_none() -> None:
    spec = specs.AckCertManager(issuer=ACK_ISSUER)
    engine = RecordingEngine().run(lambda: cert_manager(spec=spec, challenge=webhook_challenge()))
    webhook = engine.one(RELEASE, "cert-manager-webhook-release")
    assert webhook.inputs["values"]["aliyunAuth"] == {"rrsa": {"enabled": True, "roleName": "test-challenge"}}
    manager = engine.one(RELEASE, "cert-manager-release")
    assert "serviceAccount" not in manager.inputs["values"]
    assert engine.waits_for(webhook, manager), "cert-manager certifies it"
    assert engine.waits_for(engine.named("cert-manager-issuer"), webhook), "no server would answer before"
    labels = engine.named("cert-manager-webhook-space-namespace").inputs["metadata"]["labels"]
    assert labels["injection"] == "on"
    assert webhook.inputs["namespace"] == WEBHOOK


def _image(issuer: specs.AckAcmeIssuer) -> dict[str, str]:
    spec = specs.AckCertManager(issuer=issuer)
    engine = RecordingEngine().run(lambda: cert_manager(spec=spec, challenge=webhook_challenge()))
    (solver,) = (each for each in engine.all(RELEASE) if each.inputs["name"].endswith("alidns-webhook"))
    return solver.inputs["values"]["image"]


def test_the_solvers_image_is_the_one_that_was_looked_at() -> None:
    """The chart joins repository and tag by a colon (its `templates/deployment.yaml` at v0.1.5)."""
    image = _image(ACK_ISSUER.model_copy(update={"solver_digest": DIGEST}))
    assert image == {"tag": f"0.1.5@{DIGEST}"}, "a kubelet takes the digest where a reference has both"
    assert "tag" not in _image(ACK_ISSUER)


@pytest.mark.parametrize(
    ("added", "domain", "solver"),
    [({}, "example.cn", {}), ({"challenge_domain": "acme.example.net"}, "acme.example.net", "Follow")],
)
def test_a_solver_with_a_domain_of_its_own_cannot_point_hosts_elsewhere(
    added: dict[str, str], domain: str, solver: object
) -> None:
    """cert-manager, "Delegated Domains for DNS01": with `cnameStrategy: Follow` it writes where the CNAME leads."""
    config = stack_config("dev-ack")
    issuer = {"kind": "acme", "email": "ops@example.cn", "domain": "example.cn", **added}
    config["llmplatform:addons"]["cert_manager"] = {"enabled": True, "issuer": issuer}
    engine = run_program(config, "dev-ack")
    documents = [json.loads(found.inputs["policyDocument"]) for found in engine.all(POLICY)]
    on_dns = [
        resource
        for document in documents
        for statement in document["Statement"]
        if any(action.startswith("alidns:") for action in statement["Action"])
        for resource in statement["Resource"]
    ]
    assert [resource.rpartition("/")[2] for resource in on_dns] == [domain]
    (found,) = (each for each in engine.all(ISSUER) if each.inputs["metadata"]["name"] == "platform")
    (asked,) = found.inputs["spec"]["acme"]["solvers"]
    assert asked["dns01"].get("cnameStrategy", {}) == solver


def test_certificates_can_be_written_while_a_node_ends() -> None:
    """cert-manager, "Best Practice", and its values: two webhooks or more, with a budget, of critical priority."""
    found = RecordingEngine().run(cert_manager).one(RELEASE).inputs["values"]
    assert found["webhook"]["replicaCount"] >= 2
    assert found["webhook"]["podDisruptionBudget"]["enabled"] is True
    assert found["global"]["priorityClassName"] == "system-cluster-critical"
