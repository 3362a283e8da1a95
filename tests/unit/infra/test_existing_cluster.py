"""A new platform in a cluster of others: what is there already is taken as it is, or left another name.

The situations are those that users of such programs report: a StorageClass `gp3` and a namespace `monitoring`
(langchain-ai/terraform#21, interuss/dss#1629), a node exporter that holds port 9100 (prometheus-community/
helm-charts#2983), a private Route 53 zone of the public one's name (cert-manager/cert-manager#894).
"""

from copy import deepcopy
from typing import Any

import pytest
from support import existing_things
from support.addons import ACME, alerting, cert_manager
from support.program import run_program
from support.stack_settings import dev, problems

from llmplatform.specs import addons as specs
from llmplatform.testing import RecordingEngine

CLASS, NAMESPACE = "kubernetes:storage.k8s.io/v1:StorageClass", "kubernetes:core/v1:Namespace"
RELEASE, MONITOR = "kubernetes:helm.sh/v3:Release", "kubernetes:monitoring.coreos.com/v1:ServiceMonitor"
HOST = "models.example.org"


def in_theirs(stack: str, **settings: Any) -> RecordingEngine:
    """The program of a new platform in a cluster of others. `settings`: sections, as the stack file has them."""
    config = deepcopy(existing_things.on_theirs(stack, cluster=True))
    config["llmplatform:addons"]["monitoring"] = {}
    for name, section in settings.items():
        config[f"llmplatform:{name}"] = {**config.get(f"llmplatform:{name}", {}), **section}
    return run_program(config, stack)


def names(engine: RecordingEngine, type_: str) -> set[str]:
    return {each.inputs["metadata"]["name"] for each in engine.all(type_)}


@pytest.mark.parametrize(("stack", "classes"), [("dev", {"gp3", "efs"}), ("dev-ack", {"essd", "nas", "oss"})])
def test_a_cluster_of_others_keeps_its_default_class(stack: str, classes: set[str]) -> None:
    engine = in_theirs(stack)
    assert names(engine, CLASS) == classes
    key = "storageclass.kubernetes.io/is-default-class"
    defaults = {each.inputs["metadata"]["annotations"][key] for each in engine.all(CLASS)}
    assert defaults == {"false"}, "of two defaults Kubernetes uses the newest, for all claims"


