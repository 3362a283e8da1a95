"""Rules about Kubernetes versions and what is installed."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any, cast

from llmplatform.catalog import versions
from llmplatform.checks.problems import Problem, listed, shown
from llmplatform.planning.charts import charts_by_addon
from llmplatform.specs.addons import AckAcmeIssuer
from llmplatform.specs.cluster import ExistingEksCluster, NewEksCluster
from llmplatform.specs.pools import AwsPool
from llmplatform.specs.stack import AwsStack, Stack

_OF_A_DAY = re.compile(r"-20\d\d[01]\d[0-3]\d$")
"""How a release of Amazon Linux ends; one of Bottlerocket ends in a commit."""

_EKS_ADDRESS = re.compile(r"\.([a-z-]+-\d)\.eks\.amazonaws\.com|\.eks\.([a-z-]+-\d)\.api\.")
"""Source: the user guide of EKS on cluster endpoints."""


def today() -> date:
    """The day on which a version is judged."""
    return datetime.now(UTC).date()


def _ends(stack: Stack) -> dict[str, date]:
    """Last day of support of each minor, of those that the cloud has offered."""
    if isinstance(stack, AwsStack):
        return {minor: release.standard_support_ends for minor, release in versions.EKS.items()}
    return {minor: release.support_ends for minor, release in versions.ACK.items()}


def _supported(stack: Stack) -> list[str]:
    return [minor for minor, ends in _ends(stack).items() if ends > today()]


def _is_known(stack: Stack) -> bool:
    return stack.cluster.kind != "new" or stack.cluster.kubernetes_version in _ends(stack)


def kubernetes_is_known(stack: Stack) -> Iterator[Problem]:
    """The cloud offers the version, or did: a cluster of a former one is there to be kept, and to be upgraded."""
    if not _is_known(stack):
        yield Problem(
            "cluster.kubernetes_version",
            f"{'EKS' if isinstance(stack, AwsStack) else 'ACK'} does not offer {stack.cluster.kubernetes_version}",
            f"use {listed(_supported(stack) or list(_ends(stack)))}",
        )


def kubernetes_is_supported(stack: Stack) -> Iterator[Problem]:
    """The cloud still supports the version of a cluster of ours, which ends on a day, whatever the file says."""
    minor = stack.cluster.kubernetes_version
    ends = _ends(stack).get(minor)
    if stack.cluster.kind != "new" or ends is None or ends > today():
        return
    fault = (
        f"standard support of {minor} ended on {ends}: EKS raises clusters to the next minor by itself"
        if isinstance(stack, AwsStack)
        else f"support of {minor} ended on {ends}: ACK makes no clusters of it, and repairs none"
    )
    current = _supported(stack)
    yield Problem(
        "cluster.kubernetes_version",
        fault,
        f"raise it one minor at a time, to {listed(current)}, as docs/upgrading.md says"
        if current
        else "update llmplatform, which knows newer ones, and raise it one minor at a time",
    )


def charts_know_kubernetes(stack: Stack) -> Iterator[Problem]:
    """Every chart that is installed is tested with the version."""
    if not _is_known(stack):
        return
    minor = stack.cluster.kubernetes_version
    charts = {chart: addon for addon, charts in charts_by_addon(stack).items() for chart in charts}
    untested = {chart: addon for chart, addon in charts.items() if chart.kubernetes and minor not in chart.kubernetes}
    if untested:
        named = [f"{chart.name} {chart.version}" for chart in untested]
        switches = [f"addons.{addon}.enabled" for addon in dict.fromkeys(untested.values())]
        yield Problem(
            "cluster.kubernetes_version",
            f"chart {' and '.join(named)} {'is' if len(named) == 1 else 'are'} not tested with {minor}",
            f"use {listed(_tested(stack))}, or set {' and '.join(switches)} to false",
        )


def _tested(stack: Stack) -> list[str]:
    """Minors that every chart of the stack is tested with, and for which its nodes have images."""
    minors = _supported(stack) or list(_ends(stack))
    charts = [chart.kubernetes for charts in charts_by_addon(stack).values() for chart in charts if chart.kubernetes]
    images = [versions.EKS_NODE_IMAGES[pool.image] for pool in stack.pools.values() if isinstance(pool, AwsPool)]
    return [minor for minor in minors if all(minor in each for each in (*charts, *images))] or minors


def node_images_exist(stack: Stack) -> Iterator[Problem]:
    """Each pool's operating system has a pinned image for the version."""
    minor = stack.cluster.kubernetes_version
    if not isinstance(stack, AwsStack) or not _is_known(stack):
        return
    for name, pool in stack.pools.items():
        known = versions.EKS_NODE_IMAGES[pool.image]
        if minor not in known and not pool.existing and pool.image_release is None:
            yield Problem(
                f"pools.{name}.image",
                f"no release of {pool.image} for Kubernetes {minor} is pinned",
                f"set cluster.kubernetes_version to {listed(_tested(stack))}, or write image_release"
                if stack.cluster.kind == "new"
                else "write image_release",
            )


