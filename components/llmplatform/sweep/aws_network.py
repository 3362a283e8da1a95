"""Leftovers in a network of AWS: load balancers, interfaces, endpoints, security groups.

Source of GuardDuty's tag and names: its user guide, Runtime Monitoring.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from llmplatform.doctor.checks import Ask, NoAnswer
from llmplatform.sweep.aws_tags import VPCS, names_a_cluster, networks_of, owner, tags_of
from llmplatform.sweep.kinds import Kind, Leftover, Owner, Place, simple_kind

_GUARD = "GuardDutyManaged"
_V1 = "elasticloadbalancing/classic"
_BATCH = 20
"""Load balancers in one request for tags."""


def _load_balancers(place: Place, ask: Ask) -> Iterator[Leftover]:
    found = ask("elasticloadbalancing:DescribeLoadBalancers")["LoadBalancers"]
    by_arn = {each["LoadBalancerArn"]: each["LoadBalancerName"] for each in found}
    for arns in _batches(list(by_arn)):
        for each in ask("elasticloadbalancing:DescribeTags", ResourceArns=arns)["TagDescriptions"]:
            if whose := owner(tags_of(each), place):
                arn = each["ResourceArn"]
                yield whose.left("load-balancers", arn, by_arn[arn])


def _classic_balancers(place: Place, ask: Ask) -> Iterator[Leftover]:
    found = ask("elasticloadbalancing/classic:DescribeLoadBalancers")["LoadBalancerDescriptions"]
    for names in _batches([each["LoadBalancerName"] for each in found]):
        for each in ask("elasticloadbalancing/classic:DescribeTags", LoadBalancerNames=names)["TagDescriptions"]:
            if whose := owner(tags_of(each), place):
                yield whose.left("classic-load-balancers", each["LoadBalancerName"])


def _batches(every: Sequence[str]) -> Iterator[list[str]]:
    for start in range(0, len(every), _BATCH):
        yield list(every[start : start + _BATCH])


def _interfaces(place: Place, ask: Ask) -> Iterator[Leftover]:
    networks = networks_of(place, ask)
    free = [{"Name": "status", "Values": ["available"]}]
    for each in ask("ec2:DescribeNetworkInterfaces", Filters=free)["NetworkInterfaces"]:
        tags = tags_of(each, "TagSet")
        whose = owner(tags, place)
        if whose is None and each["VpcId"] in networks:
            # It blocks the deletion of the network, regardless of its owner.
            where = f"in {each['VpcId']}, the environment's network"
            whose = Owner("foreign" if names_a_cluster(tags) else "ours", where)
        if whose:
            yield whose.left("interfaces", each["NetworkInterfaceId"], each.get("Description", ""))


def _endpoints(place: Place, ask: Ask) -> Iterator[Leftover]:
    networks = networks_of(place, ask)
    if not networks:
        return
    inside = [{"Name": "vpc-id", "Values": networks}]
    for each in ask("ec2:DescribeVpcEndpoints", Filters=inside)["VpcEndpoints"]:
        tags, id_ = tags_of(each), each["VpcEndpointId"]
        if each.get("State") in ("deleting", "deleted"):
            continue
        whose, kept = Owner("foreign", f"another user created it in {each['VpcId']}"), "ask whose it is"
        if ours := owner(tags, place):
            whose, kept = ours, ""
        elif _GUARD in tags or "guardduty" in each["ServiceName"]:
            whose = Owner("foreign", f"GuardDuty created it in {each['VpcId']}, which cannot be deleted with it")
            kept = (
                f"`aws ec2 delete-vpc-endpoints --vpc-endpoint-ids {id_}`; GuardDuty creates it again while it watches"
            )
        yield whose.left("endpoints", id_, each["ServiceName"], kept)


def _groups(place: Place, ask: Ask) -> Iterator[Leftover]:
    networks = networks_of(place, ask)
    if not networks:
        return
    inside = [{"Name": "vpc-id", "Values": networks}]
    for each in ask("ec2:DescribeSecurityGroups", Filters=inside)["SecurityGroups"]:
        tags, id_, name = tags_of(each), each["GroupId"], each["GroupName"]
        if name == "default":
            continue
        if whose := owner(tags, place):
            yield whose.left("security-groups", id_, name)
        else:
            who = "GuardDuty" if _GUARD in tags or name.startswith("GuardDuty") else "another user"
            kept = f"`aws ec2 delete-security-group --group-id {id_}` if it is not in use"
            yield Owner("foreign", f"{who} created it in {each['VpcId']}").left("security-groups", id_, name, kept)


def _unsuccessful(answer: Mapping[str, Any]) -> None:
    for each in answer.get("Unsuccessful") or ():
        raise NoAnswer(f"{each.get('ResourceId')}: {(each.get('Error') or {}).get('Message', 'it was refused')}")


KINDS: tuple[Kind, ...] = (
    simple_kind(
        "load-balancers",
        "load balancers",
        _load_balancers,
        ("elasticloadbalancing:DescribeLoadBalancers", "elasticloadbalancing:DescribeTags"),
        "elasticloadbalancing:DeleteLoadBalancer",
        "LoadBalancerArn",
    ),
    simple_kind(
        "classic-load-balancers",
        "classic load balancers",
        _classic_balancers,
        (f"{_V1}:DescribeLoadBalancers", f"{_V1}:DescribeTags"),
        f"{_V1}:DeleteLoadBalancer",
        "LoadBalancerName",
    ),
    Kind(
        name="endpoints",
        title="endpoints of the network",
        find=_endpoints,
        finds=(VPCS, "ec2:DescribeVpcEndpoints"),
        deletes=("ec2:DeleteVpcEndpoints",),
        delete=lambda leftover, place, ask: _unsuccessful(ask("ec2:DeleteVpcEndpoints", VpcEndpointIds=[leftover.id])),
    ),
    simple_kind(
        "interfaces",
        "network interfaces that nothing uses",
        _interfaces,
        (VPCS, "ec2:DescribeNetworkInterfaces"),
        "ec2:DeleteNetworkInterface",
        "NetworkInterfaceId",
    ),
    simple_kind(
        "security-groups",
        "security groups",
        _groups,
        (VPCS, "ec2:DescribeSecurityGroups"),
        "ec2:DeleteSecurityGroup",
        "GroupId",
    ),
)
