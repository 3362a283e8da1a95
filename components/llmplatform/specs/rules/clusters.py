"""Rules about Kubernetes versions and what is installed."""

from collections.abc import Iterator
from datetime import UTC, date, datetime

from llmplatform.catalog import versions
from llmplatform.specs.addons import AckAcmeIssuer
from llmplatform.specs.charts import charts_by_addon
from llmplatform.specs.cluster import ExistingEksCluster
from llmplatform.specs.pools import AwsPool
from llmplatform.specs.problems import Problem, listed
from llmplatform.specs.stack import AwsStack, Stack


def today() -> date:
    """The day on which a version is judged."""
    return datetime.now(UTC).date()


def _ends(stack: Stack) -> dict[str, date]:
    """Last day of support of each minor, of those that the cloud has offered."""
    if isinstance(stack, AwsStack):
        return {minor: release.standard_support_ends for minor, release in versions.EKS.items()}
    return {minor: release.support_ends for minor, release in versions.ACK.items()}


def _offered(stack: Stack) -> list[str]:
    return [minor for minor, ends in _ends(stack).items() if ends > today()]


def _can_be_made(stack: Stack) -> bool:
    return stack.cluster.kind != "new" or stack.cluster.kubernetes_version in _offered(stack)


def kubernetes_is_supported(stack: Stack) -> Iterator[Problem]:
    """The cloud offers the version, under standard support: we ask for no other."""
    if _can_be_made(stack):
        return
    minor, current = stack.cluster.kubernetes_version, _offered(stack)
    ends = _ends(stack).get(minor)
    service = "EKS" if isinstance(stack, AwsStack) else "ACK"
    if ends is None:
        yield Problem("cluster.kubernetes_version", f"{service} does not offer {minor}", f"use {listed(current)}")
    elif isinstance(stack, AwsStack):
        yield Problem(
            "cluster.kubernetes_version",
            f"standard support of {minor} ended on {ends}, and EKS refuses or surcharges it",
            f"use {listed(current)}",
        )
    else:
        yield Problem(
            "cluster.kubernetes_version",
            f"support of {minor} ended on {ends}, and ACK makes no clusters of it",
            f"use {listed(current)}",
        )


def charts_know_kubernetes(stack: Stack) -> Iterator[Problem]:
    """Every chart that is installed is tested with the version."""
    if not _can_be_made(stack):
        return
    minor = stack.cluster.kubernetes_version
    for addon, charts in charts_by_addon(stack).items():
        for chart in charts:
            if chart.kubernetes and minor not in chart.kubernetes:
                yield Problem(
                    "cluster.kubernetes_version",
                    f"chart {chart.name} {chart.version} is not tested with {minor}",
                    f"use {listed(chart.kubernetes)}, or set addons.{addon}.enabled to false",
                )


def node_images_exist(stack: Stack) -> Iterator[Problem]:
    """Each pool's operating system has a pinned image for the version."""
    minor = stack.cluster.kubernetes_version
    if not isinstance(stack, AwsStack) or not _can_be_made(stack):
        return
    for name, pool in stack.pools.items():
        known = versions.EKS_NODE_IMAGES[pool.image]
        if minor not in known and not pool.existing:
            yield Problem(
                f"pools.{name}.image",
                f"no release of {pool.image} for Kubernetes {minor} is pinned",
                f"set cluster.kubernetes_version to {listed(tuple(known))}",
            )


def node_images_are_of_the_minor(stack: Stack) -> Iterator[Problem]:
    """A release of Amazon Linux begins with the minor whose kubelet is in it."""
    minor = stack.cluster.kubernetes_version
    for name, pool in stack.pools.items():
        release = pool.image_release if isinstance(pool, AwsPool) and pool.image == "al2023" else None
        if release and not release.startswith(f"{minor}."):
            yield Problem(
                f"pools.{name}.image_release",
                f"'{release}' is not of Kubernetes {minor}",
                f"write a release of {minor}, or remove it to have the one that this release is tested with",
            )


def existing_platform_has_a_cluster(stack: Stack) -> Iterator[Problem]:
    """A platform that exists is in a cluster that exists."""
    if stack.platform.kind == "existing" and stack.cluster.kind != "existing":
        yield Problem(
            "platform.kind",
            "an existing platform cannot be in a new cluster",
            "write 'new', or set cluster.kind to 'existing'",
        )


def existing_cluster_is_in_an_existing_network(stack: Stack) -> Iterator[Problem]:
    """Nodes that join a cluster are in its VPC."""
    cluster = stack.cluster
    if cluster.kind == "existing" and stack.network.kind != "existing":
        name, subnets = (
            (cluster.name, "private_subnets")
            if isinstance(cluster, ExistingEksCluster)
            else (cluster.id, "node_vswitches")
        )
        yield Problem(
            "network.kind",
            f"nodes in a new network are in another VPC than the existing cluster '{name}'",
            f"write 'existing', with the cluster's vpc_id, cidr and {subnets}",
        )


def acme_has_a_host(stack: Stack) -> Iterator[Problem]:
    """An ACME authority is asked for something."""
    addons = stack.addons
    if addons.cert_manager.enabled and addons.cert_manager.issuer.kind == "acme" and addons.gateway.host is None:
        yield Problem(
            "addons.gateway.host",
            "an ACME issuer has nothing to certify without a host",
            "write the gateway's host name, or set addons.cert_manager.issuer.kind to 'self_signed'",
        )


def acme_domain_has_the_host(stack: Stack) -> Iterator[Problem]:
    """An ACME authority is answered in the domain that it asks about."""
    issuer, host = stack.addons.cert_manager.issuer, stack.addons.gateway.host
    if isinstance(issuer, AckAcmeIssuer) and host and not f".{host}".endswith(f".{issuer.domain}"):
        yield Problem(
            "addons.cert_manager.issuer.domain",
            f"addons.gateway.host '{host}' is not in '{issuer.domain}'",
            "write the domain that the host is in, as Alibaba Cloud DNS lists it",
        )


def alerts_have_a_receiver(stack: Stack) -> Iterator[Problem]:
    """Alerts go to an address, which is a secret."""
    if stack.addons.monitoring.alerts and stack.secrets.alert_receiver is None:
        yield Problem(
            "addons.monitoring.alerts",
            "alerts need an address, and secrets.alert_receiver is not set",
            "run pulumi config set --secret --path 'llmplatform:secrets.alert_receiver'",
        )
