"""What an environment can leave in an account of Alibaba Cloud, in the order in which it can be deleted.

Tags by which controllers mark what they make, each with the id of its cluster under `ack.aliyun.com`: cloud controller
(cloud-provider-alibaba-cloud, pkg/model: beside it `kubernetes.do.not.delete`), alibaba-cloud-csi-driver (pkg/disk),
Terway (types/tag.go). What an action answers: the SDK's own clients, as for the doctor. Load balancers of the newer
kinds (ALB, NLB) and log projects have services that are not asked; those with the environment's tag are shown.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from llmplatform.catalog.tags import ENVIRONMENT_TAG
from llmplatform.doctor.checks import Ask, NoAnswer
from llmplatform.sweep.kinds import Kind, Leftover, Place, Whose, simple_kind

CLUSTER_TAG = "ack.aliyun.com"
CLUSTERS, NETWORKS, TAGGED = "cs:DescribeClustersForRegion", "vpc:DescribeVpcs", "tag:ListTagResources"
BALANCERS, INTERFACES = "slb:DescribeLoadBalancers", "ecs:DescribeNetworkInterfaces"
DISKS, SNAPSHOTS, FILES = "ecs:DescribeDisks", "ecs:DescribeSnapshots", "nas:DescribeFileSystems"
RECORDS, KEY = "alidns:DescribeDomainRecords", "kms:DescribeKey"
_UNPROTECT = "slb:SetLoadBalancerDeleteProtection"
_PAGE = 50


def tags_of(found: Mapping[str, Any]) -> dict[str, str]:
    """An object's tags as a mapping, however its service spells them."""
    listed = found.get("Tags") or ()
    each = (listed.get("Tag") or ()) if isinstance(listed, Mapping) else listed
    return {
        str(tag.get("Key") or tag.get("TagKey") or tag.get("key")): str(
            tag.get("Value") or tag.get("TagValue") or tag.get("value") or ""
        )
        for tag in each
    }


def pages(ask: Ask, action: str, section: str, item: str, **parameters: Any) -> Iterator[Mapping[str, Any]]:
    """Every object of a list that comes in numbered pages."""
    number, seen = 1, 0
    while True:
        answer = ask(action, PageNumber=number, PageSize=_PAGE, **parameters)
        found = (answer.get(section) or {}).get(item) or []
        yield from found
        seen += len(found)
        if not found or seen >= int(answer.get("TotalCount") or 0):
            return
        number += 1


def chained(ask: Ask, action: str, section: str, item: str, **parameters: Any) -> Iterator[Mapping[str, Any]]:
    """Every object of a list whose pages name the next one."""
    token: dict[str, str] = {}
    while True:
        answer = ask(action, MaxResults=100, **token, **parameters)
        yield from (answer.get(section) or {}).get(item) or []
        if not answer.get("NextToken"):
            return
        token = {"NextToken": answer["NextToken"]}


def clusters(place: Place, ask: Ask) -> dict[str, Mapping[str, str]]:
    """Clusters of the region that are there: id to tags."""
    found: dict[str, Mapping[str, str]] = {}
    number = 1
    while True:
        answer = ask(CLUSTERS, page_number=number, page_size=_PAGE)
        listed = answer.get("clusters") or []
        for each in listed:
            tags = {str(tag.get("key")): str(tag.get("value")) for tag in each.get("tags") or ()}
            found[each["cluster_id"]] = {**tags, "": str(each.get("name", ""))}
        if not listed or len(found) >= int((answer.get("page_info") or {}).get("total_count") or 0):
            return found
        number += 1


def living(place: Place, ask: Ask) -> list[str]:
    """The environment's clusters that are still there."""
    return [
        f"{id_} ({tags['']})"
        for id_, tags in clusters(place, ask).items()
        if id_ in place.clusters or tags.get(ENVIRONMENT_TAG) == place.environment
    ]


def owner(tags: Mapping[str, str], place: Place, alive: frozenset[str], network: bool) -> tuple[Whose, str] | None:
    """Whose an object is, and what tells. `alive`: clusters that are there; `network`: it lies in our network."""
    if tags.get(ENVIRONMENT_TAG) == place.environment:
        return "ours", f"{ENVIRONMENT_TAG}={place.environment}"
    cluster = tags.get(CLUSTER_TAG)
    if cluster in place.clusters:
        return "ours", f"{CLUSTER_TAG}={cluster}"
    if cluster in alive:
        return None
    if network:
        return "ours", "in the environment's network"
    if cluster and ENVIRONMENT_TAG not in tags:
        return (
            "foreign",
            f"{CLUSTER_TAG}={cluster}, which is gone: pass --cluster {cluster} if it was this environment's",
        )
    return None


