"""Rules about vSwitches: whether they are there for every zone, and hold the pods that are asked for."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network
from math import ceil, log2

from llmplatform.checks.problems import Problem
from llmplatform.checks.rules.networks import LARGEST_PREFIX, SMALLEST_PREFIX, WIDEST_PUBLIC_PREFIX
from llmplatform.checks.rules.placement import known_types
from llmplatform.specs.network import ExistingVswitches, NewNetwork, Vswitch
from llmplatform.specs.stack import AlicloudStack, Stack

PODS_PER_NODE = 30
"""Addresses that a node is to have for its pods: a dozen DaemonSets, and what runs there."""

SMALLEST_VSWITCH = 29
RESERVED = 4
"""Alibaba Cloud keeps the first and the last three addresses of each vSwitch. Source: VPC's limits."""


def existing_vswitches_serve_every_zone(stack: Stack) -> Iterator[Problem]:
    """An existing network has a vSwitch for nodes in each zone, and for pods in each or in none."""
    network = stack.network
    if not isinstance(stack, AlicloudStack) or not isinstance(network, ExistingVswitches):
        return
    for key, switches in _by_key(network).items():
        if not switches and key == "pod_vswitches":
            continue
        for zone in stack.cloud.zones:
            if zone not in switches:
                yield Problem(
                    f"network.{key}",
                    f"there is none for zone '{zone}'",
                    f"add '{zone}: {{id: vsw-…, cidr: …}}', or remove the zone from cloud.zones",
                )
        for zone in switches:
            if zone not in stack.cloud.zones:
                yield Problem(
                    f"network.{key}.{zone}",
                    f"'{zone}' is not a zone of the environment",
                    "add it to cloud.zones, or remove it here",
                )
    yield from _each_once_and_within(network)


def _each_once_and_within(network: ExistingVswitches) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for key, switches in _by_key(network).items():
        for zone, switch in switches.items():
            path = f"network.{key}.{zone}"
            if switch.id in seen:
                yield Problem(
                    f"{path}.id",
                    f"'{switch.id}' is {seen[switch.id]} as well",
                    "a vSwitch lies in one zone and is for nodes or for pods: write the other id",
                )
            seen.setdefault(switch.id, path)
            if not IPv4Network(switch.cidr).subnet_of(IPv4Network(network.cidr)):
                yield Problem(
                    f"{path}.cidr",
                    f"{switch.cidr} is not within the network's {network.cidr}",
                    "write the vSwitch's range, or correct network.cidr",
                )


def vswitches_lie_apart(stack: Stack) -> Iterator[Problem]:
    """The ranges of one VPC's vSwitches do not overlap."""
    network = stack.network
    if not isinstance(stack, AlicloudStack) or not isinstance(network, ExistingVswitches):
        return
    seen: dict[IPv4Network, str] = {}
    for key, switches in _by_key(network).items():
        for zone, switch in switches.items():
            path, cidr = f"network.{key}.{zone}", IPv4Network(switch.cidr)
            other = next((path for each, path in seen.items() if each.overlaps(cidr)), None)
            if other:
                yield Problem(f"{path}.cidr", f"{cidr} overlaps that of {other}", "write the range of each vSwitch")
            if not SMALLEST_VSWITCH >= cidr.prefixlen >= LARGEST_PREFIX:
                yield Problem(
                    f"{path}.cidr",
                    f"{cidr} is no vSwitch's range, which is a /{LARGEST_PREFIX} to a /{SMALLEST_VSWITCH}",
                    "write the vSwitch's range",
                )
            seen.setdefault(cidr, path)


def _by_key(network: ExistingVswitches) -> Mapping[str, Mapping[str, Vswitch]]:
    return {"node_vswitches": network.node_vswitches, "pod_vswitches": network.pod_vswitches}


def vswitches_hold_the_pods(stack: Stack) -> Iterator[Problem]:
    """Each zone has addresses for the pods of all nodes that it may have to take when others are sold out."""
    if not isinstance(stack, AlicloudStack):
        return
    nodes, network = _nodes(stack), stack.network
    prefix = IPv4Network(network.cidr).prefixlen
    if prefix < WIDEST_PUBLIC_PREFIX or (network.kind == "new" and prefix > SMALLEST_PREFIX):
        return  # Other rules say so.
    if isinstance(network, NewNetwork):
        # An eighth for the pods of each of six zones.
        held = 2 ** (32 - IPv4Network(network.cidr).prefixlen - 3) - RESERVED
        most = max(nodes.values(), default=0)
        if most * PODS_PER_NODE > held:
            needed = 29 - ceil(log2(most * PODS_PER_NODE + RESERVED))
            larger = f"use a /{needed} or larger, or " if needed >= LARGEST_PREFIX else ""
            yield Problem(
                "network.cidr",
                f"a zone's pod vSwitch would have {held} addresses, and the {most} nodes that the pools may put into "
                f"one need {most * PODS_PER_NODE} ({PODS_PER_NODE} pods each)",
                f"{larger}lower the pools' max",
            )
        return
    key, own = ("pod_vswitches", 0) if network.pod_vswitches else ("node_vswitches", 1)
    for zone, switch in _by_key(network)[key].items():
        held = IPv4Network(switch.cidr).num_addresses - RESERVED
        needed = nodes.get(zone, 0) * (PODS_PER_NODE + own)
        if needed > held:
            yield Problem(
                f"network.{key}.{zone}",
                f"{switch.cidr} has {held} addresses, and the {nodes[zone]} nodes that the pools may put into the zone "
                f"need {needed} ({PODS_PER_NODE} pods each)",
                f"use a vSwitch of a /{32 - ceil(log2(needed + RESERVED))} or larger, or lower the pools' max",
            )


def _nodes(stack: AlicloudStack) -> Mapping[str, int]:
    """Zone to the most nodes that may lie in it."""
    found: defaultdict[str, int] = defaultdict(int)
    for pool in stack.pools.values():
        machines = known_types(stack, pool)
        if pool.existing or not machines:
            continue
        for zone in pool.zones or stack.cloud.zones_with(machines[0]):
            found[zone] += pool.max * (2 if pool.capacity == "spot_first" else 1)
    return found
