"""Prometheus, Alertmanager and Grafana: what they see, what they keep, and where alerts go."""

import re
from functools import partial
from typing import Any, Literal

import pytest
from support.addons import RECEIVER, alerting, monitoring
from support.plans import SPOT_FIRST, environment, pool_plans
from support.sites import on_sites, site

from llmplatform.addons.alerting import configuration
from llmplatform.addons.monitoring import MonitoringArgs, install
from llmplatform.specs import addons as specs
from llmplatform.testing import RecordingEngine, walk

RELEASE = "kubernetes:helm.sh/v3:Release"
SECRET = "kubernetes:core/v1:Secret"

Receiver = Literal["webhook", "slack", "pagerduty"]
RECEIVERS: tuple[Receiver, ...] = ("webhook", "slack", "pagerduty")
MAIL = specs.MailServer(server="smtp.example.org", username="alerts", sender="a@example.org", to=("b@example.org",))
MAILED = {
    "spec": specs.Monitoring(
        alerts=specs.Alerts(kind="dingtalk", pages=specs.Receiver(kind="email", email=MAIL), heartbeat=True)
    ),
    "alert_receiver": RECEIVER,
    "alert_pages": "password",
    "alert_heartbeat": "https://beat.example.org/x",
}
VARIANTS = {
    **on_sites("monitoring", monitoring, monitored=(False,)),
    **on_sites("monitoring, disks of a class", partial(monitoring, storage_class="gp3"), monitored=(False,)),
    **{f"monitoring, alerts by {kind}": partial(alerting, kind) for kind in RECEIVERS},
    "monitoring, pages by mail and a heartbeat": partial(monitoring, **MAILED),
}


def values(engine: RecordingEngine, release: str) -> dict[str, Any]:
    return engine.one(RELEASE, release).inputs["values"]


def test_every_node_has_an_exporter_even_those_that_evict() -> None:
    found = values(RecordingEngine().run(monitoring), "monitoring-stack")
    assert found["prometheus-node-exporter"]["tolerations"] == [{"operator": "Exists"}]


@pytest.mark.parametrize(("protection", "then"), [("full", "Retain"), ("none", "Delete")])
def test_the_disks_of_monitoring_go_with_its_release_unless_they_are_protected(protection: str, then: str) -> None:
    engine = RecordingEngine().run(lambda: monitoring(environment=environment(protection)))
    found = values(engine, "monitoring-stack")
    for part in (found["prometheus"]["prometheusSpec"], found["alertmanager"]["alertmanagerSpec"]):
        assert part["persistentVolumeClaimRetentionPolicy"] == {"whenDeleted": then, "whenScaled": "Retain"}, (
            "disks that are in no state are paid for and forgotten"
        )


def test_prometheus_sees_everything_and_does_not_fill_its_disk() -> None:
    spec = specs.Monitoring(retention_days=7, storage_gib=20)
    engine = RecordingEngine().run(lambda: monitoring(spec=spec, storage_class="gp3"))
    prometheus = values(engine, "monitoring-stack")["prometheus"]["prometheusSpec"]
    selectors = {key: value for key, value in prometheus.items() if key.endswith("SelectorNilUsesHelmValues")}
    assert len(selectors) == 5
    assert not any(selectors.values()), "monitors without the release's label would be ignored in silence"
    assert prometheus["retention"] == "7d"
    assert int(prometheus["retentionSize"].removesuffix("MB")) < 20 * 1024 * 0.9
    claim = prometheus["storageSpec"]["volumeClaimTemplate"]["spec"]
    assert claim["storageClassName"] == "gp3"
    assert claim["resources"]["requests"]["storage"] == "20Gi"


def test_the_managed_control_plane_is_neither_scraped_nor_alerted_on() -> None:
    found = values(RecordingEngine().run(monitoring), "monitoring-stack")
    for part in ("kubeControllerManager", "kubeScheduler", "kubeEtcd", "kubeProxy"):
        assert found[part] == {"enabled": False}
    assert not any(found["defaultRules"]["rules"].values()), "they would fire for ever"


def test_the_kinds_of_monitoring_have_a_release_of_their_own_that_comes_first() -> None:
    engine = RecordingEngine().run(monitoring)
    assert values(engine, "monitoring-stack")["crds"] == {"enabled": False}
    assert engine.waits_for(engine.named("monitoring-stack"), engine.named("monitoring-crds"))


def test_grafanas_administrator_is_a_generated_secret_that_the_chart_only_names() -> None:
    engine = RecordingEngine().run(monitoring)
    secret = engine.one("kubernetes:core/v1:Secret")
    assert secret.secrets == {"stringData"}
    assert secret.inputs["stringData"] == {"admin-user": "admin", "admin-password": "Generated-passw0rd"}
    admin = values(engine, "monitoring-stack")["grafana"]["admin"]
    assert admin == {
        "existingSecret": secret.inputs["metadata"]["name"],
        "userKey": "admin-user",
        "passwordKey": "admin-password",
    }
    assert engine.waits_for(engine.named("monitoring-stack"), secret), "Grafana would not start"


