"""What the add-ons' namespaces let through, and how much may be in them."""

from typing import Any

import pytest
from support.addons import ISSUERS, cert_manager, gpu_metrics, gpu_operator, monitoring

from llmplatform.specs import addons as specs
from llmplatform.testing import RecordingEngine

POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
ADDONS = [cert_manager, gpu_metrics, gpu_operator, monitoring]
WORLD = {"ipBlock": {"cidr": "0.0.0.0/0", "except": ["169.254.0.0/16", "100.100.100.200/32"]}}
PROMETHEUS = {
    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}},
    "podSelector": {"matchLabels": {"app.kubernetes.io/name": "prometheus"}},
}


def policies(engine: RecordingEngine) -> dict[str, dict[str, Any]]:
    return {each.inputs["metadata"]["name"]: each.inputs["spec"] for each in engine.all(POLICY)}


def ports(*numbers: int) -> list[dict[str, Any]]:
    return [{"protocol": "TCP", "port": number} for number in numbers]


@pytest.mark.parametrize("addon", ADDONS)
def test_every_addon_is_closed_both_ways_but_for_dns_and_the_api_server(addon: Any) -> None:
    found = policies(RecordingEngine().run(addon))
    assert found["default-deny"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    assert found["allow-dns"]["egress"][0]["ports"][0]["port"] == 53
    assert found["allow-https"]["egress"] == [{"to": [WORLD], "ports": ports(443, 6443)}]


@pytest.mark.parametrize("addon", ADDONS)
def test_every_addon_is_bounded_and_nothing_of_it_faces_the_outside(addon: Any) -> None:
    engine = RecordingEngine().run(addon)
    hard = engine.one("kubernetes:core/v1:ResourceQuota").inputs["spec"]["hard"]
    assert hard["services.loadbalancers"] == hard["services.nodeports"] == "0"
    assert int(hard["pods"]) >= 50, "an update replaces all pods at once"
    (limit,) = engine.one("kubernetes:core/v1:LimitRange").inputs["spec"]["limits"]
    assert limit["defaultRequest"] == {"cpu": "10m", "memory": "32Mi"}, "a model needs what DaemonSets leave"


def test_the_api_server_reaches_the_webhook_of_cert_manager_from_wherever_it_is() -> None:
    found = policies(RecordingEngine().run(cert_manager))
    assert found["allow-webhook"]["ingress"] == [{"ports": ports(10250)}], "no selector names its addresses"


@pytest.mark.parametrize(
    ("addon", "open_ports"), [(cert_manager, (9402,)), (gpu_metrics, (9400,)), (gpu_operator, (8080, 9400))]
)
def test_metrics_are_open_to_the_scraper_alone(addon: Any, open_ports: tuple[int, ...]) -> None:
    found = policies(RecordingEngine().run(addon))
    assert found["allow-metrics"]["ingress"] == [{"from": [PROMETHEUS], "ports": ports(*open_ports)}]
    assert "allow-metrics" not in policies(RecordingEngine().run(lambda: addon(monitored=False))), (
        "no Prometheus scrapes"
    )


def test_cert_manager_gets_its_credentials_from_the_agent_on_the_node_and_only_when_it_has_some() -> None:
    acme = RecordingEngine().run(lambda: cert_manager(spec=specs.CertManager(issuer=ISSUERS[1])))
    agent = {"ipBlock": {"cidr": "169.254.170.23/32"}}
    assert policies(acme)["allow-credentials"]["egress"] == [{"to": [agent], "ports": ports(80)}]
    assert "allow-credentials" not in policies(RecordingEngine().run(cert_manager))


def test_prometheus_goes_everywhere_and_its_neighbours_do_not() -> None:
    found = policies(RecordingEngine().run(monitoring))
    scraping = found["allow-scraping"]
    assert scraping["podSelector"] == {"matchLabels": {"app.kubernetes.io/name": "prometheus"}}
    assert scraping["egress"] == [{"to": [{"namespaceSelector": {}}, WORLD]}], "monitors name any port of any pod"
    assert found["allow-own-pods-in"]["ingress"] == [{"from": [{"podSelector": {}}]}]
    assert found["allow-own-pods-out"]["egress"] == [{"to": [{"podSelector": {}}]}]
    assert not [name for name, each in found.items() if each.get("ingress") and name != "allow-own-pods-in"]
