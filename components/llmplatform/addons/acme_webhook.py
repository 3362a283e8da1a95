"""A solver of ACME challenges that cert-manager does not include, in its own namespace.

Separate from cert-manager: its chart sets no security context, and its pod has credentials for the cloud.
Source: the chart's templates at the pinned version.
"""

from dataclasses import dataclass

import pulumi

from llmplatform.base.chart_values import Image, Resources, Values
from llmplatform.base.component import PlatformComponent
from llmplatform.base.contracts import DnsChallenge
from llmplatform.base.network_policy import HTTPS_PORT, Allow, https
from llmplatform.base.ordering import after
from llmplatform.base.site import Pods, Rails, Site
from llmplatform.catalog.versions import CHARTS


class _CertManager(Values):
    namespace: str
    service_account_name: str


class _Rrsa(Values):
    enabled: bool = True
    role_name: pulumi.Output[str]


class _Auth(Values):
    rrsa: _Rrsa


class WebhookValues(Values):
    """The chart values that we set."""

    cert_manager: _CertManager
    aliyun_auth: _Auth
    image: Image
    resources: Resources = Resources.of("10m", "48Mi", most_memory="128Mi")


@dataclass(frozen=True, kw_only=True)
class AcmeWebhookArgs:
    """Arguments of `AcmeWebhook`."""

    site: Site
    challenge: DnsChallenge
    chart: str
    """Name of the chart in the catalog."""
    role_name: pulumi.Input[str]
    """Role in the cloud that the solver's service account assumes."""
    cert_manager_namespace: str
    cert_manager: pulumi.Resource
    """The release of cert-manager, which issues the webhook's certificate and calls it."""
    digest: str | None = None
    """Digest of its image. None: the image of the chart's tag."""


class AcmeWebhook(PlatformComponent):
    """The solver, ready for calls."""

    solver: pulumi.Output[str]
    """Name of its chart. Depends on the release."""

    def __init__(self, name: str, args: AcmeWebhookArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:addons:AcmeWebhook", name, opts)
        chart = CHARTS[args.chart]
        rails = Rails(
            namespace=chart.name,
            # The chart names no user: `restricted` would refuse its pod.
            pod_security="baseline",
            pods=Pods(10, "one solver; what else is put there could take its role"),
            labels=args.challenge.identity.namespace_labels,
            # The API server calls it as an aggregated API, and it calls the cloud.
            openings={**https(), "allow-webhook": Allow(direction="Ingress", ports=(HTTPS_PORT,))},
        )
        values = WebhookValues(
            cert_manager=_CertManager(namespace=args.cert_manager_namespace, service_account_name="cert-manager"),
            aliyun_auth=_Auth(rrsa=_Rrsa(role_name=pulumi.Output.from_input(args.role_name))),
            # The chart writes repository and tag with a colon between them.
            image=Image(tag=f"{chart.version}@{args.digest}" if args.digest else None),
        )
        installed = args.site.release(self, name, chart.name, values, rails, depends_on=[args.cert_manager])
        self.solver = after(chart.name, installed)
        self.finish()
