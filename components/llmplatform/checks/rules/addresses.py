"""Rules about how many nodes there may be: by the addresses of a network of AWS, and by what a cluster holds."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from ipaddress import IPv4Network
from math import ceil

from llmplatform.checks.problems import Problem
from llmplatform.checks.rules.networks import LARGEST_PREFIX, SMALLEST_PREFIX, WIDEST_PUBLIC_PREFIX
from llmplatform.checks.rules.placement import groups, most_nodes
from llmplatform.specs.network import ExistingSubnets, NewNetwork
from llmplatform.specs.pools import MOST_NODES
from llmplatform.specs.stack import AwsStack, Stack

ADDRESSES_PER_NODE = 32
"""The VPC CNI gives a node whole blocks of 16, one of which is kept free (ENABLE_PREFIX_DELEGATION, WARM_PREFIX_TARGET:
amazon-vpc-cni-k8s, prefix-and-ip-target.md): two for the dozen of DaemonSets and what runs there."""

RESERVED = 5
"""AWS keeps the first four addresses of a subnet and the last one (Amazon VPC user guide, subnet CIDR blocks)."""

USUAL_GROUP = 450
"""Nodes of one managed node group, and managed node groups of a cluster, unless AWS has raised the quota."""
USUAL_GROUPS = 30


def cluster_holds_its_nodes(stack: Stack) -> Iterator[Problem]:
    """All pools together have no more nodes than Kubernetes is made for."""
    most = {name: most_nodes(stack, pool) for name, pool in stack.pools.items() if not pool.existing}
    if sum(most.values()) > MOST_NODES and most:
        largest = max(most, key=lambda name: most[name])
        yield Problem(
            f"pools.{largest}.max",
            f"all pools together may have {sum(most.values())} nodes, and Kubernetes is made for {MOST_NODES}",
            "lower it",
        )


def subnets_hold_the_nodes(stack: Stack) -> Iterator[Problem]:
    """Each zone's private subnet of AWS has addresses for the nodes that lie in it when all zones have as many."""
    if not isinstance(stack, AwsStack):
        return
    nodes, network = _nodes(stack), stack.network
    whole = IPv4Network(network.cidr)
    if whole.prefixlen < WIDEST_PUBLIC_PREFIX or (network.kind == "new" and whole.prefixlen > SMALLEST_PREFIX):
        return  # Other rules say so.
    if isinstance(network, NewNetwork):
        most, held = max(nodes.values(), default=0), whole.num_addresses // 8 - RESERVED
        if most * ADDRESSES_PER_NODE > held:
            larger = f"use a /{LARGEST_PREFIX}, or " if whole.prefixlen > LARGEST_PREFIX else ""
            yield Problem(
                "network.cidr",
                f"a zone's private subnet would have {held} addresses, and the {most} nodes that the pools may put "
                f"into one take {most * ADDRESSES_PER_NODE} ({ADDRESSES_PER_NODE} each)",
                f"{larger}lower the pools' max",
            )
        return
    for zone, cidr in _ranges(network).items():
        held = cidr.num_addresses - RESERVED
        if nodes.get(zone, 0) * ADDRESSES_PER_NODE > held:
            yield Problem(
                f"network.private_subnet_cidrs.{zone}",
                f"{cidr} has {held} addresses, and the {nodes[zone]} nodes that the pools may put into the zone take "
                f"{nodes[zone] * ADDRESSES_PER_NODE} ({ADDRESSES_PER_NODE} each)",
                "use larger subnets, or lower the pools' max",
            )
    everywhere = sum(nodes.values()) * ADDRESSES_PER_NODE
    if not network.private_subnet_cidrs and everywhere > whole.num_addresses:
        yield Problem(
            "network.cidr",
            f"{whole} has {whole.num_addresses} addresses, and the {sum(nodes.values())} nodes that the pools may have "
            f"take {everywhere} ({ADDRESSES_PER_NODE} each)",
            "lower the pools' max, or write network.private_subnet_cidrs if the VPC has further ranges",
        )


def _nodes(stack: AwsStack) -> Mapping[str, int]:
    """Zone to the nodes in it, as Auto Scaling spreads them."""
    found: defaultdict[str, int] = defaultdict(int)
    for group in (group for pool in stack.pools.values() if not pool.existing for group in groups(stack, pool)):
        for zone in group.zones:
            found[zone] += ceil(group.maximum / len(group.zones))
    return found


def _ranges(network: ExistingSubnets) -> Mapping[str, IPv4Network]:
    """The ranges that can be read: in a file that is wrong in itself some may be none."""
    found: dict[str, IPv4Network] = {}
    for zone, cidr in network.private_subnet_cidrs.items():
        with suppress(ValueError):
            found[zone] = IPv4Network(cidr)
    return found


def subnet_ranges_are_the_networks(stack: Stack) -> Iterator[Problem]:
    """What is said of an existing subnet's size is of one that is named."""
    network = stack.network
    if not isinstance(network, ExistingSubnets):
        return
    ranges = _ranges(network)
    for zone, cidr in ranges.items():
        path = f"network.private_subnet_cidrs.{zone}"
        if zone not in network.private_subnets:
            yield Problem(path, "network.private_subnets has none in this zone", "remove it, or name the subnet there")
        other = next((each for each, range_ in ranges.items() if each < zone and range_.overlaps(cidr)), None)
        if other:
            yield Problem(path, f"{cidr} overlaps that of {other}", "write the range of each subnet")
        if not 16 <= cidr.prefixlen <= 28:
            yield Problem(path, f"{cidr} is no subnet's range, which is a /16 to a /28", "write the subnet's range")


def quotas_are_likely_to_hold(stack: Stack) -> Iterator[Problem]:
    """A warning: what the account's quotas of EKS allow, unless AWS has raised them.

    Source: the page of EKS on service quotas: nodes of a managed node group, managed node groups of a cluster.
    """
    if not isinstance(stack, AwsStack):
        return
    ours = {name: pool for name, pool in stack.pools.items() if not pool.existing}
    for name, pool in ours.items():
        if pool.max > USUAL_GROUP:
            yield Problem(
                f"pools.{name}.max",
                f"a managed node group has {USUAL_GROUP} nodes at most unless AWS has raised the account's quota",
                "ask for it, or write several pools",
            )
    made = sum(len(groups(stack, pool)) for pool in ours.values())
    if made > USUAL_GROUPS:
        yield Problem(
            "pools",
            f"they are {made} managed node groups, and a cluster has {USUAL_GROUPS} at most unless AWS has raised "
            "the account's quota",
            "ask for it, or write fewer pools",
        )