@pytest.mark.parametrize("kind", ["webhook", "slack", "pagerduty"])
def test_the_address_is_in_one_secret_and_the_release_knows_a_file_alone(kind: Receiver) -> None:
    engine = RecordingEngine().run(lambda: alerting(kind))
    holder = engine.named("monitoring-alert-receiver")
    assert holder.inputs["stringData"] == {"address": RECEIVER}
    assert "stringData" in holder.secrets, "encrypted in the state"
    values = engine.one(RELEASE, "monitoring-stack").inputs["values"]
    assert not [path for path, value in walk(values) if value == RECEIVER]
    assert values["alertmanager"]["alertmanagerSpec"]["secrets"] == ["alert-receiver"]
    files = [value for path, value in walk(values["alertmanager"]["config"]) if path.endswith("_file")]
    assert files == ["/etc/alertmanager/secrets/alert-receiver/address"]
    assert engine.waits_for(engine.one(RELEASE, "monitoring-stack"), holder), "Alertmanager mounts it"


def test_alerts_that_fire_for_ever_are_dropped_and_all_others_reach_the_receiver() -> None:
    config = configuration(specs.Alerts(kind="slack", repeat_hours=4))
    assert config["route"]["receiver"] == "slack"
    assert config["route"]["repeat_interval"] == "4h"
    silent, notes = config["route"]["routes"]
    assert "Watchdog" in silent["matchers"][0]
    assert notes["matchers"] == ['severity=~"info|none"'], "a note wakes no receiver"
    names = {receiver["name"]: set(receiver) - {"name"} for receiver in config["receivers"]}
    assert names == {silent["receiver"]: set(), "slack": {"slack_configs"}}


@pytest.mark.parametrize(("repeated", "kept"), [(12, None), (96, None), (720, "744h")])
def test_alertmanager_knows_what_it_sent_until_it_is_sent_again(repeated: int, kept: str | None) -> None:
    spec = specs.Monitoring(alerts=specs.Alerts(kind="slack", repeat_hours=repeated))
    engine = RecordingEngine().run(partial(monitoring, spec=spec, alert_receiver=RECEIVER))
    assert values(engine, "monitoring-stack")["alertmanager"]["alertmanagerSpec"].get("retention") == kept


def notifier(config: dict[str, Any], name: str) -> dict[str, Any]:
    """The kind of notifier of a receiver, and how it is set."""
    (found,) = [each for each in config["receivers"] if each["name"] == name]
    ((kind, (settings,)),) = [(key, value) for key, value in found.items() if key != "name"]
    return {"kind": kind, **settings}


@pytest.mark.parametrize("kind", ["dingtalk", "wecom", "feishu"])
def test_a_robot_of_a_group_gets_the_only_form_of_message_that_it_takes(kind: Any) -> None:
    found = notifier(configuration(specs.Alerts(kind=kind)), kind)
    text = found["payload"]["content"]["text"] if kind == "feishu" else found["payload"]["text"]["content"]
    assert found["kind"] == "webhook_configs"
    assert found["payload"]["msg_type" if kind == "feishu" else "msgtype"] == "text"
    assert "runbook_url" in text


def test_mail_needs_tls_and_reads_its_password_from_a_file() -> None:
    found = notifier(configuration(specs.Alerts(kind="email", email=MAIL)), "email")
    assert found["kind"] == "email_configs"
    assert (found["smarthost"], found["require_tls"]) == ("smtp.example.org:587", True)
    assert found["auth_password_file"].endswith("/address")


def test_pages_go_to_a_receiver_of_their_own_and_the_watchdog_to_the_heartbeat() -> None:
    alerts = specs.Alerts(kind="slack", pages=specs.Receiver(kind="pagerduty"), heartbeat=True)
    addresses = {"alert_receiver": RECEIVER, "alert_pages": "key", "alert_heartbeat": "https://beat.example.org/x"}
    engine = RecordingEngine().run(lambda: monitoring(spec=specs.Monitoring(alerts=alerts), **addresses))
    config = values(engine, "monitoring-stack")["alertmanager"]["config"]
    by_matcher = {each["matchers"][0]: each for each in config["route"]["routes"]}
    assert by_matcher['severity="critical"']["receiver"] == "pages"
    beat = by_matcher['alertname="Watchdog"']
    assert (beat["receiver"], beat["group_interval"]) == ("heartbeat", "1m")
    assert notifier(config, "pages")["routing_key_file"].endswith("/pages")
    assert notifier(config, "heartbeat")["url_file"].endswith("/heartbeat")
    holder = engine.named("monitoring-alert-receiver")
    assert set(holder.inputs["stringData"]) == {"address", "pages", "heartbeat"}
    assert "stringData" in holder.secrets


