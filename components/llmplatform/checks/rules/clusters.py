"""Rules about Kubernetes versions and the software in the cluster."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any, cast

from llmplatform.catalog import versions
from llmplatform.checks.problems import Problem, listed, shown
from llmplatform.checks.rules.rule import whole
from llmplatform.planning.charts import charts_by_capability
from llmplatform.specs.cluster import ExistingEksCluster, NewAckCluster, NewEksCluster
from llmplatform.specs.pools import AwsPool
from llmplatform.specs.stack import AlicloudStack, AwsStack, Stack

_EKS_ADDRESS = re.compile(r"\.([a-z-]+-\d)\.eks\.amazonaws\.com|\.eks\.([a-z-]+-\d)\.api\.")
"""Source: the user guide of EKS on cluster endpoints."""

_RELIED_UPON = (
    ("vpc-cni", ("enableNetworkPolicy",), "nothing else enforces the rules around models and add-ons"),
    ("vpc-cni", ("env", "ENABLE_PREFIX_DELEGATION"), "nodes are planned with the addresses that it brings"),
)
"""Add-on, key and reason of what the platform sets to "true"; EKS reads it as text."""

EVERYWHERE = "0.0.0.0/0"


def today() -> date:
    """The date for which versions are checked."""
    return datetime.now(UTC).date()


def _ends(stack: Stack) -> dict[str, date]:
    """Last day of support of each minor that the cloud has offered."""
    if isinstance(stack, AwsStack):
        return {minor: release.standard_support_ends for minor, release in versions.EKS.items()}
    return {minor: release.support_ends for minor, release in versions.ACK.items()}


def _supported(stack: Stack) -> list[str]:
    return [minor for minor, ends in _ends(stack).items() if ends > today()]


def is_known(stack: Stack) -> bool:
    """Whether the cloud offers the version of a new cluster, or did."""
    return stack.cluster.kind != "new" or stack.cluster.kubernetes_version in _ends(stack)


def kubernetes_is_known(stack: Stack) -> Iterator[Problem]:
    """The cloud offers the version, or did: a cluster of an older version may be kept and upgraded."""
    if not is_known(stack):
        yield Problem(
            "cluster.kubernetes_version",
            f"{'EKS' if isinstance(stack, AwsStack) else 'ACK'} does not offer {stack.cluster.kubernetes_version}",
            f"use {listed(_supported(stack) or list(_ends(stack)))}",
        )


def kubernetes_is_supported(stack: Stack) -> Iterator[Problem]:
    """The cloud supports the version of a new cluster. That ends on a date, so it is a warning."""
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
    """Every installed chart is tested with the version."""
    if not is_known(stack):
        return
    minor = stack.cluster.kubernetes_version
    charts = {chart: path for path, charts in charts_by_capability(stack).items() for chart in charts}
    untested = {chart: path for chart, path in charts.items() if chart.kubernetes and minor not in chart.kubernetes}
    if untested:
        named = [f"{chart.name} {chart.version}" for chart in untested]
        switches = [f"{path}.enabled" for path in dict.fromkeys(untested.values())]
        yield Problem(
            "cluster.kubernetes_version",
            f"chart {' and '.join(named)} {'is' if len(named) == 1 else 'are'} not tested with {minor}",
            f"use {listed(tested(stack))}, or set {' and '.join(switches)} to false",
        )


def tested(stack: Stack) -> list[str]:
    """Minors that all charts of the stack are tested with, and that have node images."""
    minors = _supported(stack) or list(_ends(stack))
    charts = [
        chart.kubernetes for charts in charts_by_capability(stack).values() for chart in charts if chart.kubernetes
    ]
    images = [versions.EKS_NODE_IMAGES[pool.image] for pool in stack.pools.values() if isinstance(pool, AwsPool)]
    return [minor for minor in minors if all(minor in each for each in (*charts, *images))] or minors


def addons_keep_what_is_relied_upon(stack: Stack) -> Iterator[Problem]:
    """Add-on configuration in the file overrides ours, except where the platform depends on ours."""
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
    """An existing cluster's address is in the region, as EKS forms it."""
    found = _EKS_ADDRESS.search(stack.cluster.endpoint_url) if isinstance(stack.cluster, ExistingEksCluster) else None
    if found and stack.cloud.region not in found.groups():
        yield Problem(
            "cluster.endpoint_url",
            f"it is not of region '{stack.cloud.region}'",
            "write endpoint of aws eks describe-cluster, or change cloud.region",
        )


def existing_platform_has_a_cluster(stack: Stack) -> Iterator[Problem]:
    """An existing platform is in an existing cluster."""
    if stack.platform.kind == "existing" and stack.cluster.kind != "existing":
        yield Problem(
            "platform.kind",
            "an existing platform cannot be in a new cluster",
            "write 'new', or set cluster.kind to 'existing'",
        )


def existing_cluster_is_in_an_existing_network(stack: Stack) -> Iterator[Problem]:
    """An existing cluster is in an existing network, because nodes must be in its VPC."""
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


def release_is_known(stack: Stack) -> Iterator[Problem]:
    """An exact version is one that ACK has offered, within the minor."""
    if not isinstance(stack, AlicloudStack) or not isinstance(stack.cluster, NewAckCluster):
        return
    minor, wanted = stack.cluster.kubernetes_version, stack.cluster.release
    known = versions.ACK.get(minor)
    if wanted is None or known is None or wanted in known.releases:
        return
    other = next((release.minor for release in versions.ACK.values() if wanted in release.releases), None)
    yield Problem(
        "cluster.release",
        f"'{wanted}' is not in the table of ACK's versions of {minor}",
        f"remove it, or set cluster.kubernetes_version to '{other}'"
        if other
        else f"remove it, or use {listed(known.releases)}",
    )


def public_endpoint_is_open_to_all(stack: Stack) -> Iterator[Problem]:
    """ACK's public endpoint is open to the whole internet, or does not exist."""
    if not isinstance(stack, AlicloudStack) or not isinstance(stack.cluster, NewAckCluster):
        return
    if stack.cluster.endpoint.public_cidrs not in ((), (EVERYWHERE,)):
        yield Problem(
            "cluster.endpoint.public_cidrs",
            "ACK cannot limit its public endpoint to ranges",
            f"leave it empty, or write [{EVERYWHERE}] and give the endpoint's load balancer an access control list",
        )


def upgrades_are_done_once(stack: Stack) -> Iterator[Problem]:
    """A warning: `upgrade` is a request, and the provider repeats it at every change."""
    if not isinstance(stack, AlicloudStack):
        return
    after = "take it out again once 'pulumi up' has done it"
    if isinstance(stack.cluster, NewAckCluster) and stack.cluster.upgrade:
        yield Problem("cluster.upgrade", "every change of a pool upgrades its nodes again", after)
    for name, pool in stack.pools.items():
        if pool.renew:
            yield Problem(f"pools.{name}.renew", "every change of the pool exchanges its nodes' system disks", after)


PROBLEMS = whole(
    kubernetes_is_known,
    release_is_known,
    public_endpoint_is_open_to_all,
    charts_know_kubernetes,
    addons_keep_what_is_relied_upon,
    endpoint_is_of_the_region,
    existing_platform_has_a_cluster,
    existing_cluster_is_in_an_existing_network,
)
WARNINGS = whole(kubernetes_is_supported, upgrades_are_done_once)
