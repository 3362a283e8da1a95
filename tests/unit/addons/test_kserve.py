"""KServe: who reaches it, what it is told, and that both clouds get it where the settings ask for it."""

from typing import Any

import pytest
from support.program import STACKS, run_program, stack_config
from support.sites import MIRRORED, on_sites, site

from llmplatform.addons import Kserve, KserveArgs, kserve
from llmplatform.base.site import CERTIFICATES, MONITORS
from llmplatform.specs.addons import Kserve as Spec
from llmplatform.testing import RecordingEngine

RELEASE, NAMESPACE = "kubernetes:helm.sh/v3:Release", "kubernetes:core/v1:Namespace"
POLICY, MONITOR = "kubernetes:networking.k8s.io/v1:NetworkPolicy", "kubernetes:monitoring.coreos.com/v1:PodMonitor"
CHARTS = ["kserve-crd", "kserve-resources"]


def installed(*, monitored: bool = True, **changes: Any) -> Kserve:
    crds = {CERTIFICATES: None, **({MONITORS: None} if monitored else {})}
    here = site(monitored=monitored, crds=crds, **changes)
    return Kserve("kserve", KserveArgs(site=here, spec=Spec(enabled=True)))


VARIANTS = on_sites("kserve", installed)


def values(**changes: Any) -> dict[str, Any]:
    engine = RecordingEngine().run(lambda: installed(**changes))
    (release,) = [each for each in engine.all(RELEASE) if each.inputs["name"] == "kserve-resources"]
    return release.inputs["values"]["kserve"]


def test_its_crds_come_first_and_its_pod_is_restricted() -> None:
    engine = RecordingEngine().run(installed)
    assert [each.inputs["name"] for each in engine.all(RELEASE)] == CHARTS
    crds, controller = engine.all(RELEASE)
    assert engine.waits_for(controller, crds), "it has objects of them"
    labels = engine.one(NAMESPACE).inputs["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted", "the chart drops all rights by itself"


def test_it_has_objects_of_cert_manager_and_comes_after_it() -> None:
    with pytest.raises(LookupError, match=r"cert-manager\.io"):
        RecordingEngine().run(lambda: kserve.install(site(sections=(Spec(enabled=True),))))


def test_only_the_api_server_and_prometheus_call_it() -> None:
    """kserve at v0.20.0, charts/kserve-resources/files/kserve/resources.yaml: 9443 is that of the webhooks."""
    objects = [each.inputs for each in RecordingEngine().run(installed).all(POLICY)]
    inward = {each["metadata"]["name"]: each["spec"]["ingress"] for each in objects if each["spec"].get("ingress")}
    ports = {name: [port["port"] for rule in rules for port in rule["ports"]] for name, rules in inward.items()}
    assert ports == {"allow-webhooks": [9443], "allow-metrics": [8080]}


def test_prometheus_reads_the_metrics_without_the_chart_s_proxy() -> None:
    (monitor,) = RecordingEngine().run(installed).all(MONITOR)
    assert monitor.inputs["spec"]["podMetricsEndpoints"] == [{"port": "metrics", "interval": "30s"}]
    assert monitor.inputs["metadata"]["namespace"] == "kserve"
    assert values()["controller"]["metricsBindAddress"] == "0.0.0.0"  # noqa: S104 as the chart takes it
    assert not RecordingEngine().run(lambda: installed(monitored=False)).all(MONITOR)


def test_nothing_of_knative_or_of_an_ingress_is_made() -> None:
    found = values()["controller"]
    assert found["deploymentMode"] == "Standard"
    gateway = found["gateway"]
    assert gateway["disableIngressCreation"] is gateway["disableIstioVirtualHost"] is True


def test_the_longest_name_of_a_model_is_one_of_a_domain() -> None:
    """reconcilers/ingress/domain.go, GenerateDomainName: the longest label has 63 letters."""
    template = values()["controller"]["gateway"]["domainTemplate"]
    host = template.replace("{{ .Name }}", f"{'m' * 32}-predictor").replace("{{ .Namespace }}", "n" * 32)
    assert max(map(len, host.replace("{{ .IngressDomain }}", "svc.cluster.local").split("."))) <= 63


def test_a_predictor_gets_no_resources_but_its_own() -> None:
    """The chart's limit of one CPU is below our requests (setResourceRequirementDefaults skips empty texts)."""
    empty = {"cpu": "", "memory": ""}
    assert values()["inferenceservice"]["resources"] == {"requests": empty, "limits": empty}


def test_its_images_come_from_the_mirror_with_a_login_where_the_chart_can_read_it() -> None:
    found = values(mirrors=MIRRORED)
    controller = found["controller"]
    assert controller["image"] == "registry.example.org/docker.io/kserve/kserve-controller"
    assert controller["rbacProxyImage"].startswith("registry.example.org/quay.io/brancz/kube-rbac-proxy:")
    assert controller["imagePullSecrets"] == [{"name": "registry-login"}]
    assert "imagePullSecrets" not in found["router"], "it would stand in JSON as Go prints it"


def test_what_it_serves_comes_after_it() -> None:
    def program() -> None:
        here = site(sections=(Spec(enabled=True),), crds={CERTIFICATES: None, MONITORS: None})
        (made,) = kserve.install(here).needs("serving.kserve.io")
        assert isinstance(made, Kserve)

    RecordingEngine().run(program)
    assert not RecordingEngine().run(lambda: kserve.install(site())).registered, "the settings do not ask for it"


@pytest.mark.parametrize("stack", STACKS)
def test_every_cloud_has_it_where_it_is_switched_on(stack: str) -> None:
    config = stack_config(stack)
    addons = {**config["llmplatform:addons"], "kserve": {"enabled": True}}
    addons["cert_manager"] = {**addons.get("cert_manager", {}), "enabled": True}
    engine = run_program({**config, "llmplatform:addons": addons}, stack, may_warn=True)
    names = [each.inputs["name"] for each in engine.all(RELEASE)]
    assert [each for each in names if each.startswith("kserve")] == CHARTS
    assert engine.result["platform"]["platform"]["kserve"] is True
