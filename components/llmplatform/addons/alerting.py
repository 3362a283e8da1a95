"""Alertmanager's configuration: it names files, whose contents, the receivers' addresses, are secrets.

`critical` goes to the receiver of pages, if there is one, and all else to the receiver of alerts; notes go to none, and
the Watchdog, which always fires, to the outside heartbeat. What follows from a larger fault is held back.
Sources: prometheus/alertmanager v0.34.0, docs/configuration.md and notify/webhook/config.go (`payload`);
prometheus-operator v0.93.1, pkg/alertmanager/types.go, which reads the file strictly; kube-prometheus-stack mounts
Secrets below /etc/alertmanager/secrets, and its values.yaml has the first four inhibitions. Messages of robots:
DingTalk, "Custom robot access"; WeCom, "Group robot configuration"; Feishu, "Custom bot usage guide". Alertmanager
reads no answer's body: a robot that refuses a message with status 200 looks like one that took it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from llmplatform.specs.addons import Alerts, Receiver

SECRET = "alert-receiver"  # noqa: S105 the name of an object
KEY, PAGES_KEY, HEARTBEAT_KEY = "address", "pages", "heartbeat"
_DROPPED, _PAGES, _HEARTBEAT = "dropped", "pages", "heartbeat"
_NOTES = 'severity=~"info|none"'
_WATCHDOG = 'alertname="Watchdog"'
"""It always fires, and so proves that alerting works (kube-prometheus-stack, general.rules)."""
_WAITING = 'alertname=~"KubePodNotReady|KubeDeploymentReplicasMismatch|KubeDeploymentRolloutStuck"'
"""Alerts about pods without a node, which placeholders may be for ever (kubernetes-mixin, alerts/apps_alerts.libsonnet:
the first by `pod`, the others by `deployment`)."""
_FOLLOWS = "ModelReplicasMissing|ModelErrors|ModelQueueGrows|ModelCacheFull|ModelPreemptions|ModelObjective.*"
"""What a model without replicas causes."""

_TEXT = (
    "{{ .Status | toUpper }} {{ .CommonLabels.severity }} {{ .CommonLabels.alertname }} "
    "{{ .CommonLabels.environment }}\n"
    "{{ range .Alerts }}{{ .Annotations.summary }} {{ .Annotations.runbook_url }}\n{{ end }}"
)
_ROBOTS: Mapping[str, Mapping[str, Any]] = {
    "dingtalk": {"msgtype": "text", "text": {"content": _TEXT}},
    "wecom": {"msgtype": "text", "text": {"content": _TEXT}},
    "feishu": {"msg_type": "text", "content": {"text": _TEXT}},
}
"""Messages of robots of groups, whose webhooks take no other form."""

_INHIBITIONS: tuple[Mapping[str, Any], ...] = (
    {
        "source_matchers": ['severity="critical"'],
        "target_matchers": ['severity=~"warning|info"'],
        "equal": ["namespace", "alertname"],
    },
    {
        "source_matchers": ['severity="warning"'],
        "target_matchers": ['severity="info"'],
        "equal": ["namespace", "alertname"],
    },
    {
        "source_matchers": ['alertname="InfoInhibitor"'],
        "target_matchers": ['severity="info"'],
        "equal": ["namespace"],
    },
    {"target_matchers": ['alertname="InfoInhibitor"']},
    {
        "source_matchers": ['alertname="ModelDown"'],
        "target_matchers": [f'alertname=~"{_FOLLOWS}"'],
        "equal": ["namespace", "model"],
    },
    {
        "source_matchers": ['alertname="ModelObjectiveBurnsFast"'],
        "target_matchers": ['alertname="ModelObjectiveBurnsSlowly"'],
        "equal": ["namespace", "model", "objective"],
    },
)


def configuration(alerts: Alerts, placeholders: Sequence[str] = ()) -> dict[str, Any]:
    """Alertmanager's configuration.

    `placeholders`: names of Deployments that keep warm nodes, and wait for a node where models have all.
    """
    routes: list[dict[str, Any]] = [_watchdog(alerts), {"receiver": _DROPPED, "matchers": [_NOTES]}]
    if placeholders:
        names = "|".join(placeholders)
        waiting = [[_WAITING, f'pod=~"({names})-[a-z0-9]+-[a-z0-9]+"'], [_WAITING, f'deployment=~"{names}"']]
        routes += [{"receiver": _DROPPED, "matchers": matchers} for matchers in waiting]
    receivers: list[dict[str, Any]] = [{"name": _DROPPED}, {"name": alerts.kind, **_notifies(alerts, KEY)}]
    if alerts.pages:
        routes.append({"receiver": _PAGES, "matchers": ['severity="critical"']})
        receivers.append({"name": _PAGES, **_notifies(alerts.pages, PAGES_KEY)})
    if alerts.heartbeat:
        beat = {"url_file": _file(HEARTBEAT_KEY), "send_resolved": False}
        receivers.append({"name": _HEARTBEAT, "webhook_configs": [beat]})
    return {
        "route": {
            "receiver": alerts.kind,
            "group_by": ["alertname", "namespace", "model"],
            "group_wait": "30s",
            "group_interval": "5m",
            "repeat_interval": f"{alerts.repeat_hours}h",
            "routes": routes,
        },
        "inhibit_rules": [dict(each) for each in _INHIBITIONS],
        "receivers": receivers,
    }


def _watchdog(alerts: Alerts) -> dict[str, Any]:
    if not alerts.heartbeat:
        return {"receiver": _DROPPED, "matchers": [_WATCHDOG]}
    # Each minute: with a whole one between two messages, every other round would send none.
    often = {"group_wait": "0s", "group_interval": "1m", "repeat_interval": "30s"}
    return {"receiver": _HEARTBEAT, "matchers": [_WATCHDOG], **often}


def _notifies(receiver: Receiver, key: str) -> dict[str, Any]:
    """How a receiver is notified: one kind of notifier."""
    file, both = _file(key), {"send_resolved": True}
    if receiver.kind == "slack":
        return {"slack_configs": [{"api_url_file": file, **both}]}
    if receiver.kind == "pagerduty":
        return {"pagerduty_configs": [{"routing_key_file": file, **both}]}
    if receiver.email:
        return {"email_configs": [{**_mail(receiver), "auth_password_file": file, **both}]}
    payload = {"payload": dict(_ROBOTS[receiver.kind])} if receiver.kind in _ROBOTS else {}
    return {"webhook_configs": [{"url_file": file, **payload, **both}]}


def _mail(receiver: Receiver) -> dict[str, Any]:
    mail = receiver.email
    if mail is None:
        raise ValueError("addons.monitoring.alerts.email: e-mail needs a server; set it")
    return {
        "to": ", ".join(mail.to),
        "from": mail.sender,
        "smarthost": f"{mail.server}:{mail.port}",
        "auth_username": mail.username,
        "require_tls": True,
    }


def _file(key: str) -> str:
    return f"/etc/alertmanager/secrets/{SECRET}/{key}"