def _around(place: Place, ask: Ask) -> tuple[frozenset[str], frozenset[str]]:
    """Clusters that are there, and networks of the environment."""
    networks = {
        each["VpcId"]
        for each in pages(ask, NETWORKS, "Vpcs", "Vpc", RegionId=place.region)
        if tags_of(each).get(ENVIRONMENT_TAG) == place.environment
    }
    return frozenset(clusters(place, ask)), frozenset(networks)


def _load_balancers(place: Place, ask: Ask) -> Iterator[Leftover]:
    alive, networks = _around(place, ask)
    for each in pages(ask, BALANCERS, "LoadBalancers", "LoadBalancer", RegionId=place.region):
        if whose := owner(tags_of(each), place, alive, each.get("VpcId") in networks):
            yield Leftover(
                kind="load-balancers",
                id=each["LoadBalancerId"],
                name=f"{each.get('LoadBalancerName', '')} {each.get('Address', '')}".strip(),
                whose=whose[0],
                why=whose[1],
                details={"protected": str(each.get("DeleteProtection", ""))},
            )


def _delete_balancer(leftover: Leftover, place: Place, ask: Ask) -> None:
    if leftover.details.get("protected") == "on":
        # The cloud controller protects what it makes.
        ask(_UNPROTECT, RegionId=place.region, LoadBalancerId=leftover.id, DeleteProtection="off")
    ask("slb:DeleteLoadBalancer", RegionId=place.region, LoadBalancerId=leftover.id)


def _interfaces(place: Place, ask: Ask) -> Iterator[Leftover]:
    alive, networks = _around(place, ask)
    found = chained(
        ask, INTERFACES, "NetworkInterfaceSets", "NetworkInterfaceSet", RegionId=place.region, Status="Available"
    )
    for each in found:
        if whose := owner(tags_of(each), place, alive, each.get("VpcId") in networks):
            managed = bool(each.get("ServiceManaged"))
            yield Leftover(
                kind="interfaces",
                id=each["NetworkInterfaceId"],
                name=each.get("Description", ""),
                whose=whose[0],
                why=whose[1],
                kept="a service of Alibaba Cloud has it, and takes it away with what it is for" if managed else "",
            )


def _disks(place: Place, ask: Ask) -> Iterator[Leftover]:
    alive, _ = _around(place, ask)
    for each in chained(ask, DISKS, "Disks", "Disk", RegionId=place.region):
        if whose := owner(tags_of(each), place, alive, network=False):
            yield Leftover(
                kind="volumes",
                id=each["DiskId"],
                name=f"{each.get('DiskName', '')} {each.get('Size', '?')} GiB".strip(),
                whose=whose[0],
                why=whose[1],
                kept="" if each.get("Status") == "Available" else f"it is {each.get('Status')}",
            )


def _snapshots(place: Place, ask: Ask) -> Iterator[Leftover]:
    alive, _ = _around(place, ask)
    for each in chained(ask, SNAPSHOTS, "Snapshots", "Snapshot", RegionId=place.region):
        if whose := owner(tags_of(each), place, alive, network=False):
            yield Leftover(
                kind="snapshots",
                id=each["SnapshotId"],
                name=f"{each.get('SourceDiskSize', '?')} GiB of {each.get('CreationTime', '')}",
                whose=whose[0],
                why=whose[1],
            )


def _file_systems(place: Place, ask: Ask) -> Iterator[Leftover]:
    for each in pages(ask, FILES, "FileSystems", "FileSystem"):
        if tags_of(each).get(ENVIRONMENT_TAG) == place.environment:
            targets = (each.get("MountTargets") or {}).get("MountTarget") or ()
            yield Leftover(
                kind="file-systems",
                id=each["FileSystemId"],
                name=f"{each.get('Description', '')} {int(each.get('MeteredSize') or 0) / 2**30:.1f} GiB".strip(),
                whose="ours",
                why=f"{ENVIRONMENT_TAG}={place.environment}",
                details={"targets": " ".join(target["MountTargetDomain"] for target in targets)},
            )


def _delete_file_system(leftover: Leftover, place: Place, ask: Ask) -> None:
    targets = leftover.details["targets"].split()
    for target in targets:
        ask("nas:DeleteMountTarget", FileSystemId=leftover.id, MountTargetDomain=target)
    if targets:
        raise NoAnswer(f"{leftover.id}: its mount targets are going; run it again in a minute")
    ask("nas:DeleteFileSystem", FileSystemId=leftover.id)


