"""Metrics and alerts."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from llmplatform.specs.capability import Capability
from llmplatform.specs.pools import Price
from llmplatform.specs.section import Section
from llmplatform.specs.vocabulary.addresses import ClusterUrl, Host, HttpsUrl, PortNumber
from llmplatform.specs.vocabulary.names import Email, InstanceTypeName, Name


class InsideReceiver(Section):
    """A receiver of alerts in the cluster."""

    namespace: Name
    """Namespace of its pods. If its network is closed, it must admit Alertmanager."""
    port: PortNumber
    """Port of its pods, which may differ from that of their Service."""


class MailServer(Section):
    """A mail server that takes alerts, with TLS and a login. Its password is the receiver's secret."""

    server: Host
    """Name of the server, like smtp.example.org."""
    port: PortNumber = 587
    """Its port. 465 begins with TLS, any other changes to it (STARTTLS)."""
    username: Annotated[str, Field(min_length=1, max_length=254)]
    """Name of the login."""
    sender: Email
    """Address in `From`."""
    to: Annotated[tuple[Email, ...], Field(min_length=1, max_length=20)]
    """Addresses that get the mail."""


class Receiver(Section):
    """A receiver of alerts."""

    kind: Literal["webhook", "slack", "pagerduty", "email", "dingtalk", "wecom", "feishu"]
    """Kind of receiver. Its secret is the URL of a webhook, of a Slack webhook or of a group's robot in DingTalk, WeCom
    or Feishu, a key of PagerDuty's Events API v2, or the password of the mail server. A robot must not ask for
    signatures; in its place it can ask for a keyword, such as `FIRING`, or for this cluster's addresses. The receiver
    is outside, on port 443, unless `inside` is set."""
    email: MailServer | None = None
    """Mail server; `email` needs it."""
    inside: InsideReceiver | None = None
    """Pods of a `webhook` in the cluster, such as an adapter for Teams. Empty: the receiver is outside, on port 443."""


class Alerts(Receiver):
    """Receiver of alerts, and what else happens with them. Its secret is `secrets.alert_receiver`."""

    pages: Receiver | None = None
    """Receiver of alerts whose severity is `critical`, in the place of the other. Its secret is `secrets.alert_pages`.
    Empty: all alerts go to the same."""
    heartbeat: bool = False
    """Tell a service outside every minute that alerting works: it gives an alarm when no call comes. The URL that it
    waits for is `secrets.alert_heartbeat`."""
    repeat_hours: Annotated[int, Field(ge=1, le=720)] = 12
    """Time after which a continuing alert is sent again."""


class Budget(Section):
    """What the machines of the pools may cost, and an alert if they cost more for an hour.

    Their cost is what they would cost on demand by the catalog, also if they are spot machines: in US dollars on AWS,
    at the prices of us-east-1, and in yuan on Alibaba Cloud, at those of cn-hangzhou.
    """

    hour: Annotated[float, Field(ge=0.01, le=1_000_000)]
    """The most that all of them may cost in an hour."""
    prices: Annotated[dict[InstanceTypeName, Price], Field(max_length=50)] = Field(default_factory=dict)
    """Instance type to its price of an hour, in the place of the catalog's: of another region, of a contract, of spot
    machines. Needed where the catalog has none."""


class Monitoring(Capability):
    """Prometheus, Alertmanager and Grafana."""

    charts: ClassVar = ("kube-prometheus-stack", "prometheus-operator-crds")
    namespaces: ClassVar = ("monitoring",)

    kind: Literal["new", "existing"] = "new"
    """`new` installs them. `existing` uses a Prometheus Operator and its Prometheus in the cluster: they get a
    ServiceMonitor for everything that is installed, and only `namespace`, `url`, `runbooks` and `budget` apply."""
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
    dashboards: bool | None = None
    """Whether Grafana gets dashboards about models, GPUs and capacity, as ConfigMaps with the label
    `grafana_dashboard: "1"`. Empty: a new Grafana does. Of several stacks with one existing Grafana, one may set it:
    their dashboards have the same addresses."""
    alerts: Alerts | None = None
    """Receiver of alerts. Empty: none; alerts are only shown."""
    budget: Budget | None = None
    """What the machines may cost in an hour. Empty: their cost is recorded, and no alert measures it."""

    @property
    def installed(self) -> bool:
        """Whether this stack installs them."""
        return self.enabled and self.kind == "new"

    @property
    def shows(self) -> bool:
        """Whether dashboards are installed."""
        return self.enabled and (self.installed if self.dashboards is None else self.dashboards)

    @property
    def made_namespaces(self) -> tuple[str, ...]:
        """The namespace in the settings."""
        return (self.namespace,) if self.installed else ()
