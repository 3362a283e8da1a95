"""The owner of an object of Alibaba Cloud.

Tags of controllers on their objects, each with the id of its cluster under `ack.aliyun.com`: cloud controller
(cloud-provider-alibaba-cloud, pkg/model: beside it `kubernetes.do.not.delete`), alibaba-cloud-csi-driver (pkg/disk),
Terway (types/tag.go).
"""

from collections.abc import Mapping
from typing import Any

from llmplatform.catalog.tags import ENVIRONMENT_TAG
from llmplatform.doctor.checks import Ask
from llmplatform.doctor.on_alicloud.lists import PAGE, pages
from llmplatform.sweep.kinds import Owner, Place, Whose, by_cluster, by_tag

CLUSTER_TAG = "ack.aliyun.com"
CLUSTERS, NETWORKS = "cs:DescribeClustersForRegion", "vpc:DescribeVpcs"


def tags_of(found: Mapping[str, Any]) -> dict[str, str]:
    """An object's tags as a mapping; each service spells them differently."""
    listed = found.get("Tags") or ()
    each = (listed.get("Tag") or ()) if isinstance(listed, Mapping) else listed
    return {
        str(tag.get("Key") or tag.get("TagKey") or tag.get("key")): str(
            tag.get("Value") or tag.get("TagValue") or tag.get("value") or ""
        )
        for tag in each
    }


def clusters(place: Place, ask: Ask) -> dict[str, Mapping[str, str]]:
    """Existing clusters of the region: id to tags."""
    found: dict[str, Mapping[str, str]] = {}
    number = 1
    while True:
        answer = ask(CLUSTERS, page_number=number, page_size=PAGE)
        listed = answer.get("clusters") or []
        for each in listed:
            tags = {str(tag.get("key")): str(tag.get("value")) for tag in each.get("tags") or ()}
            found[each["cluster_id"]] = {**tags, "": str(each.get("name", ""))}
        if not listed or len(found) >= int((answer.get("page_info") or {}).get("total_count") or 0):
            return found
        number += 1


def living(place: Place, ask: Ask) -> dict[str, str]:
    """The environment's clusters that still exist, and the existing one that it used."""
    known = {*place.clusters, place.within}
    return {
        id_: f"{id_} ({tags['']})"
        for id_, tags in clusters(place, ask).items()
        if id_ in known or tags.get(ENVIRONMENT_TAG) == place.environment
    }


def owner(tags: Mapping[str, str], place: Place, alive: frozenset[str]) -> Owner | None:
    """The owner of an object by its tags; None if it is another's or unknown. `alive`: existing clusters."""
    if ENVIRONMENT_TAG in tags:
        return by_tag(place) if tags[ENVIRONMENT_TAG] == place.environment else None
    cluster = tags.get(CLUSTER_TAG)
    if not cluster:
        return None
    if cluster in place.clusters:
        return by_cluster(cluster, f"{CLUSTER_TAG}={cluster}", place.alive | alive)
    if cluster in alive or cluster == place.within:
        return None
    return Owner(
        "foreign",
        f"{CLUSTER_TAG}={cluster}, which is gone: pass --cluster {cluster} if it was this environment's own",
    )


def inside(tags: Mapping[str, str], place: Place, alive: frozenset[str], untagged: Whose) -> Owner | None:
    """The same for objects in the environment's network. `untagged`: the owner of an object without tags."""
    if told := owner(tags, place, alive):
        return told
    if tags.get(CLUSTER_TAG) in alive:
        return None
    # It blocks the deletion of the network, regardless of its owner.
    return Owner("foreign" if ENVIRONMENT_TAG in tags else untagged, "in the environment's network")


def around(place: Place, ask: Ask) -> tuple[frozenset[str], frozenset[str]]:
    """Existing clusters, and networks of the environment."""
    networks = {
        each["VpcId"]
        for each in pages(ask, NETWORKS, "Vpcs", "Vpc", RegionId=place.region)
        if tags_of(each).get(ENVIRONMENT_TAG) == place.environment
    }
    return frozenset(clusters(place, ask)), frozenset(networks)
