"""Versions of Kubernetes and of add-ons that EKS offers, and the state of existing node groups.

Source: EKS API reference, DescribeClusterVersions, DescribeAddonVersions and DescribeNodegroup; EKS refuses every
change of a group in CREATE_FAILED: aws/containers-roadmap #2204.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from llmplatform.catalog import versions
from llmplatform.doctor.checks import Absent, Ask, Check, Finding, green, red, yellow
from llmplatform.doctor.wanted import Wanted
from llmplatform.specs.cluster import NewEksCluster

SHOWN = 5
"""Versions in a remedy, the newest first."""


def kubernetes_finding(minor: str, offered: Iterable[Mapping[str, Any]]) -> Finding:
    """Whether EKS creates clusters of a minor."""
    known = {each["clusterVersion"]: each.get("versionStatus", "STANDARD_SUPPORT") for each in offered}
    standard = ", ".join(version for version, status in known.items() if status == "STANDARD_SUPPORT")
    write = f"write one of {standard or 'those that EKS offers'} as cluster.kubernetes_version"
    status = known.get(minor, "UNSUPPORTED")
    if status == "UNSUPPORTED":
        return red(f"EKS offers no Kubernetes {minor}", write)
    if status == "EXTENDED_SUPPORT":
        return red(f"Kubernetes {minor} is in extended support, which a cluster of ours does not take", write)
    return green(f"EKS offers Kubernetes {minor}")


def _kubernetes(wanted: Wanted, ask: Ask) -> Iterator[Finding]:
    if not wanted.new_cluster:
        yield green("an existing cluster has its version")
        return
    yield kubernetes_finding(
        wanted.stack.cluster.kubernetes_version, ask("eks:DescribeClusterVersions")["clusterVersions"]
    )


def addon_findings(
    wanted: Mapping[str, str | None], minor: str, offered: Iterable[Mapping[str, Any]]
) -> Iterator[Finding]:
    """Whether EKS offers each add-on for a minor, in its version. `wanted`: name to version; None: EKS chooses."""
    known = {each["addonName"]: [one["addonVersion"] for one in each["addonVersions"]] for each in offered}
    for name, version in wanted.items():
        there = known.get(name)
        newest = ", ".join((there or ())[:SHOWN])
        if there is None:
            yield red(f"{name}: EKS offers no such add-on for Kubernetes {minor}", "report it: its name is ours")
        elif version and version not in there:
            yield red(
                f"{name} {version}: EKS does not offer it for Kubernetes {minor}", f"use one of {newest}, or report it"
            )
        elif version:
            yield green(f"{name} {version} is offered")
        else:
            yield green(f"{name} is offered: {newest}")
    if not wanted:
        yield yellow("no add-ons are known", "report it")


def _addons(wanted: Wanted, ask: Ask) -> Iterator[Finding]:
    if not wanted.new_cluster:
        yield green("an existing cluster has its add-ons")
        return
    minor = wanted.stack.cluster.kubernetes_version
    cluster = wanted.stack.cluster
    others = cluster.addons if isinstance(cluster, NewEksCluster) else {}
    asked = {str(name): addon.version for name, addon in others.items() if addon.version}
    names = {name: asked.get(name) or versions.eks_addon(name, minor) for name in versions.EKS_ADDONS}
    yield from addon_findings(names, minor, ask("eks:DescribeAddonVersions", kubernetesVersion=minor)["addons"])


def group_finding(group: Mapping[str, Any]) -> Finding:
    """Whether an existing node group can be changed."""
    name, status = group["nodegroupName"], group["status"]
    issues = "; ".join(str(each.get("message", each.get("code"))) for each in group.get("health", {}).get("issues", ()))
    said = f"group of nodes {name} is {status}{f': {issues}' if issues else ''}"
    if status in ("CREATE_FAILED", "DELETE_FAILED"):
        return red(
            f"{said}: EKS refuses every change of it", "`pulumi up --replace` with the URN that `pulumi stack -u` shows"
        )
    return green(said) if status == "ACTIVE" else yellow(said, "wait until it is ACTIVE, or mend what it says")


def _groups(wanted: Wanted, ask: Ask) -> Iterator[Finding]:
    if not wanted.new_cluster:
        yield green("an existing cluster's own groups are its owner's")
        return
    cluster = wanted.cluster_name
    try:
        names = ask("eks:ListNodegroups", clusterName=cluster)["nodegroups"]
    except Absent:
        yield green("no cluster yet")
        return
    for name in names:
        yield group_finding(ask("eks:DescribeNodegroup", clusterName=cluster, nodegroupName=name)["nodegroup"])
    if not names:
        yield green("no groups of nodes yet")


CHECKS = (
    Check(
        name="node-groups",
        title="groups of nodes that are there",
        finds="a group that once failed passes for a healthy one, without a node",
        actions=("eks:ListNodegroups", "eks:DescribeNodegroup"),
        provider="aws",
        run=_groups,
    ),
    Check(
        name="kubernetes",
        title="version of Kubernetes",
        finds="EKS refuses the cluster",
        actions=("eks:DescribeClusterVersions",),
        provider="aws",
        run=_kubernetes,
    ),
    Check(
        name="addons",
        title="add-ons and their versions",
        finds="an add-on is refused, after the cluster is made",
        actions=("eks:DescribeAddonVersions",),
        provider="aws",
        run=_addons,
    ),
)
