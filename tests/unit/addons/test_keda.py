"""KEDA: who reaches it, what outlives it, and that both clouds get it."""

from typing import Any

import pytest
from support.program import STACKS, run_program, stack_config
from support.sites import MIRRORED, on_sites, site

from llmplatform.addons import Keda, KedaArgs, keda, monitoring
from llmplatform.specs.addons import Keda as Spec
from llmplatform.specs.addons import Monitoring
from llmplatform.testing import RecordingEngine

RELEASE, NAMESPACE = "kubernetes:helm.sh/v3:Release", "kubernetes:core/v1:Namespace"
POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
PARTS = ("operator", "metricServer", "webhooks")


def installed(**changes: Any) -> Keda:
    return Keda("keda", KedaArgs(site=site(**changes), spec=Spec()))


VARIANTS = on_sites("keda", installed)


def values(**changes: Any) -> dict[str, Any]:
    return RecordingEngine().run(lambda: installed(**changes)).one(RELEASE).inputs["values"]


def test_its_pods_are_restricted() -> None:
    labels = RecordingEngine().run(installed).one(NAMESPACE).inputs["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted", "the chart drops all rights by itself"


def test_the_api_server_reaches_webhooks_and_metrics_and_only_its_own_pods_the_operator() -> None:
    """kedacore/charts at v2.20.2: 9443 and 6443 are served for the API server, 9666 for the metrics server."""
    found = policies(RecordingEngine().run(installed), "keda")
    inward = {name: spec["ingress"] for name, spec in found.items() if spec.get("ingress")}
    ports = {name: [port["port"] for rule in rules for port in rule["ports"]] for name, rules in inward.items()}
    assert ports == {
        "allow-webhooks": [9443],
        "allow-metrics-api": [6443],
        "allow-operator-in": [9666],
        "allow-metrics": [8080],
    }
    assert inward["allow-operator-in"][0]["from"] == [{"podSelector": {}}]


def policies(engine: RecordingEngine, namespace: str) -> dict[str, dict[str, Any]]:
    objects = [each.inputs for each in engine.all(POLICY)]
    return {each["metadata"]["name"]: each["spec"] for each in objects if each["metadata"]["namespace"] == namespace}


@pytest.mark.parametrize("stack", STACKS)
def test_its_operator_alone_asks_prometheus_and_both_namespaces_let_it(stack: str) -> None:
    """Labels: keda/templates/manager/deployment.yaml, and prometheus-operator's own of the pods that it makes."""
    engine = run_program(stack_config(stack), stack)
    operator = {"matchLabels": {"app": "keda-operator"}}
    prometheus = {"matchLabels": {"app.kubernetes.io/name": "prometheus"}}
    ports = [{"protocol": "TCP", "port": 9090}]
    out = policies(engine, "keda")["allow-prometheus"]
    home = {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}
    assert out["podSelector"] == operator
    assert out["egress"] == [{"to": [{"namespaceSelector": home, "podSelector": prometheus}], "ports": ports}]
    inward = policies(engine, "monitoring")["allow-scaling"]
    home = {"matchLabels": {"kubernetes.io/metadata.name": "keda"}}
    assert inward["podSelector"] == prometheus
    assert inward["ingress"] == [{"from": [{"namespaceSelector": home, "podSelector": operator}], "ports": ports}]


def test_without_a_prometheus_there_is_no_way_to_one() -> None:
    found = policies(RecordingEngine().run(lambda: installed(monitored=False)), "keda")
    assert "allow-prometheus" not in found


ANY = {"cidr": "0.0.0.0/0", "except": ["169.254.0.0/16", "100.100.100.200/32"]}


@pytest.mark.parametrize(
    ("url", "peer", "port"),
    [
        ("http://prom.watch.svc/prometheus", {"namespaceSelector": "watch"}, None),
        ("http://prom-0.prom.watch.svc.cluster.local:9090", {"namespaceSelector": "watch"}, None),
        ("https://metrics.example.org", {"ipBlock": ANY}, 443),
        ("http://metrics.example.org/svc", {"ipBlock": ANY}, 80),
        ("http://10.9.0.7:9091", {"ipBlock": ANY}, 9091),
    ],
)
def test_its_operator_may_reach_the_address_of_an_existing_prometheus(
    url: str, peer: dict[str, Any], port: int | None
) -> None:
    """A policy sees the port of a pod and not that of its Service, which may be another one."""

    def program() -> None:
        theirs = Monitoring(kind="existing", namespace="watch", url=url)
        keda.install(monitoring.install(site(monitored=False, sections=(theirs, Spec()))))

    out = policies(RecordingEngine().run(program), "keda")["allow-prometheus"]
    if space := peer.get("namespaceSelector"):
        peer = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": space}}}
    ports = {"ports": [{"protocol": "TCP", "port": port}]} if port else {}
    assert out["egress"] == [{"to": [peer], **ports}]
    assert out["podSelector"] == {"matchLabels": {"app": "keda-operator"}}


def test_an_existing_keda_is_used_and_prometheus_admits_it() -> None:
    def program() -> None:
        theirs = Spec(kind="existing", namespace="scaling")
        here = keda.install(monitoring.install(site(monitored=False, sections=(Monitoring(), theirs))))
        assert here.needs("keda.sh") == here.needs("eventing.keda.sh") == []

    engine = RecordingEngine().run(program)
    assert not [each for each in engine.all(RELEASE) if each.inputs["name"] == "keda"]
    assert [each.inputs["metadata"]["name"] for each in engine.all(NAMESPACE)] == ["monitoring"]
    ((peer,),) = (rule["from"] for rule in policies(engine, "monitoring")["allow-scaling"]["ingress"])
    assert peer["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "scaling"}


def test_it_reads_secrets_of_its_own_namespace_alone_and_scales_deployments_and_statefulsets_alone() -> None:
    """keda/templates/manager/clusterrole.yaml: by default it lists all Secrets, and patches `*/scale` of `*`."""
    found = values()
    assert found["permissions"] == {part: {"restrict": {"secret": True}} for part in ("operator", "metricServer")}
    assert found["rbac"] == {"enabledCustomScaledRefKinds": False}


@pytest.mark.parametrize(
    ("part", "app"),
    [
        ("operator", "keda-operator"),
        ("metricsServer", "keda-operator-metrics-apiserver"),
        ("webhooks", "keda-admission-webhooks"),
    ],
)
def test_the_pods_of_a_part_prefer_different_zones_and_nodes(part: str, app: str) -> None:
    found = values()["topologySpreadConstraints"][part]
    assert [each["topologyKey"] for each in found] == ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]
    for each in found:
        assert each["labelSelector"] == {"matchLabels": {"app": app}}, "the chart's own selector of that Deployment"
        assert each["whenUnsatisfiable"] == "ScheduleAnyway", "a cluster with one node could not have it"


@pytest.mark.parametrize("monitored", [True, False])
def test_all_its_parts_are_scraped_where_metrics_are(monitored: bool) -> None:
    found = values(monitored=monitored)["prometheus"]
    wanted = {"enabled": monitored, "serviceMonitor": {"enabled": monitored}}
    assert [found[part] for part in PARTS] == [wanted] * 3


def test_its_crds_outlive_its_release() -> None:
    kept = values()["crds"]
    assert kept == {"install": True, "additionalAnnotations": {"helm.sh/resource-policy": "keep"}}, (
        "every ScaledObject would go with them"
    )


def test_a_node_can_be_drained_while_something_scales() -> None:
    found = values()
    assert [found[part]["replicaCount"] for part in ("operator", "metricsServer", "webhooks")] == [2, 2, 2]
    assert [found["podDisruptionBudget"][part] for part in PARTS] == [{"maxUnavailable": 1}] * 3
    assert found["priorityClassName"] == "system-cluster-critical"


def test_its_images_come_from_the_mirror() -> None:
    images = values(mirrors=MIRRORED)["image"]
    mirrored = {part: each["registry"] for part, each in images.items() if part != "pullPolicy"}
    assert mirrored == dict.fromkeys(("keda", "metricsApiServer", "webhooks"), "registry.example.org/ghcr.io")


def test_what_scales_by_it_comes_after_it() -> None:
    def program() -> None:
        after = keda.install(site(sections=(Spec(),)))
        (release,) = after.needs("keda.sh")
        assert isinstance(release, Keda)
        assert after.needs("eventing.keda.sh") == [release]

    assert RecordingEngine().run(program).one(RELEASE)
    assert not RecordingEngine().run(lambda: keda.install(site())).registered, "the settings do not ask for it"


@pytest.mark.parametrize("stack", STACKS)
def test_every_cloud_has_it_unless_it_is_switched_off(stack: str) -> None:
    config = stack_config(stack)
    assert "keda" in {each.inputs["name"] for each in run_program(config, stack).all(RELEASE)}
    fixed = {
        name: {key: value for key, value in model.items() if key != "scaling"}
        for name, model in config["llmplatform:models"].items()
    }
    addons = {**config["llmplatform:addons"], "keda": {"enabled": False}}
    off = {**config, "llmplatform:addons": addons, "llmplatform:models": fixed}
    assert "keda" not in {each.inputs["name"] for each in run_program(off, stack).all(RELEASE)}
