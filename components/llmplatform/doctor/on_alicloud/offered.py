"""Versions of Kubernetes, node images and add-ons that ACK offers.

Source: ACK API reference, DescribeKubernetesVersionMetadata and ListAddons (the latter by region, type, profile, size
and version of a future cluster).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from llmplatform.catalog import versions
from llmplatform.doctor.checks import Ask, Check, Finding, green, red, yellow
from llmplatform.doctor.on_alicloud.activation import needed
from llmplatform.doctor.wanted import Wanted
from llmplatform.specs.cluster import NewAckCluster

VERSIONS, ADDONS = "cs:DescribeKubernetesVersionMetadata", "cs:ListAddons"
_TYPE = "ManagedKubernetes"
OF_REGISTRY = tuple(name for name in versions.ACK_ADDONS if "acr" in name)
"""Add-ons of stacks with a private registry."""


def version_finding(wanted: str, found: Iterable[Mapping[str, Any]]) -> Finding:
    """Whether ACK creates clusters of an exact version."""
    creatable = [each["version"] for each in found if each.get("creatable", True) in (True, "true", "True")]
    minor = wanted.rpartition("-")[0].rpartition(".")[0] or wanted
    same = [each for each in creatable if each.startswith(f"{minor}.")]
    if wanted in creatable:
        return green(f"ACK makes clusters of {wanted}")
    if same:
        return red(f"ACK makes no clusters of {wanted}", f"write `release: {same[0]}` into cluster")
    offered = ", ".join(creatable) or "none"
    return red(f"ACK makes no clusters of {wanted}, nor of its minor", f"write a minor of {offered}")


def _kubernetes(wanted: Wanted, ask: Ask) -> Iterator[Finding]:
    cluster = wanted.stack.cluster
    if not isinstance(cluster, NewAckCluster):
        yield green("an existing cluster has its version")
        return
    found = ask(VERSIONS, Region=wanted.stack.cloud.region, ClusterType=_TYPE, Mode="creatable")
    yield version_finding(cluster.exact_version, found)


def addon_findings(names: Sequence[str], offered: Mapping[str, Any]) -> Iterator[Finding]:
    """Whether ACK offers an add-on of each name."""
    known = {each["name"]: each.get("version", "") for each in offered.get("addons") or ()}
    for name in names:
        if name in known:
            yield green(f"{name} {known[name]}".rstrip())
        else:
            near = [each for each in known if any(part in each for part in name.split("-") if len(part) > 3)]
            yield red(
                f"{name}: ACK offers no such add-on",
                f"report it{': near it are ' + ', '.join(sorted(near)[:5]) if near else ''}",
            )
    if not known:
        yield yellow("ACK names no add-ons at all", "look into the console, under Add-ons of a cluster")


def _addons(wanted: Wanted, ask: Ask) -> Iterator[Finding]:
    cluster = wanted.stack.cluster
    if not isinstance(cluster, NewAckCluster):
        yield green("an existing cluster has its add-ons")
        return
    offered = ask(
        ADDONS,
        region_id=wanted.stack.cloud.region,
        cluster_type=_TYPE,
        profile="Default",
        cluster_spec=cluster.tier,
        cluster_version=cluster.exact_version,
    )
    registry = needed(wanted, "mirrors.acr")
    yield from addon_findings([name for name in versions.ACK_ADDONS if registry or name not in OF_REGISTRY], offered)


CHECKS = (
    Check(
        name="kubernetes",
        title="exact version of Kubernetes",
        finds="ACK refuses the cluster",
        actions=(VERSIONS,),
        provider="alicloud",
        run=_kubernetes,
    ),
    Check(
        name="addons",
        title="names of the add-ons",
        finds="ACK refuses the cluster, or an add-on after it is made",
        actions=(ADDONS,),
        provider="alicloud",
        run=_addons,
    ),
)
