"""Rules about the subnets and vSwitches of an existing network."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from ipaddress import IPv4Network

from llmplatform.checks.problems import Problem
from llmplatform.checks.rules.networks import LARGEST_PREFIX
from llmplatform.checks.rules.rule import whole
from llmplatform.specs.network import ExistingSubnets, ExistingVswitches, Vswitch
from llmplatform.specs.stack import AlicloudStack, Stack

SMALLEST_VSWITCH = 29


def existing_network_serves_every_zone(stack: Stack) -> Iterator[Problem]:
    """An existing network has a private subnet in each zone, and no subnet is listed twice."""
    network = stack.network
    if not isinstance(network, ExistingSubnets):
        return
    for zone in stack.cloud.zones:
        if zone not in network.private_subnets:
            yield Problem(
                "network.private_subnets",
                f"there is none for zone '{zone}'",
                f"add '{zone}: subnet-…', or remove the zone from cloud.zones",
            )
    for key, subnets in (("private_subnets", network.private_subnets), ("public_subnets", network.public_subnets)):
        for zone in subnets:
            if zone not in stack.cloud.zones:
                yield Problem(
                    f"network.{key}.{zone}",
                    f"'{zone}' is not a zone of the environment",
                    "add it to cloud.zones, or remove it here",
                )
    yield from _each_subnet_once(
        [(f"network.private_subnets.{zone}", subnet) for zone, subnet in network.private_subnets.items()]
        + [(f"network.public_subnets.{zone}", subnet) for zone, subnet in network.public_subnets.items()]
    )


def _each_subnet_once(subnets: list[tuple[str, str]]) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for path, subnet in subnets:
        if subnet in seen:
            yield Problem(
                path,
                f"'{subnet}' is {seen[subnet]} as well",
                "a subnet lies in one zone and is private or public: write the other id",
            )
        seen.setdefault(subnet, path)


def existing_vswitches_serve_every_zone(stack: Stack) -> Iterator[Problem]:
    """An existing network has a vSwitch for nodes in each zone, and for pods in each or in none."""
    network = stack.network
    if not isinstance(stack, AlicloudStack) or not isinstance(network, ExistingVswitches):
        return
    for key, switches in vswitches_by_key(network).items():
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
    for key, switches in vswitches_by_key(network).items():
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
    for key, switches in vswitches_by_key(network).items():
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


def vswitches_by_key(network: ExistingVswitches) -> Mapping[str, Mapping[str, Vswitch]]:
    """The vSwitches of an existing network, by key of the section and by zone."""
    return {"node_vswitches": network.node_vswitches, "pod_vswitches": network.pod_vswitches}


def subnet_ranges(network: ExistingSubnets) -> Mapping[str, IPv4Network]:
    """The readable ranges; in a faulty file, some may be missing."""
    found: dict[str, IPv4Network] = {}
    for zone, cidr in network.private_subnet_cidrs.items():
        with suppress(ValueError):
            found[zone] = IPv4Network(cidr)
    return found


def subnet_ranges_are_the_networks(stack: Stack) -> Iterator[Problem]:
    """The ranges of existing subnets belong to named subnets, and lie apart within the VPC."""
    network = stack.network
    if not isinstance(network, ExistingSubnets):
        return
    ranges = subnet_ranges(network)
    for zone, cidr in ranges.items():
        path = f"network.private_subnet_cidrs.{zone}"
        if zone not in network.private_subnets:
            yield Problem(path, "network.private_subnets has none in this zone", "remove it, or name the subnet there")
        other = next((each for each, range_ in ranges.items() if each < zone and range_.overlaps(cidr)), None)
        if other:
            yield Problem(path, f"{cidr} overlaps that of {other}", "write the range of each subnet")
        if not 16 <= cidr.prefixlen <= 28:
            yield Problem(path, f"{cidr} is no subnet's range, which is a /16 to a /28", "write the subnet's range")


PROBLEMS = whole(
    subnet_ranges_are_the_networks,
    existing_network_serves_every_zone,
    existing_vswitches_serve_every_zone,
    vswitches_lie_apart,
)