def _records(place: Place, ask: Ask) -> Iterator[Leftover]:
    if not place.zone or not place.host:
        return
    wanted = f"_acme-challenge.{place.host}"
    for each in pages(ask, RECORDS, "DomainRecords", "Record", DomainName=place.zone):
        if each["Type"] == "TXT" and f"{each['RR']}.{place.zone}" == wanted:
            yield Leftover(
                kind="dns-records", id=each["RecordId"], name=wanted, whose="ours", why=f"a challenge for {place.host}"
            )


def _tagged(place: Place, ask: Ask) -> list[str]:
    wanted = f'{{"{ENVIRONMENT_TAG}": "{place.environment}"}}'
    found: list[str] = []
    token: dict[str, str] = {}
    while True:
        answer = ask(TAGGED, RegionId=place.region, Tags=wanted, Category="Custom", PageSize=100, **token)
        found += [each["ResourceARN"] for each in answer.get("TagResources") or ()]
        if not answer.get("NextToken"):
            return list(dict.fromkeys(found))
        token = {"NextToken": answer["NextToken"]}


def _keys(place: Place, ask: Ask) -> Iterator[Leftover]:
    for arn in _tagged(place, ask):
        if arn.split(":")[2] != "kms":
            continue
        id_ = arn.rpartition("/")[2]
        key = ask(KEY, KeyId=id_)["KeyMetadata"]
        waits = key["KeyState"] == "PendingDeletion"
        yield Leftover(
            kind="keys",
            id=id_,
            name=f"deleted on {key.get('DeleteDate', '?')}" if waits else key["KeyState"],
            whose="ours",
            why=f"{ENVIRONMENT_TAG}={place.environment}",
            kept=f"it can be restored until then: `aliyun kms CancelKeyDeletion --KeyId {id_}`"
            if waits
            else f"`aliyun kms ScheduleKeyDeletion --KeyId {id_} --PendingWindowInDays 30`, and nobody can read it",
        )


def _rest(place: Place, ask: Ask) -> Iterator[Leftover]:
    for arn in _tagged(place, ask):
        service, kind = arn.split(":")[2], arn.split(":", 5)[5].partition("/")[0]
        if (service, kind) not in _ELSEWHERE:
            yield Leftover(
                kind="others",
                id=arn,
                whose="ours",
                why=f"{ENVIRONMENT_TAG}={place.environment}",
                kept="`pulumi destroy` deletes it where the state has it; else delete it by hand",
            )


_ELSEWHERE = frozenset(
    {
        ("slb", "instance"),
        ("ecs", "eni"),
        ("ecs", "disk"),
        ("ecs", "snapshot"),
        ("nas", "filesystem"),
        ("kms", "key"),
    }
)
"""Service and kind of what has a kind of its own. Source: the ARNs in each service's "RAM authorization"."""
_AROUND = (NETWORKS, CLUSTERS)
KINDS: tuple[Kind, ...] = (
    Kind(
        name="load-balancers",
        title="load balancers (CLB)",
        find=_load_balancers,
        finds=(*_AROUND, BALANCERS),
        deletes=(_UNPROTECT, "slb:DeleteLoadBalancer"),
        delete=_delete_balancer,
    ),
    Kind(
        name="interfaces",
        title="network interfaces that nothing uses",
        find=_interfaces,
        finds=(*_AROUND, INTERFACES),
        deletes=("ecs:DeleteNetworkInterface",),
        delete=lambda leftover, place, ask: ask(
            "ecs:DeleteNetworkInterface", RegionId=place.region, NetworkInterfaceId=leftover.id
        ),
    ),
    simple_kind("volumes", "disks", _disks, (*_AROUND, DISKS), "ecs:DeleteDisk", "DiskId"),
    simple_kind("snapshots", "snapshots", _snapshots, (*_AROUND, SNAPSHOTS), "ecs:DeleteSnapshot", "SnapshotId"),
    Kind(
        name="file-systems",
        title="file systems, with the weights in them",
        find=_file_systems,
        finds=(FILES,),
        deletes=("nas:DeleteMountTarget", "nas:DeleteFileSystem"),
        delete=_delete_file_system,
    ),
    simple_kind(
        "dns-records",
        "records of DNS that prove a host",
        _records,
        (RECORDS,),
        "alidns:DeleteDomainRecord",
        "RecordId",
    ),
    simple_kind("keys", "keys, which are only shown", _keys, (TAGGED, KEY)),
    simple_kind("others", "other things with the environment's tag, which are only shown", _rest, (TAGGED,)),
)
"""Every kind, in the order of deletion."""
