"""Who is told of alerts, and that nobody else learns the address."""

from typing import Literal

import pytest
from support.addon_variants import ACK_ISSUER, RECEIVER, WEBHOOK, alerting, cert_manager, monitoring, webhook_challenge

from llmplatform.addons.alerting import configuration
from llmplatform.specs import addons as specs
from llmplatform.testing import RecordingEngine, walk

RELEASE, SECRET = "kubernetes:helm.sh/v3:Release", "kubernetes:core/v1:Secret"
Kind = Literal["webhook", "slack", "pagerduty"]


@pytest.mark.parametrize("kind", ["webhook", "slack", "pagerduty"])
def test_the_address_is_in_one_secret_and_the_release_knows_a_file_alone(kind: Kind) -> None:
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


def test_alerts_that_fire_for_ever_reach_nobody_and_all_others_the_receiver() -> None:
    config = configuration(specs.Alerts(kind="slack", repeat_hours=4))
    assert config["route"]["receiver"] == "slack"
    assert config["route"]["repeat_interval"] == "4h"
    silent, notes = config["route"]["routes"]
    assert "Watchdog" in silent["matchers"][0]
    assert notes["matchers"] == ['severity=~"info|none"'], "nobody is woken by a note"
    names = {receiver["name"]: set(receiver) - {"name"} for receiver in config["receivers"]}
    assert names == {silent["receiver"]: set(), "slack": {"slack_configs"}}


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


def test_the_webhook_has_the_role_and_cert_manager_has_none() -> None:
    spec = specs.AckCertManager(issuer=ACK_ISSUER)
    engine = RecordingEngine().run(lambda: cert_manager(spec=spec, challenge=webhook_challenge()))
    webhook = engine.one(RELEASE, "cert-manager-webhook-release")
    assert webhook.inputs["values"]["aliyunAuth"] == {"rrsa": {"enabled": True, "roleName": "test-challenge"}}
    manager = engine.one(RELEASE, "cert-manager-release")
    assert "serviceAccount" not in manager.inputs["values"]
    assert engine.waits_for(webhook, manager), "cert-manager certifies it"
    assert engine.waits_for(engine.named("cert-manager-issuer"), webhook), "nobody would answer before"
    labels = engine.named("cert-manager-webhook-space-namespace").inputs["metadata"]["labels"]
    assert labels["injection"] == "on"
    assert webhook.inputs["namespace"] == WEBHOOK
