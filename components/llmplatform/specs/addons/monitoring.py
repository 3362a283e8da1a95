"""Metrics and alerts."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from llmplatform.specs.capability import Capability
from llmplatform.specs.section import Section
from llmplatform.specs.vocabulary.addresses import ClusterUrl, HttpsUrl, PortNumber
from llmplatform.specs.vocabulary.names import Name


class InsideReceiver(Section):
    """A receiver of alerts in the cluster."""

    namespace: Name
    """Namespace of its pods. If its network is closed, it must admit Alertmanager."""
    port: PortNumber
    """Port of its pods, which may differ from that of their Service."""


class Alerts(Section):
    """Receiver of alerts. Its address is a secret: `secrets.alert_receiver`."""

    kind: Literal["webhook", "slack", "pagerduty"]
    """Kind of receiver. The secret is the URL of a webhook or of a Slack webhook, or a key of PagerDuty's Events API
    v2. The receiver is outside, on port 443, unless `inside` is set."""
    inside: InsideReceiver | None = None
    """Pods of a `webhook` in the cluster, such as an adapter for DingTalk, Feishu or Teams. Empty: the receiver is
    outside, on port 443."""
    repeat_hours: Annotated[int, Field(ge=1, le=720)] = 12
    """Time after which a continuing alert is sent again."""


class Monitoring(Capability):
    """Prometheus, Alertmanager and Grafana."""

    charts: ClassVar = ("kube-prometheus-stack", "prometheus-operator-crds")
    namespaces: ClassVar = ("monitoring",)

    kind: Literal["new", "existing"] = "new"
    """`new` installs them. `existing` uses a Prometheus Operator and its Prometheus in the cluster: they get a
    ServiceMonitor for everything that is installed, and only `namespace` and `url` apply."""
    namespace: Name = "monitoring"
    """Namespace of Prometheus: a new one, or that of an existing Prometheus."""
    url: ClusterUrl | None = None
    """Address of an `existing` Prometheus as pods reach it, for models whose `scaling` asks it. In the cluster it has
    the form http://SERVICE.NAMESPACE.svc:PORT; any other is outside, and KEDA may reach its port there alone."""
    retention_days: Annotated[int, Field(ge=1, le=3650)] = 15
    """Time that metrics are kept."""
    storage_gib: Annotated[int, Field(ge=1, le=16384)] = 50
    """Volume of Prometheus, in GiB."""
    runbooks: HttpsUrl | None = None
    """Address of the folder `docs/runbooks` as your team reads it, e.g. in the web view of its repository: alerts link
    to its pages. Empty: they name the page alone."""
    alerts: Alerts | None = None
    """Receiver of alerts. Empty: none; alerts are only shown."""

    @property
    def installed(self) -> bool:
        """Whether this stack installs them."""
        return self.enabled and self.kind == "new"

    @property
    def made_namespaces(self) -> tuple[str, ...]:
        """The namespace in the settings."""
        return (self.namespace,) if self.installed else ()
