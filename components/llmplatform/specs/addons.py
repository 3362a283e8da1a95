"""What is installed in the cluster beneath the models. Each add-on can be left out."""

from typing import Annotated, Literal

from pydantic import Field

from llmplatform.specs.section import Section
from llmplatform.specs.vocabulary.addresses import Address, Host, HttpsUrl, PortNumber
from llmplatform.specs.vocabulary.aws import HostedZoneId, RoleArn
from llmplatform.specs.vocabulary.names import Email, Name, ObjectName


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


class _Acme(Section):
    """What all ACME issuers have in common."""

    kind: Literal["acme"]
    email: Email
    """Whom the authority writes to about certificates that run out."""
    server: HttpsUrl = "https://acme-v02.api.letsencrypt.org/directory"
    """Address of the authority; Let's Encrypt unless said otherwise."""
    nameservers: Annotated[tuple[Address, ...], Field(max_length=3)] = ()
    """Name servers that are asked whether a challenge's record is there, such as 1.1.1.1. Empty: the cluster's own DNS,
    which does not see the record where a private zone of the same name hides the public one from the network."""


class AcmeIssuer(_Acme):
    """Certificates from an ACME authority, by DNS challenge: nothing has to be reachable from the internet."""

    hosted_zone: HostedZoneId
    """Id of the public Route 53 zone that the gateway's host is in."""
    zone_role: RoleArn | None = None
    """Role to take in the account that has the zone. Empty: it is in the same account. The role trusts the account of
    the cluster (`sts:AssumeRole`, `sts:TagSession`), and may change the zone's records."""


class AckAcmeIssuer(_Acme):
    """Certificates from an ACME authority, by DNS challenge: nothing has to be reachable from the internet."""

    domain: Host
    """Domain in Alibaba Cloud DNS that the gateway's host is in, in the same account."""
    challenge_domain: Host | None = None
    """Another domain in Alibaba Cloud DNS, kept for challenges: `_acme-challenge.HOST` is a CNAME to a name in it. The
    solver, which is not cert-manager's own, may then write there and nowhere else. Empty: it writes into `domain`."""
    solver_digest: Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")] | None = None
    """Digest of the solver's image, once you have looked at what it is. Empty: whatever its tag names."""

    @property
    def answered_in(self) -> str:
        """Domain that challenges are written into."""
        return self.challenge_domain or self.domain


class SelfSignedIssuer(Section):
    """Certificates that only those trust who are told to."""

    kind: Literal["self_signed"]


class ExistingIssuer(Section):
    """A ClusterIssuer of a cert-manager that is in the cluster already; none is installed."""

    kind: Literal["existing"]
    name: ObjectName
    """Name of the ClusterIssuer."""


Issuer = Annotated[AcmeIssuer | SelfSignedIssuer | ExistingIssuer, Field(discriminator="kind")]
AckIssuer = Annotated[AckAcmeIssuer | SelfSignedIssuer | ExistingIssuer, Field(discriminator="kind")]


class CertManager(Section):
    """Issues and renews certificates."""

    enabled: bool = True
    issuer: Issuer = SelfSignedIssuer(kind="self_signed")
    """Who signs: an ACME authority (`acme`), the cluster itself (`self_signed`), or an issuer that is there
    (`existing`)."""

    @property
    def installed(self) -> bool:
        """Whether cert-manager is installed by this stack."""
        return self.enabled and self.issuer.kind != "existing"


class AckCertManager(Section):
    """Issues and renews certificates."""

    enabled: bool = True
    issuer: AckIssuer = SelfSignedIssuer(kind="self_signed")
    """Who signs: an ACME authority (`acme`), the cluster itself (`self_signed`), or an issuer that is there
    (`existing`)."""

    @property
    def installed(self) -> bool:
        """Whether cert-manager is installed by this stack."""
        return self.enabled and self.issuer.kind != "existing"


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


class Monitoring(Section):
    """Prometheus, Alertmanager and Grafana."""

    enabled: bool = True
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
