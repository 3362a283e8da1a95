"""Rules about add-ons and the settings that they depend on."""

from collections.abc import Iterator

from llmplatform.checks.problems import Problem
from llmplatform.checks.rules.rule import whole
from llmplatform.specs.addons import AckAcmeIssuer
from llmplatform.specs.capabilities import NAMESPACES
from llmplatform.specs.stack import AlicloudStack, Stack

_NAMED = {"kind", "enabled", "namespace", "url", "runbooks", "budget"}
"""Settings of an existing Prometheus; all others configure an installed one."""

_WORDS = {"addons": "add-ons", "services": "services", "jobs": "jobs"}

SMALLEST_DISK_GIB = 20


def addons_are_the_platforms(stack: Stack) -> Iterator[Problem]:
    """What another stack installs is set there: here it would be without effect."""
    if stack.platform.kind == stack.cluster.kind == "existing":
        for name, section in {"addons": stack.addons, "services": stack.services, "jobs": stack.jobs}.items():
            if section != type(section)():
                yield Problem(name, f"another stack installs the {_WORDS[name]} of an existing platform", "remove it")


def host_has_an_issuer(stack: Stack) -> Iterator[Problem]:
    """The gateway's host has a certificate's issuer."""
    if stack.addons.gateway.host and not stack.addons.cert_manager.enabled:
        yield Problem(
            "addons.gateway.host",
            "without cert_manager it has no effect: no certificate is issued for it",
            "remove it, or set addons.cert_manager.enabled to true",
        )


def acme_has_a_host(stack: Stack) -> Iterator[Problem]:
    """An ACME issuer has a host to certify."""
    addons = stack.addons
    if addons.cert_manager.enabled and addons.cert_manager.issuer.kind == "acme" and addons.gateway.host is None:
        yield Problem(
            "addons.gateway.host",
            "an ACME issuer has nothing to certify without a host",
            "write the gateway's host name, or set addons.cert_manager.issuer.kind to 'self_signed'",
        )


def acme_domain_has_the_host(stack: Stack) -> Iterator[Problem]:
    """The host lies in the domain of the ACME challenge."""
    issuer, host = stack.addons.cert_manager.issuer, stack.addons.gateway.host
    if isinstance(issuer, AckAcmeIssuer) and host and not f".{host}".endswith(f".{issuer.domain}"):
        yield Problem(
            "addons.cert_manager.issuer.domain",
            f"addons.gateway.host '{host}' is not in '{issuer.domain}'",
            "write the domain that the host is in, as Alibaba Cloud DNS lists it",
        )


def alerts_have_a_source(stack: Stack) -> Iterator[Problem]:
    """Alerts need monitoring."""
    if stack.addons.monitoring.alerts and not stack.addons.monitoring.enabled:
        yield Problem(
            "addons.monitoring.alerts",
            "without monitoring there are no alerts",
            "remove it, or set addons.monitoring.enabled to true",
        )


def alerts_have_a_receiver(stack: Stack) -> Iterator[Problem]:
    """Alerts need a receiver, whose address is a secret."""
    if stack.addons.monitoring.alerts and stack.secrets.alert_receiver is None:
        yield Problem(
            "addons.monitoring.alerts",
            "alerts need an address, and secrets.alert_receiver is not set",
            "run pulumi config set --secret --path 'llmplatform:secrets.alert_receiver'",
        )


def pages_and_heartbeats_have_an_address(stack: Stack) -> Iterator[Problem]:
    """Each has a secret of its own."""
    alerts, secrets = stack.addons.monitoring.alerts, stack.secrets
    for name, wanted, given in (
        ("pages", alerts and alerts.pages, secrets.alert_pages),
        ("heartbeat", alerts and alerts.heartbeat, secrets.alert_heartbeat),
    ):
        if wanted and given is None:
            yield Problem(
                f"addons.monitoring.alerts.{name}",
                f"it needs an address, and secrets.alert_{name} is not set",
                f"run pulumi config set --secret --path 'llmplatform:secrets.alert_{name}'",
            )


def mail_has_a_server(stack: Stack) -> Iterator[Problem]:
    """E-mail has a server, and nothing else has one."""
    alerts = stack.addons.monitoring.alerts
    for path, receiver in (("alerts", alerts), ("alerts.pages", alerts.pages if alerts else None)):
        if receiver and (receiver.kind == "email") != (receiver.email is not None):
            yield Problem(
                f"addons.monitoring.{path}.email",
                "e-mail needs a server" if receiver.email is None else f"{receiver.kind} sends no e-mail",
                "write server, username, sender and to" if receiver.email is None else "remove it",
            )


