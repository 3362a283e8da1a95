"""Whether names and ids in the stack file are right in the account.

The DNS zone exists, the log group does not, and subnets of an existing network have room for the nodes.
Sources: EKS creates a deleted cluster's log group again for late lines (terraform-aws-modules/terraform-aws-eks
#920, #2763); "Increase the available IP addresses for your node" in the EKS user guide (16 addresses at a time).
"""

from collections.abc import Iterator, Mapping, Sequence
from math import ceil
from typing import Any

from llmplatform.doctor.checks import Absent, Ask, Check, Finding, green, red, yellow
from llmplatform.doctor.wanted import Wanted
from llmplatform.planning.pools import PoolPlan
from llmplatform.specs.addons import AcmeIssuer
from llmplatform.specs.network import ExistingSubnets

ADDRESSES_PER_NODE = 33
"""Addresses in a subnet: the node's own, 16 for pods, and 16 more that the CNI keeps ready."""
ADDRESSES_BESIDE = 10
"""Addresses in a subnet: interfaces of the control plane, of the file system and of load balancers."""


def log_group(cluster: str) -> str:
    """Log group of a cluster."""
    return f"/aws/eks/{cluster}/cluster"


def _left_logs(wanted: Wanted, ask: Ask) -> Iterator[Finding]:
    if not wanted.new_cluster:
        yield green("an existing cluster has its log group")
        return
    group = log_group(wanted.cluster_name)
    found = ask("logs:DescribeLogGroups", logGroupNamePrefix=group)["logGroups"]
    if all(each["logGroupName"] != group for each in found):
        yield green(f"no log group is in the way of {group}")
        return
    try:
        ask("eks:DescribeCluster", name=wanted.cluster_name)
    except Absent:
        yield red(
            f"log group {group} exists without its cluster: EKS created it again after the deletion, and "
            "`pulumi up` would end with ResourceAlreadyExistsException",
            f"`aws logs delete-log-group --log-group-name {group}`, or `llmplatform sweep {wanted.name} --delete`",
        )
    else:
        yield green(f"the cluster {wanted.cluster_name} is there, with its log group")


def zone_finding(zone: Mapping[str, Any], host: str | None) -> Finding:
    """Whether a hosted zone can prove a host."""
    name = zone["Name"].rstrip(".")
    if zone.get("Config", {}).get("PrivateZone"):
        return red(
            f"hosted zone {name} is private: no authority sees the challenge in it",
            "write the id of the public zone into addons.cert_manager.issuer.hosted_zone",
        )
    if host and host != name and not host.endswith(f".{name}"):
        return red(
            f"{host} (addons.gateway.host) is not within hosted zone {name}",
            "write the zone of that host, or a host of that zone",
        )
    return green(f"hosted zone {name} is public{f', and {host} is within it' if host else ''}")


def _hosted_zone(wanted: Wanted, ask: Ask) -> Iterator[Finding]:
    addons = wanted.stack.addons
    issuer = addons.cert_manager.issuer
    if not (addons.cert_manager.enabled and isinstance(issuer, AcmeIssuer)):
        yield green("no certificates from an authority")
        return
    if issuer.zone_role:
        yield green(f"the zone is in another account, which {issuer.zone_role} is of: not looked at")
        return
    try:
        zone = ask("route53:GetHostedZone", Id=issuer.hosted_zone)["HostedZone"]
    except Absent:
        yield red(
            f"hosted zone {issuer.hosted_zone} is not in this account: no certificate would ever be issued",
            "write the id that `aws route53 list-hosted-zones` shows into addons.cert_manager.issuer.hosted_zone",
        )
    else:
        yield zone_finding(zone, addons.gateway.host)


def subnet_findings(
    network: ExistingSubnets, found: Sequence[Mapping[str, Any]], pools: Sequence[PoolPlan]
) -> Iterator[Finding]:
    """Whether subnets are in the zones of the stack file, with enough addresses."""
    known = {each["SubnetId"]: each for each in found}
    for key, subnets in (("private_subnets", network.private_subnets), ("public_subnets", network.public_subnets)):
        for zone, id_ in subnets.items():
            there, path = known.get(id_), f"network.{key}.{zone}"
            if there is None:
                yield red(
                    f"{path}: there is no subnet {id_} in this account", "write one of `aws ec2 describe-subnets`"
                )
            elif there["VpcId"] != network.vpc_id:
                yield red(f"{path}: {id_} is in {there['VpcId']}, not in {network.vpc_id}", "write another one")
            elif there["AvailabilityZone"] != zone:
                yield red(f"{path}: {id_} is in {there['AvailabilityZone']}", "write it under that zone")
            elif key == "private_subnets":
                yield _room(path, there["AvailableIpAddressCount"], *nodes_in(zone, pools))


def nodes_in(zone: str, pools: Sequence[PoolPlan]) -> tuple[int, int]:
    """Smallest and largest number of nodes in a zone, if groups spread evenly over their zones."""
    here = [group for pool in pools for group in pool.groups if zone in group.zones]
    least = sum(ceil(group.minimum / len(group.zones)) for group in here)
    return least, sum(ceil(group.maximum / len(group.zones)) for group in here)


def _room(path: str, free: int, least: int, most: int) -> Finding:
    needs = [ADDRESSES_BESIDE + nodes * ADDRESSES_PER_NODE for nodes in (least, most)]
    said = f"{path}: {free} addresses are free; {least} nodes need {needs[0]}, {most} need {needs[1]}"
    remedy = "use a larger subnet, or lower the pools' bounds"
    if free < needs[0]:
        return red(said, remedy)
    return yellow(said, remedy) if free < needs[1] else green(said)


def _subnets(wanted: Wanted, ask: Ask) -> Iterator[Finding]:
    network = wanted.stack.network
    if not isinstance(network, ExistingSubnets):
        yield green("the network is the stack's own")
        return
    ids = [*network.private_subnets.values(), *network.public_subnets.values()]
    # With a filter: in a call by ids, a missing one would hide the faults of the others.
    found = ask("ec2:DescribeSubnets", Filters=[{"Name": "subnet-id", "Values": ids}])["Subnets"]
    yield from subnet_findings(network, found, wanted.made)
    for attribute in ("enableDnsSupport", "enableDnsHostnames"):
        there = ask("ec2:DescribeVpcAttribute", VpcId=network.vpc_id, Attribute=attribute)
        if not there[attribute[0].upper() + attribute[1:]]["Value"]:
            yield red(
                f"{network.vpc_id}: {attribute} is off, and nodes would not find a private endpoint",
                f"`aws ec2 modify-vpc-attribute --vpc-id {network.vpc_id} "
                f"--{'enable-dns-support' if attribute == 'enableDnsSupport' else 'enable-dns-hostnames'}`",
            )


CHECKS = (
    Check(
        name="left-logs",
        title="a log group that an earlier cluster left",
        finds="the second `pulumi up` of an environment ends with ResourceAlreadyExistsException",
        actions=("logs:DescribeLogGroups", "eks:DescribeCluster"),
        provider="aws",
        run=_left_logs,
    ),
    Check(
        name="dns-zone",
        title="the zone of DNS for certificates",
        finds="no certificate is ever issued",
        actions=("route53:GetHostedZone",),
        provider="aws",
        run=_hosted_zone,
    ),
    Check(
        name="subnets",
        title="subnets of an existing network, and their free addresses",
        finds="nodes or pods get no address",
        actions=("ec2:DescribeSubnets", "ec2:DescribeVpcAttribute"),
        provider="aws",
        run=_subnets,
    ),
)
