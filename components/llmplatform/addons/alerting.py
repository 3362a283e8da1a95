"""Alertmanager's configuration: it names a file, whose content, the receiver's address, is a secret.

Source: "Configuration", Alertmanager's documentation (`url_file`, `api_url_file`, `routing_key_file`); kube-prometheus-
stack mounts Secrets below /etc/alertmanager/secrets.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from llmplatform.specs.addons import Alerts

SECRET = "alert-receiver"  # noqa: S105 the name of an object
KEY = "address"
_FILE = f"/etc/alertmanager/secrets/{SECRET}/{KEY}"
_DROPPED = "dropped"
_SILENT = ('alertname=~"Watchdog|InfoInhibitor"', 'severity=~"info|none"')
"""Alerts for machines, which always fire: one proves that alerting works, the other silences notes; and the notes."""
_WAITING = 'alertname=~"KubePodNotReady|KubeDeploymentReplicasMismatch|KubeDeploymentRolloutStuck"'
"""Alerts about pods without a node, which placeholders may be for ever (kubernetes-mixin, alerts/apps_alerts.libsonnet:
the first by `pod`, the others by `deployment`)."""

_RECEIVERS: Mapping[str, Mapping[str, Any]] = {
    "webhook": {"webhook_configs": [{"url_file": _FILE, "send_resolved": True}]},
    "slack": {"slack_configs": [{"api_url_file": _FILE, "send_resolved": True}]},
    "pagerduty": {"pagerduty_configs": [{"routing_key_file": _FILE, "send_resolved": True}]},
}


def configuration(alerts: Alerts, placeholders: Sequence[str] = ()) -> dict[str, Any]:
    """Alertmanager's configuration: everything but the silent alerts goes to one receiver.

    `placeholders`: names of Deployments that keep warm nodes, and wait for a node where models have all.
    """
    silent = [[matcher] for matcher in _SILENT]
    if placeholders:
        names = "|".join(placeholders)
        silent += [[_WAITING, f'pod=~"({names})-[a-z0-9]+-[a-z0-9]+"'], [_WAITING, f'deployment=~"{names}"']]
    return {
        "route": {
            "receiver": alerts.kind,
            "group_by": ["alertname", "namespace"],
            "group_wait": "30s",
            "group_interval": "5m",
            "repeat_interval": f"{alerts.repeat_hours}h",
            "routes": [{"receiver": _DROPPED, "matchers": matchers} for matchers in silent],
        },
        "receivers": [{"name": _DROPPED}, {"name": alerts.kind, **_RECEIVERS[alerts.kind]}],
    }