def test_a_model_that_is_down_says_so_once() -> None:
    rules = configuration(specs.Alerts(kind="slack"))["inhibit_rules"]
    (down,) = [each for each in rules if each.get("source_matchers") == ['alertname="ModelDown"']]
    pattern = _matcher(down["target_matchers"][0])[1]
    assert all(re.fullmatch(pattern, each) for each in ("ModelErrors", "ModelObjectiveBurnsFast"))
    assert not re.fullmatch(pattern, "ModelServerStuck")
    assert down["equal"] == ["namespace", "model"]


@pytest.mark.parametrize(
    ("alerts", "missing"),
    [
        (specs.Alerts(kind="slack", pages=specs.Receiver(kind="pagerduty")), "secrets.alert_pages"),
        (specs.Alerts(kind="slack", heartbeat=True), "secrets.alert_heartbeat"),
    ],
)
def test_pages_and_heartbeat_without_an_address_are_refused(alerts: specs.Alerts, missing: str) -> None:
    with pytest.raises(ValueError, match=missing):
        MonitoringArgs(spec=specs.Monitoring(alerts=alerts), site=site(), alert_receiver=RECEIVER)


def test_a_placeholder_that_waits_for_its_node_wakes_no_receiver() -> None:
    """kubernetes-mixin, alerts/apps_alerts.libsonnet: labels of the alerts; Alertmanager anchors its expressions."""
    spec = specs.Monitoring(alerts=specs.Alerts(kind="slack"))
    pools = pool_plans(gpu={**SPOT_FIRST, "warm": 1}, other=SPOT_FIRST)
    engine = RecordingEngine().run(lambda: monitoring(spec=spec, pools=pools, alert_receiver=RECEIVER))
    config = engine.one(RELEASE, "monitoring-stack").inputs["values"]["alertmanager"]["config"]
    routes = [each["matchers"] for each in config["route"]["routes"]]
    pods, deployments = [dict(map(_matcher, matchers)) for matchers in routes if len(matchers) > 1]
    for alert, found, label, ours, others in (
        (
            "KubePodNotReady",
            pods,
            "pod",
            "placeholder-gpu-5d9c7b-x2x4z",
            ("placeholder-5d9c7b-x2x4z", "gpu-5d9c7b-x2x4z"),
        ),
        ("KubeDeploymentReplicasMismatch", deployments, "deployment", "placeholder-gpu", ("gpu", "placeholder-other")),
    ):
        assert re.fullmatch(found["alertname"], alert)
        assert re.fullmatch(found[label], ours)
        assert not any(re.fullmatch(found[label], other) for other in others)


def _matcher(text: str) -> tuple[str, str]:
    label, _, value = text.partition("=~")
    return label, value.strip('"')


def test_rules_that_can_never_be_right_are_off() -> None:
    """kubernetes-mixin: requests against what is left with a node less. Models alone ask for more in every stack."""
    found = (
        RecordingEngine().run(monitoring).one(RELEASE, "monitoring-stack").inputs["values"]["defaultRules"]["disabled"]
    )
    assert found == {"KubeCPUOvercommit": True, "KubeMemoryOvercommit": True}


def test_without_a_receiver_the_chart_keeps_its_own_configuration() -> None:
    engine = RecordingEngine().run(monitoring)
    assert "config" not in engine.one(RELEASE, "monitoring-stack").inputs["values"]["alertmanager"]
    assert not [each for each in engine.all(SECRET) if each.name == "monitoring-alert-receiver"]


def test_alerts_without_an_address_are_refused() -> None:
    with pytest.raises(ValueError, match=r"secrets\.alert_receiver"):
        RecordingEngine().run(lambda: monitoring(spec=specs.Monitoring(alerts=specs.Alerts(kind="webhook"))))


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


def test_the_site_knows_where_prometheus_is() -> None:
    """kube-prometheus-stack: the Service is `<release>-prometheus`, and its port 9090."""

    def address(**settings: Any) -> Any:
        here = site(monitored=False, sections=(specs.Monitoring(**settings),))
        return RecordingEngine().run(lambda: install(here).prometheus_url).result

    assert address(namespace="watch") == "http://kube-prometheus-stack-prometheus.watch.svc:9090"
    assert address(kind="existing", namespace="theirs") is None, "the settings do not say it"


def test_without_keda_only_its_own_namespace_reaches_prometheus() -> None:
    engine = RecordingEngine().run(monitoring)
    inward = {
        each.inputs["metadata"]["name"]
        for each in engine.all("kubernetes:networking.k8s.io/v1:NetworkPolicy")
        if each.inputs["spec"].get("ingress")
    }
    assert inward == {"allow-own-pods-in"}
