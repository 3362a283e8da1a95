"""Metrics and alerts."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from llmplatform.specs.capability import Capability
from llmplatform.specs.section import Section
from llmplatform.specs.vocabulary.addresses import PortNumber
from llmplatform.specs.vocabulary.names import Name


class InsideReceiver(Section):
    """A receiver of alerts that runs in the cluster."""

    namespace: Name
    """Namespace of its pods; where its network is closed, it has to let Alertmanager in."""
    port: PortNumber
    """Port that its pods listen on, which may be another than that of their Service."""


class Alerts(Section):
    """Who is told when something is wrong. The address itself is a secret: `secrets.alert_receiver`."""

    kind: Literal["webhook", "slack", "pagerduty"]
    """What takes the alerts. The secret is the URL of a webhook, of a Slack webhook, or a key of PagerDuty's Events
    API v2. Reached over HTTPS on port 443, outside the network, unless `inside` opens another way."""
    inside: InsideReceiver | None = None
    """Of a `webhook` that is a Service of the cluster, such as an adapter for DingTalk, Feishu or Teams. Empty: the
    receiver is outside, on port 443."""
    repeat_hours: Annotated[int, Field(ge=1, le=720)] = 12
    """After how long an alert that goes on is sent again."""


class Monitoring(Capability):
    """Prometheus, Alertmanager and Grafana."""

    charts: ClassVar = ("kube-prometheus-stack", "prometheus-operator-crds")
    namespaces: ClassVar = ("monitoring",)

    kind: Literal["new", "existing"] = "new"
    """`new` installs them. With `existing` a Prometheus Operator and its Prometheus are in the cluster already: they
    get a ServiceMonitor for everything that is installed, and only `namespace` says more."""
    namespace: Name = "monitoring"
    """Namespace of Prometheus: made by this stack, or the one that an existing Prometheus is in."""
    retention_days: Annotated[int, Field(ge=1, le=3650)] = 15
    """How long metrics stay."""
    storage_gib: Annotated[int, Field(ge=1, le=16384)] = 50
    """Volume of Prometheus, in GiB."""
    alerts: Alerts | None = None
    """Who is told when something is wrong. Empty: nobody; alerts are only to be seen."""

    @property
    def installed(self) -> bool:
        """Whether they are installed by this stack."""
        return self.enabled and self.kind == "new"

    @property
    def made_namespaces(self) -> tuple[str, ...]:
        """The one that the settings name."""
        return (self.namespace,) if self.installed else ()
