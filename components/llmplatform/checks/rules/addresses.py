"""Rules about the number of nodes: addresses of the network, and limits of the cluster."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network
from math import ceil, log2

from llmplatform.checks.problems import Problem
from llmplatform.checks.rules.networks import LARGEST_PREFIX, SMALLEST_PREFIX, WIDEST_PUBLIC_PREFIX
from llmplatform.checks.rules.placement import groups, most_nodes, shape
from llmplatform.checks.rules.rule import whole
from llmplatform.checks.rules.subnets import subnet_ranges, vswitches_by_key
from llmplatform.specs.network import NewNetwork
from llmplatform.specs.pools import MOST_NODES
from llmplatform.specs.stack import AlicloudStack, AwsStack, Stack

ADDRESSES_PER_NODE = 32
"""The VPC CNI gives a node whole blocks of 16 and keeps one free (ENABLE_PREFIX_DELEGATION, WARM_PREFIX_TARGET:
amazon-vpc-cni-k8s, prefix-and-ip-target.md): two for the dozen of DaemonSets and what runs there."""

RESERVED_BY_AWS = 5
"""AWS keeps the first four addresses of a subnet and the last one (Amazon VPC user guide, subnet CIDR blocks)."""
RESERVED_BY_ALICLOUD = 4
"""Alibaba Cloud keeps the first and the last three addresses of each vSwitch. Source: VPC's limits."""

USUAL_GROUP = 450
"""Nodes of a managed node group, and managed node groups of a cluster, unless AWS has raised the quota."""
USUAL_GROUPS = 30

PODS_PER_NODE = 30
"""Addresses that a node needs for its pods: a dozen DaemonSets, and workloads."""


def cluster_holds_its_nodes(stack: Stack) -> Iterator[Problem]:
    """All pools together have no more nodes than Kubernetes supports."""
    most = {name: most_nodes(stack, pool) for name, pool in stack.pools.items() if not pool.existing}
    if sum(most.values()) > MOST_NODES and most:
        largest = max(most, key=lambda name: most[name])
        yield Problem(
            f"pools.{largest}.max",
            f"all pools together may have {sum(most.values())} nodes, and Kubernetes is made for {MOST_NODES}",
            "lower it",
        )


def subnets_hold_the_nodes(stack: Stack) -> Iterator[Problem]:
    """Each zone's private subnet of AWS has addresses for its share of the nodes."""
    if not isinstance(stack, AwsStack):
        return
    nodes, network = _spread_nodes(stack), stack.network
    whole = IPv4Network(network.cidr)
    if whole.prefixlen < WIDEST_PUBLIC_PREFIX or (network.kind == "new" and whole.prefixlen > SMALLEST_PREFIX):
        return  # Other rules report it.
    if isinstance(network, NewNetwork):
        most, held = max(nodes.values(), default=0), whole.num_addresses // 8 - RESERVED_BY_AWS
        if most * ADDRESSES_PER_NODE > held:
            larger = f"use a /{LARGEST_PREFIX}, or " if whole.prefixlen > LARGEST_PREFIX else ""
            yield Problem(
                "network.cidr",
                f"a zone's private subnet would have {held} addresses, and the {most} nodes that the pools may put "
                f"into one take {most * ADDRESSES_PER_NODE} ({ADDRESSES_PER_NODE} each)",
                f"{larger}lower the pools' max",
            )
        return
    for zone, cidr in subnet_ranges(network).items():
        held = cidr.num_addresses - RESERVED_BY_AWS
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


def _spread_nodes(stack: AwsStack) -> Mapping[str, int]:
    """Zone to its number of nodes, as Auto Scaling spreads them."""
    found: defaultdict[str, int] = defaultdict(int)
    for group in (group for pool in stack.pools.values() if not pool.existing for group in groups(stack, pool)):
        for zone in group.zones:
            found[zone] += ceil(group.maximum / len(group.zones))
    return found


def quotas_are_likely_to_hold(stack: Stack) -> Iterator[Problem]:
    """A warning: the account's default quotas of EKS are exceeded.

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


def vswitches_hold_the_pods(stack: Stack) -> Iterator[Problem]:
    """Each zone has addresses for the pods of all nodes that it may get when other zones are sold out."""
    if not isinstance(stack, AlicloudStack):
        return
    nodes, network = _most_nodes_in_zones(stack), stack.network
    prefix = IPv4Network(network.cidr).prefixlen
    if prefix < WIDEST_PUBLIC_PREFIX or (network.kind == "new" and prefix > SMALLEST_PREFIX):
        return  # Other rules report it.
    if isinstance(network, NewNetwork):
        # An eighth for the pods of each of six zones.
        held = 2 ** (32 - IPv4Network(network.cidr).prefixlen - 3) - RESERVED_BY_ALICLOUD
        most = max(nodes.values(), default=0)
        if most * PODS_PER_NODE > held:
            needed = 29 - ceil(log2(most * PODS_PER_NODE + RESERVED_BY_ALICLOUD))
            larger = f"use a /{needed} or larger, or " if needed >= LARGEST_PREFIX else ""
            yield Problem(
                "network.cidr",
                f"a zone's pod vSwitch would have {held} addresses, and the {most} nodes that the pools may put into "
                f"one need {most * PODS_PER_NODE} ({PODS_PER_NODE} pods each)",
                f"{larger}lower the pools' max",
            )
        return
    key, own = ("pod_vswitches", 0) if network.pod_vswitches else ("node_vswitches", 1)
    for zone, switch in vswitches_by_key(network)[key].items():
        held = IPv4Network(switch.cidr).num_addresses - RESERVED_BY_ALICLOUD
        needed = nodes.get(zone, 0) * (PODS_PER_NODE + own)
        if needed > held:
            needed_prefix = 32 - ceil(log2(needed + RESERVED_BY_ALICLOUD))
            yield Problem(
                f"network.{key}.{zone}",
                f"{switch.cidr} has {held} addresses, and the {nodes[zone]} nodes that the pools may put into the zone "
                f"need {needed} ({PODS_PER_NODE} pods each)",
                f"use a vSwitch of a /{needed_prefix} or larger, or lower the pools' max",
            )


def _most_nodes_in_zones(stack: AlicloudStack) -> Mapping[str, int]:
    """Zone to its largest number of nodes."""
    found: defaultdict[str, int] = defaultdict(int)
    ours = (pool for pool in stack.pools.values() if not pool.existing and shape(stack, pool))
    for group in (group for pool in ours for group in groups(stack, pool)):
        for zone in group.zones:
            found[zone] += group.maximum
    return found


PROBLEMS = whole(cluster_holds_its_nodes, subnets_hold_the_nodes, vswitches_hold_the_pods)
WARNINGS = whole(quotas_are_likely_to_hold)