def node_images_are_of_the_minor(stack: Stack) -> Iterator[Problem]:
    """A release of Amazon Linux begins with the minor whose kubelet is in it; one of Bottlerocket is of several."""
    minor = stack.cluster.kubernetes_version
    for name, pool in stack.pools.items():
        if not isinstance(pool, AwsPool) or pool.image_release is None:
            continue
        path, release = f"pools.{name}.image_release", pool.image_release
        otherwise = "or remove it to have the one that this release is tested with"
        day = _OF_A_DAY.search(release)
        if pool.image == "al2023" and (not day or not _is_day(day[0][1:])):
            yield Problem(path, f"'{release}' does not end in a day", f"write one like 1.35.7-20260903, {otherwise}")
        elif pool.image == "al2023" and not release.startswith(f"{minor}."):
            yield Problem(path, f"'{release}' is not of Kubernetes {minor}", f"write a release of {minor}, {otherwise}")
        elif pool.image == "bottlerocket" and _OF_A_DAY.search(release):
            yield Problem(path, f"'{release}' is a release of Amazon Linux", f"write one of Bottlerocket, {otherwise}")


_RELIED_UPON = (
    ("vpc-cni", ("enableNetworkPolicy",), "nothing else enforces the rules around models and add-ons"),
    ("vpc-cni", ("env", "ENABLE_PREFIX_DELEGATION"), "nodes are planned with the addresses that it brings"),
)
"""Add-on, key and reason of what the platform has set to "true"; EKS takes it as text."""


def addons_keep_what_is_relied_upon(stack: Stack) -> Iterator[Problem]:
    """What a file says of an add-on stands over ours, but for what all else is built on."""
    if not isinstance(stack.cluster, NewEksCluster):
        return
    for addon, steps, reason in _RELIED_UPON:
        value: Any = stack.cluster.addons[addon].configuration if addon in stack.cluster.addons else {}
        for step in steps:
            value = cast(Mapping[str, Any], value).get(step) if isinstance(value, Mapping) else None
        if value not in (None, "true"):
            path = f"cluster.addons.{addon}.configuration.{'.'.join(steps)}"
            yield Problem(path, f"{shown(value)} would switch off what the platform relies upon: {reason}", "remove it")


def endpoint_is_of_the_region(stack: Stack) -> Iterator[Problem]:
    """The address of an existing cluster is in the region, where EKS has made it."""
    found = _EKS_ADDRESS.search(stack.cluster.endpoint_url) if isinstance(stack.cluster, ExistingEksCluster) else None
    if found and stack.cloud.region not in found.groups():
        yield Problem(
            "cluster.endpoint_url",
            f"it is not of region '{stack.cloud.region}'",
            "write endpoint of aws eks describe-cluster, or change cloud.region",
        )


def _is_day(text: str) -> bool:
    try:
        return bool(datetime.strptime(text, "%Y%m%d").replace(tzinfo=UTC))
    except ValueError:
        return False


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


def addons_are_the_platforms(stack: Stack) -> Iterator[Problem]:
    """What another stack installs is set there: here it would be without effect."""
    if stack.platform.kind == stack.cluster.kind == "existing" and stack.addons != type(stack.addons)():
        yield Problem("addons", "another stack installs the add-ons of an existing platform", "remove it")


def host_has_an_issuer(stack: Stack) -> Iterator[Problem]:
    """The gateway's host is what its certificate is for."""
    if stack.addons.gateway.host and not stack.addons.cert_manager.enabled:
        yield Problem(
            "addons.gateway.host",
            "without cert_manager nobody issues its certificate, which is all that it is for",
            "remove it, or set addons.cert_manager.enabled to true",
        )


def alerts_have_a_source(stack: Stack) -> Iterator[Problem]:
    """Alerts are sent by the monitoring."""
    if stack.addons.monitoring.alerts and not stack.addons.monitoring.enabled:
        yield Problem(
            "addons.monitoring.alerts",
            "without monitoring there are no alerts",
            "remove it, or set addons.monitoring.enabled to true",
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
