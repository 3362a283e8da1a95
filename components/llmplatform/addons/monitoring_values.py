"""Values of kube-prometheus-stack: only the keys that we set."""

from collections.abc import Sequence
from typing import Any, Literal

import pulumi
from pydantic import Field

from llmplatform.addons import alerting
from llmplatform.base.chart_values import Part, Resources, Switch, Tolerations, Values
from llmplatform.base.labels import MODEL_LABEL
from llmplatform.planning.pools import POOL_LABEL
from llmplatform.specs.addons import Monitoring as Spec

USER_KEY = "admin-user"
PASSWORD_KEY = "admin-password"  # noqa: S105 the name of a key
DISK_SHARE = 0.85
"""Part of the volume for metrics; the rest is for the write-ahead log and compaction."""

_MANAGED = ("etcd", "kubeControllerManager", "kubeSchedulerAlerting", "kubeSchedulerRecording", "kubeProxy")
"""Rules about parts that a managed control plane hides. They would always fire."""


class _AdminCredentials(Values):
    existing_secret: pulumi.Output[str] | str
    user_key: str = USER_KEY
    password_key: str = PASSWORD_KEY


class _Grafana(Part):
    admin: _AdminCredentials
    sidecar: Part


class _ClaimRetention(Values):
    """What happens to the claims of a StatefulSet."""

    when_deleted: Literal["Delete", "Retain"]
    """`Retain` leaves volumes that are in no state after the release."""
    when_scaled: Literal["Delete", "Retain"] = "Retain"


_RETENTION_HOURS = 120
"""Chart kube-prometheus-stack, values.yaml, `alertmanager.alertmanagerSpec.retention`."""
_CRITICAL = "system-cluster-critical"
"""Monitoring is the last that a full node may evict."""


class _PrometheusSpec(Part):
    priority_class_name: str = _CRITICAL
    retention: str
    retention_size: str
    storage_spec: dict[str, Any]
    persistent_volume_claim_retention_policy: _ClaimRetention
    # Open selectors: monitors do not need the release's label.
    service_monitor_selector_nil_uses_helm_values: bool = False
    pod_monitor_selector_nil_uses_helm_values: bool = False
    rule_selector_nil_uses_helm_values: bool = False
    probe_selector_nil_uses_helm_values: bool = False
    scrape_config_selector_nil_uses_helm_values: bool = False


class _Prometheus(Values):
    prometheus_spec: _PrometheusSpec


class _AlertmanagerSpec(Part):
    priority_class_name: str = _CRITICAL
    retention: str | None = None
    storage: dict[str, Any]
    secrets: list[pulumi.Output[str] | str] | None = None
    """Mounted below /etc/alertmanager/secrets."""
    persistent_volume_claim_retention_policy: _ClaimRetention


class _Alertmanager(Values):
    alertmanager_spec: _AlertmanagerSpec
    config: dict[str, Any] | None = None


class _Operator(Part):
    admission_webhooks: Switch = Switch(enabled=False)
    """They only check rules' syntax, and need certificate jobs that have hung other installations."""
    tls: Switch = Switch(enabled=False)
    """Serves the webhooks alone."""
    prometheus_config_reloader: Part


_NEVER_RIGHT = ("KubeCPUOvercommit", "KubeMemoryOvercommit")
"""Alerts that pods would not fit with a node less. Models use whole GPU nodes, and the autoscaler replaces a lost one:
they would always fire (kubernetes-mixin, `alerts/resource_alerts.libsonnet`)."""


class _DefaultRules(Values):
    rules: dict[str, bool] = Field(default=dict.fromkeys(_MANAGED, False))
    disabled: dict[str, bool] = Field(default=dict.fromkeys(_NEVER_RIGHT, True))
    app_namespaces_operator: str = "!~"
    app_namespaces_target: str
    """The models' namespace: these rules know neither how long a model's start takes, nor that its node has to come."""


MACHINE_LABEL = "node.kubernetes.io/instance-type"


class _StateMetrics(Part):
    metric_labels_allowlist: tuple[str, ...] = (
        f"pods=[app.kubernetes.io/name,{MODEL_LABEL},ray.io/node-type]",
        f"nodes=[{POOL_LABEL},{MACHINE_LABEL},eks.amazonaws.com/capacityType,node.alibabacloud.com/spot-strategy]",
    )
    """Labels of objects that rules tell models and pools by; by default it exposes none."""


