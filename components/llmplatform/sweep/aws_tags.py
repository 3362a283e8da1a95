"""The owner of an object of AWS, by its tags.

Tags of controllers on their objects: aws-ebs-csi-driver (pkg/cloud: `ebs.csi.aws.com/cluster`, and by
`--k8s-tag-cluster-id` `kubernetes.io/cluster/NAME`), aws-load-balancer-controller (`elbv2.k8s.aws/cluster`), the cloud
controller (`kubernetes.io/cluster/NAME`), amazon-vpc-cni-k8s (`cluster.k8s.amazonaws.com/name`). The value of
`kubernetes.io/cluster/NAME` is `owned`, or `shared` for what more clusters use and none deletes (cloud-provider-aws,
pkg/providers/v1/tags.go).
"""

from collections.abc import Mapping
from typing import Any

from llmplatform.catalog.tags import ENVIRONMENT_TAG
from llmplatform.doctor.checks import Ask
from llmplatform.sweep.kinds import Owner, Place, by_cluster, by_tag

VPCS, TAGGED = "ec2:DescribeVpcs", "tag:GetResources"
_NAMED = (
    "elbv2.k8s.aws/cluster",
    "cluster.k8s.amazonaws.com/name",
    "ebs.csi.aws.com/cluster-name",
    "eks:cluster-name",
    "KubernetesCluster",
)
"""Tags whose value is a cluster's name."""
_DRIVER = "ebs.csi.aws.com/cluster"


def tags_of(found: Mapping[str, Any], key: str = "Tags") -> dict[str, str]:
    """An object's tags as a mapping."""
    return {each["Key"]: each["Value"] for each in found.get(key) or ()}


def owner(tags: Mapping[str, str], place: Place) -> Owner | None:
    """The owner of an object, and the tag that says so; None if it is another environment's or unknown."""
    if ENVIRONMENT_TAG in tags:
        return by_tag(place) if tags[ENVIRONMENT_TAG] == place.environment else None
    for cluster in sorted(place.clusters):
        if tags.get(f"kubernetes.io/cluster/{cluster}") == "owned":
            return by_cluster(cluster, f"kubernetes.io/cluster/{cluster}", place.alive)
        for key in _NAMED:
            if tags.get(key) == cluster:
                return by_cluster(cluster, f"{key}={cluster}", place.alive)
    if _DRIVER in tags and not names_a_cluster(tags):
        return Owner("foreign", f"{_DRIVER}, of a cluster that no tag names")
    return None


def names_a_cluster(tags: Mapping[str, str]) -> bool:
    """Whether tags name the cluster or environment of an object."""
    named = ENVIRONMENT_TAG in tags or any(key in tags for key in _NAMED)
    return named or any(key.startswith("kubernetes.io/cluster/") for key in tags)


def networks_of(place: Place, ask: Ask) -> list[str]:
    """Ids of the environment's networks."""
    of_ours = [{"Name": f"tag:{ENVIRONMENT_TAG}", "Values": [place.environment]}]
    return [each["VpcId"] for each in ask(VPCS, Filters=of_ours)["Vpcs"]]


def tagged(place: Place, ask: Ask, *types: str) -> list[str]:
    """ARNs of objects with the environment's tag; only of the given types, if any."""
    wanted = [{"Key": ENVIRONMENT_TAG, "Values": [place.environment]}]
    limited = {"ResourceTypeFilters": [*types]} if types else {}
    found = ask(TAGGED, TagFilters=wanted, **limited)["ResourceTagMappingList"]
    return [each["ResourceARN"] for each in found]