def test_nodes_in_an_eks_cluster_of_others_may_give_pods_addresses() -> None:
    """EKS user guide, "Amazon EKS node IAM role": the policy, or a role of the add-on's own, unknown here."""
    engine = in_theirs("dev")
    (attached,) = [
        each
        for each in engine.all("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
        if each.inputs["policyArn"].endswith("/AmazonEKS_CNI_Policy")
    ]
    assert engine.waits_for(attached, engine.named("nodes-node"))
    assert all(engine.waits_for(group, attached) for group in engine.all("aws:eks/nodeGroup:NodeGroup"))


@pytest.mark.parametrize("stack", ["dev", "dev-ack"])
def test_classes_that_are_there_are_used_and_not_made(stack: str) -> None:
    given = {
        "block_class": {"kind": "existing", "name": "disks"},
        "shared_class": {"kind": "existing", "name": "files"},
    }
    engine = in_theirs(stack, platform={"kind": "new", **given})
    assert names(engine, CLASS) == ({"oss"} if stack == "dev-ack" else set())
    assert not [each for each in engine.registered if ":efs/" in each.type or ":nas/" in each.type]
    [claim] = engine.all("kubernetes:core/v1:PersistentVolumeClaim")[:1]
    assert claim.inputs["spec"]["storageClassName"] == "files"
    values = engine.one(RELEASE, "monitoring-stack").inputs["values"]
    disk = values["prometheus"]["prometheusSpec"]["storageSpec"]["volumeClaimTemplate"]
    assert disk["spec"]["storageClassName"] == "disks"


def test_classes_and_the_namespace_of_prometheus_can_have_other_names() -> None:
    platform = {"kind": "new", "block_class": {"name": "llm-disks"}, "shared_class": {"name": "llm-files"}}
    engine = in_theirs("dev", platform=platform, addons={"monitoring": {"namespace": "llm-monitoring"}})
    assert names(engine, CLASS) == {"llm-disks", "llm-files"}
    assert {"llm-monitoring"} == {each for each in names(engine, NAMESPACE) if "monitoring" in each}


def test_a_prometheus_that_is_there_gets_the_monitors_and_nothing_is_installed() -> None:
    engine = in_theirs("dev", addons={"monitoring": {"kind": "existing", "namespace": "observability"}})
    assert not [each for each in engine.all(RELEASE) if "monitoring" in each.name or "kinds" in each.name]
    assert not [each for each in names(engine, NAMESPACE) if each in ("monitoring", "observability")]
    assert engine.all(MONITOR), "their Prometheus reads the models"
    outputs = engine.result
    assert outputs["platform"]["platform"]["monitoring_namespace"] == "observability"
    assert outputs["grafana_secret"] is None


def test_an_issuer_that_is_there_signs_and_cert_manager_is_not_installed() -> None:
    addons = {"cert_manager": {"issuer": {"kind": "existing", "name": "letsencrypt-prod"}}, "gateway": {"host": HOST}}
    engine = in_theirs("dev", addons=addons)
    assert not [each for each in engine.all(RELEASE) if "cert-manager" in each.name]
    assert "cert-manager" not in names(engine, NAMESPACE)
    [certificate] = [
        each
        for each in engine.registered
        if each.type.endswith(":Certificate") and each.inputs.get("spec", {}).get("dnsNames") == [HOST]
    ]
    assert certificate.inputs["spec"]["issuerRef"]["name"] == "letsencrypt-prod"


def test_name_servers_that_see_the_public_zone_are_asked_and_reached() -> None:
    issuer = ACME.model_copy(update={"nameservers": ("1.1.1.1", "8.8.8.8")})
    engine = RecordingEngine().run(lambda: cert_manager(spec=specs.CertManager(issuer=issuer)))
    values = engine.one(RELEASE, "cert-manager-release").inputs["values"]
    assert values["dns01RecursiveNameservers"] == "1.1.1.1:53,8.8.8.8:53"
    assert values["dns01RecursiveNameserversOnly"] is True
    policy = engine.named("cert-manager-space-allow-nameservers").inputs["spec"]
    [rule] = policy["egress"]
    assert [each["ipBlock"]["cidr"] for each in rule["to"]] == ["1.1.1.1/32", "8.8.8.8/32"]
    assert {(each["protocol"], each["port"]) for each in rule["ports"]} == {("TCP", 53), ("UDP", 53)}


def test_alertmanager_reaches_a_receiver_in_the_cluster_and_no_other_pod_does() -> None:
    """Adapters for chat rooms listen on ports of their own: prometheus-webhook-dingtalk on 8060."""
    inside = specs.InsideReceiver(namespace="alerts", port=8060)
    engine = RecordingEngine().run(lambda: alerting("webhook", inside=inside))
    policy = engine.named("monitoring-space-allow-alert-receiver").inputs["spec"]
    assert policy["podSelector"]["matchLabels"] == {"app.kubernetes.io/name": "alertmanager"}
    [rule] = policy["egress"]
    [peer] = rule["to"]
    assert peer["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "alerts"}
    assert [each["port"] for each in rule["ports"]] == [8060]
    outside = RecordingEngine().run(lambda: alerting("webhook"))
    assert "monitoring-space-allow-alert-receiver" not in {each.name for each in outside.registered}


NOT_YET = "a new cluster has none yet; write another kind, or set cluster.kind to 'existing'"
TWICE = "'gp3' is the name of platform.block_class, too; give each class a name of its own"
ANOTHERS = (
    "'gpu-operator' is another's namespace, and this one is made; use 'monitoring', or a name that nothing else has"
)


@pytest.mark.parametrize(
    ("path", "given", "said"),
    [
        ("platform.block_class.kind", {"kind": "new", "block_class": {"kind": "existing", "name": "gp3"}}, NOT_YET),
        ("platform.shared_class.name", {"kind": "new", "shared_class": {"name": "gp3"}}, TWICE),
        ("addons.monitoring.kind", {"monitoring": {"kind": "existing"}}, NOT_YET),
        ("addons.monitoring.namespace", {"monitoring": {"namespace": "gpu-operator"}}, ANOTHERS),
        (
            "addons.cert_manager.issuer.kind",
            {"cert_manager": {"issuer": {"kind": "existing", "name": "ours"}}},
            NOT_YET,
        ),
    ],
)
def test_what_cannot_be_there_is_refused(path: str, given: dict[str, Any], said: str) -> None:
    assert f"{path}: {said}" in problems({**dev(), path.partition(".")[0]: given})


def test_what_is_set_of_an_existing_prometheus_is_refused() -> None:
    monitoring = {"kind": "existing", "namespace": "theirs", "retention_days": 3}
    line = "addons.monitoring.retention_days: an existing Prometheus is configured by its owner"
    assert [each for each in problems({**dev(), "addons": {"monitoring": monitoring}}) if each.startswith(line)]


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"kind": "slack", "inside": {"namespace": "alerts", "port": 80}}, "addons.monitoring.alerts.inside: slack is"),
        ({"kind": "webhook", "inside": {"namespace": "alerts", "port": 0}}, "addons.monitoring.alerts.inside.port: "),
    ],
)
def test_a_way_that_leads_nowhere_is_refused(given: dict[str, Any], line: str) -> None:
    assert [each for each in problems({**dev(), "addons": {"monitoring": {"alerts": given}}}) if each.startswith(line)]


@pytest.mark.parametrize("address", ["dns.google", "169.254.169.253", "1.1.1.1:53", "::1"])
def test_a_name_server_is_an_address_that_pods_can_reach(address: str) -> None:
    issuer = {
        "kind": "acme",
        "email": "a@example.org",
        "hosted_zone": "Z0123456789ABCDEFGHIJ",
        "nameservers": [address],
    }
    found = problems({**dev(), "addons": {"cert_manager": {"issuer": issuer}, "gateway": {"host": HOST}}})
    assert [each for each in found if each.startswith("addons.cert_manager.issuer.nameservers[0]: ")], found
