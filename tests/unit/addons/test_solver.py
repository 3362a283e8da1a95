"""What a solver that is not cert-manager's own may do, and what it is; and which add-ons a full node keeps."""

import json

import pytest
from support.addon_variants import ACK_ISSUER, cert_manager, monitoring, webhook_challenge
from support.program import run_program, stack_config

from llmplatform.specs import addons as specs
from llmplatform.testing import RecordingEngine

RELEASE = "kubernetes:helm.sh/v3:Release"
ISSUER = "kubernetes:cert-manager.io/v1:ClusterIssuer"
POLICY = "alicloud:ram/policy:Policy"
DIGEST = "sha256:" + "0f" * 32


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


def test_what_watches_a_full_cluster_goes_on() -> None:
    """Classes that every cluster has (Kubernetes, "Guaranteed Scheduling For Critical Add-On Pods")."""
    (found,) = (
        each.inputs["values"]
        for each in RecordingEngine().run(monitoring).all(RELEASE)
        if each.inputs["name"] == "kube-prometheus-stack"
    )
    assert found["prometheus-node-exporter"]["priorityClassName"] == "system-node-critical"
    assert found["prometheus"]["prometheusSpec"]["priorityClassName"] == "system-cluster-critical"
    assert found["alertmanager"]["alertmanagerSpec"]["priorityClassName"] == "system-cluster-critical"
