"""What is installed in the cluster beneath the models. Each add-on can be left out."""

from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from llmplatform.specs.section import Section
from llmplatform.specs.vocabulary import Email, Host, HostedZoneId, HttpsUrl


class ClusterAutoscaler(Section):
    """Adds nodes for pods that do not fit, and removes those that nobody needs."""

    enabled: bool = True
    scale_down_minutes: PositiveInt = 10
    """How long a node is idle before it goes."""


class GpuOperator(Section):
    """NVIDIA's device plugin, feature discovery and GPU metrics. Driver and toolkit come with the node image."""

    enabled: bool = True


class AcmeIssuer(Section):
    """Certificates from an ACME authority, by DNS challenge: nothing has to be reachable from the internet."""

    kind: Literal["acme"]
    email: Email
    """Whom the authority writes to about certificates that run out."""
    hosted_zone: HostedZoneId
    """Id of the public Route 53 zone that the gateway's host is in, in the same account."""
    server: HttpsUrl = "https://acme-v02.api.letsencrypt.org/directory"
    """Address of the authority; Let's Encrypt unless said otherwise."""


class SelfSignedIssuer(Section):
    """Certificates that only those trust who are told to."""

    kind: Literal["self_signed"]


Issuer = Annotated[AcmeIssuer | SelfSignedIssuer, Field(discriminator="kind")]


class CertManager(Section):
    """Issues and renews certificates."""

    enabled: bool = True
    issuer: Issuer = SelfSignedIssuer(kind="self_signed")
    """Who signs: an ACME authority (`acme`), or the cluster itself (`self_signed`)."""


class Monitoring(Section):
    """Prometheus, Alertmanager and Grafana."""

    enabled: bool = True
    retention_days: PositiveInt = 15
    """How long metrics stay."""
    storage_gib: PositiveInt = 50
    """Volume of Prometheus, in GiB."""


class Gateway(Section):
    """The name that clients call."""

    host: Host | None = None
    """Host of the gateway; a certificate is issued for it. Empty: none."""


class Addons(Section):
    """Everything that can be installed."""

    cluster_autoscaler: ClusterAutoscaler = ClusterAutoscaler()
    gpu_operator: GpuOperator = GpuOperator()
    cert_manager: CertManager = CertManager()
    monitoring: Monitoring = Monitoring()
    gateway: Gateway = Gateway()
