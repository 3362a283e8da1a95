"""Leftovers in an account of Alibaba Cloud, in the order of their deletion.

Calls use the SDK's own clients, as in the doctor. Newer load balancers (ALB, NLB) and log projects are not searched;
those with the environment's tag are shown.
"""

from collections.abc import Iterator

from llmplatform.catalog.tags import ENVIRONMENT_TAG
from llmplatform.doctor.checks import Ask, NoAnswer
from llmplatform.doctor.on_alicloud.lists import chained, pages
from llmplatform.sweep.alicloud_owners import CLUSTERS, NETWORKS, around, inside, living, owner, tags_of
from llmplatform.sweep.kinds import Kind, Leftover, Owner, Place, by_tag, rest, simple_kind

__all__ = ["CLUSTERS", "KINDS", "living"]

TAGGED = "tag:ListTagResources"
BALANCERS, INTERFACES = "slb:DescribeLoadBalancers", "ecs:DescribeNetworkInterfaces"
DISKS, SNAPSHOTS, FILES = "ecs:DescribeDisks", "ecs:DescribeSnapshots", "nas:DescribeFileSystems"
RECORDS, KEY = "alidns:DescribeDomainRecords", "kms:DescribeKey"
_UNPROTECT = "slb:SetLoadBalancerDeleteProtection"


def _load_balancers(place: Place, ask: Ask) -> Iterator[Leftover]:
    alive, networks = around(place, ask)
    for each in pages(ask, BALANCERS, "LoadBalancers", "LoadBalancer", RegionId=place.region):
        # A user may have created one by hand, and its address is in use.
        ours = each.get("VpcId") in networks
        whose = inside(tags_of(each), place, alive, "foreign") if ours else owner(tags_of(each), place, alive)
        if whose:
            name = f"{each.get('LoadBalancerName', '')} {each.get('Address', '')}"
            protected = str(each.get("DeleteProtection", ""))
            yield whose.left("load-balancers", each["LoadBalancerId"], name, protected=protected)


def _delete_balancer(leftover: Leftover, place: Place, ask: Ask) -> None:
    if leftover.details.get("protected") == "on":
        # The cloud controller protects its load balancers.
        ask(_UNPROTECT, RegionId=place.region, LoadBalancerId=leftover.id, DeleteProtection="off")
    ask("slb:DeleteLoadBalancer", RegionId=place.region, LoadBalancerId=leftover.id)


def _interfaces(place: Place, ask: Ask) -> Iterator[Leftover]:
    alive, networks = around(place, ask)
    found = chained(
        ask, INTERFACES, "NetworkInterfaceSets", "NetworkInterfaceSet", RegionId=place.region, Status="Available"
    )
    for each in found:
        ours = each.get("VpcId") in networks
        whose = inside(tags_of(each), place, alive, "ours") if ours else owner(tags_of(each), place, alive)
        if whose:
            managed = bool(each.get("ServiceManaged"))
            kept = "a service of Alibaba Cloud has it, and takes it away with what it is for" if managed else ""
            yield whose.left("interfaces", each["NetworkInterfaceId"], each.get("Description", ""), kept)


def _disks(place: Place, ask: Ask) -> Iterator[Leftover]:
    alive, _ = around(place, ask)
    for each in chained(ask, DISKS, "Disks", "Disk", RegionId=place.region):
        if whose := owner(tags_of(each), place, alive):
            kept = "" if each.get("Status") == "Available" else f"it is {each.get('Status')}"
            yield whose.left("volumes", each["DiskId"], f"{each.get('DiskName', '')} {each.get('Size', '?')} GiB", kept)


def _snapshots(place: Place, ask: Ask) -> Iterator[Leftover]:
    alive, _ = around(place, ask)
    for each in chained(ask, SNAPSHOTS, "Snapshots", "Snapshot", RegionId=place.region):
        if whose := owner(tags_of(each), place, alive):
            name = f"{each.get('SourceDiskSize', '?')} GiB of {each.get('CreationTime', '')}"
            yield whose.left("snapshots", each["SnapshotId"], name)


def _file_systems(place: Place, ask: Ask) -> Iterator[Leftover]:
    for each in pages(ask, FILES, "FileSystems", "FileSystem"):
        if tags_of(each).get(ENVIRONMENT_TAG) == place.environment:
            targets = (each.get("MountTargets") or {}).get("MountTarget") or ()
            name = f"{each.get('Description', '')} {int(each.get('MeteredSize') or 0) / 2**30:.1f} GiB"
            domains = " ".join(target["MountTargetDomain"] for target in targets)
            yield by_tag(place).left("file-systems", each["FileSystemId"], name, targets=domains)


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
            yield Owner("ours", f"a challenge for {place.host}").left("dns-records", each["RecordId"], wanted)


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
        yield by_tag(place).left(
            "keys",
            id_,
            f"deleted on {key.get('DeleteDate', '?')}" if waits else key["KeyState"],
            f"it can be restored until then: `aliyun kms CancelKeyDeletion --KeyId {id_}`"
            if waits
            else f"`aliyun kms ScheduleKeyDeletion --KeyId {id_} --PendingWindowInDays 30`, and it is unreadable then",
        )


def _rest(place: Place, ask: Ask) -> Iterator[Leftover]:
    return rest(place, _tagged(place, ask), _ELSEWHERE)


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
"""Service and type of objects that have a kind here. Source: the ARNs in each service's "RAM authorization"."""
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