def an_existing_prometheus_is_its_owners(stack: Stack) -> Iterator[Problem]:
    """Settings of an existing Prometheus that would have no effect."""
    monitoring = stack.addons.monitoring
    if monitoring.kind == "new":
        return
    for name in sorted(monitoring.model_fields_set - _NAMED):
        yield Problem(
            f"addons.monitoring.{name}",
            "an existing Prometheus is configured by its owner",
            "remove it, or set addons.monitoring.kind to 'new'",
        )


def a_new_prometheus_has_its_own_address(stack: Stack) -> Iterator[Problem]:
    """An address is that of an existing Prometheus."""
    monitoring = stack.addons.monitoring
    if monitoring.kind == "new" and monitoring.url:
        yield Problem(
            "addons.monitoring.url",
            "a new Prometheus has an address of its own",
            "remove it, or set addons.monitoring.kind to 'existing'",
        )


def prometheus_has_a_namespace_of_its_own(stack: Stack) -> Iterator[Problem]:
    """A new namespace is not another add-on's, and not one of Kubernetes."""
    monitoring = stack.addons.monitoring
    others = set(NAMESPACES) - {"monitoring"}
    if monitoring.installed and (
        monitoring.namespace in others or monitoring.namespace == "default" or monitoring.namespace.startswith("kube-")
    ):
        yield Problem(
            "addons.monitoring.namespace",
            f"'{monitoring.namespace}' is another's namespace, and this one is made",
            "use 'monitoring', or a name that nothing else has",
        )


def only_webhooks_are_inside(stack: Stack) -> Iterator[Problem]:
    """All others are outside of every cluster."""
    alerts = stack.addons.monitoring.alerts
    for path, receiver in (("alerts", alerts), ("alerts.pages", alerts.pages if alerts else None)):
        if receiver and receiver.inside and receiver.kind != "webhook":
            yield Problem(
                f"addons.monitoring.{path}.inside",
                f"{receiver.kind} is reached outside the cluster",
                f"remove it, or set addons.monitoring.{path}.kind to 'webhook'",
            )


def solver_takes_no_login(stack: Stack) -> Iterator[Problem]:
    """A warning: the chart of the solver on Alibaba Cloud has no value for pull secrets.

    Source: crazygit/cert-manager-alidns-webhook, deploy/cert-manager-alidns-webhook/templates/deployment.yaml.
    """
    wanted, home = stack.addons.cert_manager, stack.mirrors.images.get("ghcr.io")
    login = stack.mirrors.login
    if not isinstance(stack, AlicloudStack) or not login or not wanted.enabled or wanted.issuer.kind != "acme":
        return
    if home and home.partition("/")[0] == login.registry:
        yield Problem(
            "mirrors.login",
            f"the solver of ACME challenges comes from '{home}', and its chart takes no login",
            "let that image be pulled without one, or use another mirror of 'ghcr.io'",
        )


def volumes_are_as_large_as_disks(stack: Stack) -> Iterator[Problem]:
    """Volumes are at least as large as a disk: ESSD of PL1 has 20 GiB (terraform-provider-alicloud, ecs_disk)."""
    monitoring = stack.addons.monitoring
    if isinstance(stack, AlicloudStack) and monitoring.enabled and monitoring.storage_gib < SMALLEST_DISK_GIB:
        yield Problem(
            "addons.monitoring.storage_gib",
            f"{monitoring.storage_gib} GiB are less than the smallest disk of Alibaba Cloud",
            f"write {SMALLEST_DISK_GIB} or more",
        )


PROBLEMS = whole(
    addons_are_the_platforms,
    an_existing_prometheus_is_its_owners,
    a_new_prometheus_has_its_own_address,
    prometheus_has_a_namespace_of_its_own,
    only_webhooks_are_inside,
    host_has_an_issuer,
    acme_has_a_host,
    acme_domain_has_the_host,
    alerts_have_a_source,
    alerts_have_a_receiver,
    pages_and_heartbeats_have_an_address,
    mail_has_a_server,
    volumes_are_as_large_as_disks,
)
WARNINGS = whole(solver_takes_no_login)
