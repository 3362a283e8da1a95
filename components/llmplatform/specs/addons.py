"""What is installed in the cluster beneath the models. Each add-on can be left out."""

from typing import Annotated, Literal

from pydantic import Field

from llmplatform.specs.section import Section
from llmplatform.specs.vocabulary import Email, Host, HostedZoneId, HttpsUrl


class Autoscaling(Section):
    """When nodes are removed that nobody needs."""

    scale_down_minutes: Annotated[int, Field(ge=1, le=1440)] = 10
    """How long a node is idle before it goes."""


class ClusterAutoscaler(Autoscaling):
    """Adds nodes for pods that do not fit, and removes those that nobody needs."""

    enabled: bool = True


class AckAutoscaler(Autoscaling):
    """ACK's own autoscaler, configured by the platform.

    ACK cannot switch it off again: a pool of a fixed size has a `min` that is its `max`. In an existing cluster it
    stays as its owner configured it.
    """

    scaler: Literal["cluster-autoscaler", "goatscaler"] = "cluster-autoscaler"
    """`goatscaler` (instant scaling) is quicker, but knows no priorities and does not see what spot machines there
    are: it is for pools that are paid on demand."""


class GpuOperator(Section):
    """NVIDIA's device plugin, feature discovery and GPU metrics. Driver and toolkit come with the node image."""

    enabled: bool = True


class GpuMetrics(Section):
    """Metrics of GPUs by NVIDIA's DCGM exporter. ACK itself brings driver and device plugin."""

    enabled: bool = True


class Logs(Section):
    """Collects the model servers' logs into the cloud's log service."""

    enabled: bool = True
    collection: Literal["pipeline", "log_config"] = "pipeline"
    """`pipeline` is the maintained kind (ClusterAliyunPipelineConfig); `log_config` (AliyunLogConfig) is for clusters
    that have it already."""
    retention_days: Annotated[int, Field(ge=1, le=3650)] = 30
    """How long the logs stay."""


class AcmeIssuer(Section):
    """Certificates from an ACME authority, by DNS challenge: nothing has to be reachable from the internet."""

    kind: Literal["acme"]
    email: Email
    """Whom the authority writes to about certificates that run out."""
    hosted_zone: HostedZoneId
    """Id of the public Route 53 zone that the gateway's host is in, in the same account."""
    server: HttpsUrl = "https://acme-v02.api.letsencrypt.org/directory"
    """Address of the authority; Let's Encrypt unless said otherwise."""


class AckAcmeIssuer(Section):
    """Certificates from an ACME authority, by DNS challenge: nothing has to be reachable from the internet."""

    kind: Literal["acme"]
    email: Email
    """Whom the authority writes to about certificates that run out."""
    domain: Host
    """Domain in Alibaba Cloud DNS that the gateway's host is in, in the same account."""
    server: HttpsUrl = "https://acme-v02.api.letsencrypt.org/directory"
    """Address of the authority; Let's Encrypt unless said otherwise."""


class SelfSignedIssuer(Section):
    """Certificates that only those trust who are told to."""

    kind: Literal["self_signed"]


Issuer = Annotated[AcmeIssuer | SelfSignedIssuer, Field(discriminator="kind")]
AckIssuer = Annotated[AckAcmeIssuer | SelfSignedIssuer, Field(discriminator="kind")]


class CertManager(Section):
    """Issues and renews certificates."""

    enabled: bool = True
    issuer: Issuer = SelfSignedIssuer(kind="self_signed")
    """Who signs: an ACME authority (`acme`), or the cluster itself (`self_signed`)."""


class AckCertManager(Section):
    """Issues and renews certificates."""

    enabled: bool = True
    issuer: AckIssuer = SelfSignedIssuer(kind="self_signed")
    """Who signs: an ACME authority (`acme`), or the cluster itself (`self_signed`)."""


class Alerts(Section):
    """Who is told when something is wrong. The address itself is a secret: `secrets.alert_receiver`."""

    kind: Literal["webhook", "slack", "pagerduty"]
    """What takes the alerts. The secret is the URL of a webhook, of a Slack webhook, or a key of PagerDuty's Events
    API v2. Reached over HTTPS on port 443, outside the network."""
    repeat_hours: Annotated[int, Field(ge=1, le=720)] = 12
    """After how long an alert that goes on is sent again."""


class Monitoring(Section):
    """Prometheus, Alertmanager and Grafana."""

    enabled: bool = True
    retention_days: Annotated[int, Field(ge=1, le=3650)] = 15
    """How long metrics stay."""
    storage_gib: Annotated[int, Field(ge=1, le=16384)] = 50
    """Volume of Prometheus, in GiB."""
    alerts: Alerts | None = None
    """Who is told when something is wrong. Empty: nobody; alerts are only to be seen."""


class Gateway(Section):
    """The name that clients call."""

    host: Host | None = None
    """Host of the gateway; a certificate is issued for it. Empty: none."""


class _Addons(Section):
    """What can be installed on all clouds."""

    monitoring: Monitoring = Monitoring()
    gateway: Gateway = Gateway()


class AwsAddons(_Addons):
    """Everything that can be installed."""

    cluster_autoscaler: ClusterAutoscaler = ClusterAutoscaler()
    gpu_operator: GpuOperator = GpuOperator()
    cert_manager: CertManager = CertManager()


class AlicloudAddons(_Addons):
    """Everything that can be installed."""

    cluster_autoscaler: AckAutoscaler = AckAutoscaler()
    gpu_metrics: GpuMetrics = GpuMetrics()
    cert_manager: AckCertManager = AckCertManager()
    logs: Logs = Logs()
