"""A solver of ACME challenges that cert-manager has not built in, in a namespace of its own.

Kept apart from cert-manager: its chart sets no security context, and its pod is given credentials for the cloud.
Source: the chart's templates at the pinned version.
"""

from dataclasses import dataclass, field

import pulumi

from llmplatform.base.charts import Values, release
from llmplatform.base.component import PlatformComponent
from llmplatform.base.contracts import DnsChallenge
from llmplatform.base.namespace import ADDON_DEFAULTS, Namespace, NamespaceArgs, addon_quota
from llmplatform.base.network_policy import HTTPS_PORT, Allow, https
from llmplatform.base.ordering import after
from llmplatform.base.pulling import login
from llmplatform.catalog.versions import CHARTS
from llmplatform.specs.mirrors import Mirrors

IMAGE = "ghcr.io/crazygit/cert-manager-alidns-webhook"
PODS = 10


class _CertManager(Values):
    namespace: str
    service_account_name: str


class _Rrsa(Values):
    enabled: bool = True
    role_name: pulumi.Output[str]


class _Auth(Values):
    rrsa: _Rrsa


class _Image(Values):
    repository: str
    tag: str | None


class WebhookValues(Values):
    """Values of the chart that we set."""

    cert_manager: _CertManager
    aliyun_auth: _Auth
    image: _Image
    resources: dict[str, dict[str, str]]


@dataclass(frozen=True, kw_only=True)
class AcmeWebhookArgs:
    """Arguments of `AcmeWebhook`."""

    challenge: DnsChallenge
    chart: str
    """Of the catalog."""
    role_name: pulumi.Input[str]
    """Role in the cloud that the solver's service account takes."""
    cert_manager_namespace: str
    cert_manager: pulumi.Resource
    """The release of cert-manager, which certifies the webhook and calls it."""
    charts_dir: str
    digest: str | None = None
    """Of its image. None: whatever the chart's tag names."""
    mirrors: Mirrors = field(default_factory=Mirrors)
    registry_password: pulumi.Input[str] | None = None
    """Password of the mirrors' login. None: there is no login."""


class AcmeWebhook(PlatformComponent):
    """The solver, ready to be called."""

    solver: pulumi.Output[str]
    """Name of its chart; known when it is installed."""

    def __init__(self, name: str, args: AcmeWebhookArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:addons:AcmeWebhook", name, opts)
        chart = CHARTS[args.chart]
        rails = NamespaceArgs(
            namespace=chart.name,
            # The chart names no user: `restricted` would refuse its pod.
            pod_security="baseline",
            labels=args.challenge.namespace_labels,
            quota=addon_quota(PODS),
            container_defaults=ADDON_DEFAULTS,
            login=login(args.mirrors, args.registry_password),
            # The API server calls it as an API of its own, and it calls the cloud.
            openings={**https(), "allow-webhook": Allow(direction="Ingress", ports=(HTTPS_PORT,))},
        )
        space = Namespace(f"{name}-space", rails, self.child())
        values = WebhookValues(
            cert_manager=_CertManager(namespace=args.cert_manager_namespace, service_account_name="cert-manager"),
            aliyun_auth=_Auth(rrsa=_Rrsa(role_name=pulumi.Output.from_input(args.role_name))),
            # The chart writes repository and tag with a colon between them.
            image=_Image(
                repository=args.mirrors.image(IMAGE), tag=f"{chart.version}@{args.digest}" if args.digest else None
            ),
            resources={"requests": {"cpu": "10m", "memory": "48Mi"}, "limits": {"memory": "128Mi"}},
        )
        installed = release(
            f"{name}-release",
            chart,
            values,
            namespace=space.name,
            charts_dir=args.charts_dir,
            opts=self.child(depends_on=[args.cert_manager]),
        )
        self.solver = after(chart.name, installed)
        self.finish()