class _NodeExporter(Part, Tolerations):
    tolerations: tuple[dict[str, str], ...] = ({"operator": "Exists"},)
    """Every node is watched; by default the chart excludes nodes with `NoExecute` taints."""
    priority_class_name: str = "system-node-critical"
    """Also on a full node."""


class MonitoringValues(Values):
    """Values of the chart that we set."""

    crds: Switch = Switch(enabled=False)
    """They are a separate release: Helm never upgrades these."""
    grafana: _Grafana
    prometheus: _Prometheus
    alertmanager: _Alertmanager
    prometheus_operator: _Operator
    kube_state_metrics: _StateMetrics = Field(serialization_alias="kube-state-metrics")
    node_exporter: _NodeExporter = Field(serialization_alias="prometheus-node-exporter")
    kube_controller_manager: Switch = Switch(enabled=False)
    kube_scheduler: Switch = Switch(enabled=False)
    kube_etcd: Switch = Switch(enabled=False)
    kube_proxy: Switch = Switch(enabled=False)
    default_rules: _DefaultRules


def values(
    spec: Spec,
    *,
    placeholders: Sequence[str] = (),
    keep_disks: bool,
    models: str,
    admin_secret: pulumi.Input[str],
    receiver_secret: pulumi.Input[str] | None,
    storage_class: pulumi.Input[str] | None,
) -> MonitoringValues:
    """Values of the release.

    `placeholders`: Deployments of warm nodes. `keep_disks`: the disks outlive the release. `models`: namespace of the
    models. `storage_class` None: the cluster's default.
    """
    claims = _ClaimRetention(when_deleted="Retain" if keep_disks else "Delete")

    return MonitoringValues(
        grafana=_Grafana(
            resources=Resources.of("100m", "256Mi"),
            admin=_AdminCredentials(existing_secret=pulumi.Output.from_input(admin_secret)),
            sidecar=Part(resources=Resources.of("20m", "96Mi")),
        ),
        prometheus=_Prometheus(
            prometheus_spec=_PrometheusSpec(
                resources=Resources.of("250m", "1Gi"),
                retention=f"{spec.retention_days}d",
                retention_size=f"{int(spec.storage_gib * DISK_SHARE * 1024)}MB",
                storage_spec=_volume(spec.storage_gib, storage_class),
                persistent_volume_claim_retention_policy=claims,
            )
        ),
        alertmanager=_Alertmanager(
            alertmanager_spec=_AlertmanagerSpec(
                resources=Resources.of("20m", "64Mi"),
                retention=_retention(spec),
                storage=_volume(2, storage_class),
                persistent_volume_claim_retention_policy=claims,
                secrets=[pulumi.Output.from_input(receiver_secret)] if receiver_secret else None,
            ),
            config=alerting.configuration(spec.alerts, placeholders) if spec.alerts else None,
        ),
        prometheus_operator=_Operator(
            resources=Resources.of("50m", "128Mi"),
            prometheus_config_reloader=Part(resources=Resources.of("10m", "32Mi")),
        ),
        default_rules=_DefaultRules(app_namespaces_target=models),
        kube_state_metrics=_StateMetrics(resources=Resources.of("20m", "96Mi")),
        node_exporter=_NodeExporter(resources=Resources.of("20m", "32Mi")),
    )


def _retention(spec: Spec) -> str | None:
    """How long Alertmanager knows that it has sent an alert: one that it forgot is sent again before its time.

    Source: prometheus/alertmanager, cmd/alertmanager/main.go, its warning about `repeat_interval`. None: the chart's
    own time.
    """
    needed = spec.alerts.repeat_hours + 24 if spec.alerts else 0
    return f"{needed}h" if needed > _RETENTION_HOURS else None


def _volume(gib: int, storage_class: pulumi.Input[str] | None) -> dict[str, Any]:
    """A claim template. Its keys are those of a PersistentVolumeClaim."""
    spec: dict[str, Any] = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": f"{gib}Gi"}}}
    if storage_class is not None:
        spec["storageClassName"] = storage_class
    return {"volumeClaimTemplate": {"spec": spec}}
