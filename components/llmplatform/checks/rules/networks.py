"""Rules about address ranges and subnets."""

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Network

from llmplatform.checks.problems import Problem
from llmplatform.checks.rules.rule import whole
from llmplatform.specs.cluster import NewEksCluster
from llmplatform.specs.network import RANGES, NewNetwork
from llmplatform.specs.stack import AlicloudStack, AwsStack, Stack

SMALLEST_PREFIX = 20
"""Each pod needs an address of a private subnet. Of a /20, divided for six zones, a zone gets 512, less what AWS
keeps."""


LARGEST_PREFIX = 16
"""AWS allows no larger VPC. On Alibaba Cloud larger ones are for several environments, and exist."""


WIDEST_PUBLIC_PREFIX = 8
"""Widest range of an organisation."""


MOST_PUBLIC_RANGES = 40
"""Source: the service quotas of EKS; this one cannot be raised."""


MOST_PRIVATE_RANGES = 50
"""Each is a rule of the cluster's security group, which holds 60 (VPC quotas), including those of EKS and ours."""


WIDEST_PUBLIC_SUM = 2**28
"""Addresses of all public ranges together: a sixteenth of the internet."""


_RESERVED = tuple(IPv4Network(block) for block in ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3"))
"""Addresses that are not on the internet (IANA's registry of special-purpose addresses); EKS refuses them."""


_PRIVATE = tuple(IPv4Network(block) for block in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))
"""RFC 1918."""


_SHARED = IPv4Network("100.64.0.0/10")
"""RFC 6598: addresses of carriers, which VPCs may use."""


_DOCKER = IPv4Network("172.17.0.0/16")
"""The range of Docker's bridge; EKS advises against it."""


def range_is_large_enough(stack: Stack) -> Iterator[Problem]:
    """A new network has room for the pods of six zones."""
    if stack.network.kind != "new":
        return
    prefix = IPv4Network(stack.network.cidr).prefixlen
    if prefix < WIDEST_PUBLIC_PREFIX:
        return  # No valid network: another rule reports it.
    if prefix > SMALLEST_PREFIX:
        yield Problem(
            "network.cidr",
            (
                f"a /{prefix} is too small: every pod takes an address of its zone's private subnet, and the "
                "range is divided for six zones"
            ),
            f"use a /{LARGEST_PREFIX} (8,192 addresses for each zone's pods), at least a /{SMALLEST_PREFIX} (512)",
        )
    if prefix < LARGEST_PREFIX:
        fault = "larger than AWS allows" if isinstance(stack, AwsStack) else "more than one environment needs"
        yield Problem("network.cidr", f"a /{prefix} is {fault}", f"use a /{LARGEST_PREFIX}")


def range_is_one_network(stack: Stack) -> Iterator[Problem]:
    """A network is no larger than the largest private range, and an existing one no smaller than the cloud's minimum.

    Source: the quotas of Amazon VPC (/16 to /28 a block). For an existing VPC of several blocks, the main one is meant.
    """
    network = IPv4Network(stack.network.cidr)
    if network.prefixlen < WIDEST_PUBLIC_PREFIX:
        yield Problem("network.cidr", f"{network} is no network's range", f"use a /{LARGEST_PREFIX}")
    elif stack.network.kind == "existing" and isinstance(stack, AwsStack) and not 16 <= network.prefixlen <= 28:
        yield Problem(
            "network.cidr", f"{network} is no range of a VPC, which is a /16 to a /28", "write the VPC's main range"
        )


def zones_have_ranges_of_their_own(stack: Stack) -> Iterator[Problem]:
    """No two zones use the same part of a new network: moving one later would replace its nodes."""
    if not isinstance(stack.network, NewNetwork):
        return
    taken: dict[int, str] = {}
    for zone in dict.fromkeys(stack.cloud.zones):
        part = stack.network.range_of(zone)
        if part in taken:
            free = set(range(RANGES)) - {stack.network.range_of(each) for each in stack.cloud.zones}
            remedy = f"write '{zone}: {min(free)}'" if free else "use fewer zones"
            yield Problem(f"network.ranges.{zone}", f"it would have the address range {part} of {taken[part]}", remedy)
        taken.setdefault(part, zone)


def range_is_private(stack: Stack) -> Iterator[Problem]:
    """A new network overlaps neither the internet nor the ranges inside a node."""
    if stack.network.kind != "new":
        return
    network = IPv4Network(stack.network.cidr)
    if network.prefixlen < WIDEST_PUBLIC_PREFIX:
        return
    if isinstance(stack, AlicloudStack) and network.overlaps(_SHARED):
        yield Problem(
            "network.cidr",
            f"{network} overlaps the {_SHARED} of Alibaba Cloud's own services",
            "use a range within 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16",
        )
    elif not any(network.overlaps(block) for block in (*_PRIVATE, _SHARED)):
        yield Problem(
            "network.cidr",
            f"{network} is not private: machines on the internet that have these addresses could not be reached",
            "use a range within 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 or 100.64.0.0/10"
            if isinstance(stack, AwsStack)
            else "use a range within 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16",
        )
    if network.prefixlen >= LARGEST_PREFIX and network.overlaps(_DOCKER):
        yield Problem(
            "network.cidr",
            f"{network} overlaps the {_DOCKER} of Docker's bridge: who runs Docker has no route to machines there",
            "use a range such as 10.20.0.0/16",
        )


def public_ranges_are_named(stack: Stack) -> Iterator[Problem]:
    """Public ranges are on the internet, and are not the whole of it."""
    # ACK's endpoint has a rule of its own.
    if not isinstance(stack.cluster, NewEksCluster):
        return
    cidrs = stack.cluster.endpoint.public_cidrs
    yield from _no_range_within_another("public_cidrs", cidrs)
    if len(cidrs) > MOST_PUBLIC_RANGES:
        yield Problem(
            "cluster.endpoint.public_cidrs",
            f"EKS takes {MOST_PUBLIC_RANGES} ranges at most, and here are {len(cidrs)}",
            "join neighbours to wider ranges, or remove some",
        )
    narrow = [each for each in map(IPv4Network, cidrs) if each.prefixlen >= WIDEST_PUBLIC_PREFIX]
    if sum(each.num_addresses for each in narrow) >= WIDEST_PUBLIC_SUM:
        yield Problem(
            "cluster.endpoint.public_cidrs",
            "together they open the cluster's API to a good part of the internet",
            "name the ranges that 'pulumi up' and administrators come from, such as 203.0.113.0/24",
        )
    for index, cidr in enumerate(cidrs):
        path, public = f"cluster.endpoint.public_cidrs[{index}]", IPv4Network(cidr)
        if public.prefixlen < WIDEST_PUBLIC_PREFIX:
            yield Problem(
                path,
                f"{public} opens the cluster's API to the world",
                "name the ranges that 'pulumi up' and administrators come from, such as 203.0.113.0/24",
            )
        elif any(public.overlaps(block) for block in _RESERVED):
            yield Problem(
                path,
                f"{public} has reserved addresses, which EKS refuses here",
                "name the ranges that 'pulumi up' and administrators come from, such as 203.0.113.0/24",
            )
        elif any(public.overlaps(block) for block in (*_PRIVATE, _SHARED)):
            yield Problem(
                path,
                f"{public} has private addresses, which EKS refuses here",
                "write it below private_cidrs, or the public range that these machines leave from",
            )


def private_ranges_are_of_others(stack: Stack) -> Iterator[Problem]:
    """Ranges for the private endpoint are in connected networks, and not in this one."""
    if not isinstance(stack.cluster, NewEksCluster):
        return
    yield from _no_range_within_another("private_cidrs", stack.cluster.endpoint.private_cidrs)
    if len(stack.cluster.endpoint.private_cidrs) > MOST_PRIVATE_RANGES:
        yield Problem(
            "cluster.endpoint.private_cidrs",
            f"the cluster's security group has room for {MOST_PRIVATE_RANGES} ranges, and here are "
            f"{len(stack.cluster.endpoint.private_cidrs)}",
            "join neighbours to wider ranges, or remove some",
        )
    for index, cidr in enumerate(stack.cluster.endpoint.private_cidrs):
        path, private = f"cluster.endpoint.private_cidrs[{index}]", IPv4Network(cidr)
        if private.prefixlen < WIDEST_PUBLIC_PREFIX:
            yield Problem(
                path,
                f"{private} lets in whatever is connected, now or later",
                "name the ranges of the networks that administrators come from, such as 10.250.0.0/16",
            )
        elif private.subnet_of(IPv4Network(stack.network.cidr)):
            yield Problem(path, f"{private} lies in the network itself, which always reaches the API", "remove it")
        elif private.subnet_of(IPv4Network(stack.cluster.service_cidr)):
            yield Problem(
                path,
                f"{private} lies in the {stack.cluster.service_cidr} of Services: no machine has such an address",
                "write the range of the network that is connected, or another cluster.service_cidr",
            )
        elif IPv4Network(stack.cluster.service_cidr).subnet_of(private):
            yield Problem(
                path,
                f"{private} contains the {stack.cluster.service_cidr} of Services, which hide the machines there",
                f"write the ranges of the networks that are connected, or cluster.service_cidr: {_apart(private)}",
            )


def _no_range_within_another(key: str, cidrs: Sequence[str]) -> Iterator[Problem]:
    for index, cidr in enumerate(cidrs):
        path, others = f"cluster.endpoint.{key}[{index}]", [each for each in cidrs if each != cidr]
        wider = next((each for each in others if IPv4Network(cidr).subnet_of(IPv4Network(each))), None)
        if wider and IPv4Network(wider).prefixlen > WIDEST_PUBLIC_PREFIX:
            yield Problem(path, f"'{cidr}' lies in '{wider}', which is there as well", "remove one")


def services_lie_outside_the_network(stack: Stack) -> Iterator[Problem]:
    """Services have a private range outside the network, of a size that the cloud accepts."""
    if stack.cluster.kind != "new":
        return
    services, network = IPv4Network(stack.cluster.service_cidr), IPv4Network(stack.network.cidr)
    if network.prefixlen < WIDEST_PUBLIC_PREFIX:
        return
    if services.overlaps(network):
        yield Problem(
            "cluster.service_cidr",
            f"{services} overlaps the network's {network}: a Service would hide a machine",
            f"use {_apart(network)}, or another network.cidr",
        )
    service, largest = ("EKS", 12) if isinstance(stack, AwsStack) else ("ACK", 16)
    if not largest <= services.prefixlen <= 24 or not any(services.subnet_of(block) for block in _PRIVATE):
        yield Problem(
            "cluster.service_cidr",
            f"{service} does not take {services} for Services",
            f"use a /{largest} to /24 within 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16",
        )


def _apart(network: IPv4Network) -> str:
    ranges = ("172.20.0.0/16", "10.100.0.0/16", "192.168.128.0/20")
    return next(block for block in ranges if not IPv4Network(block).overlaps(network))


PROBLEMS = whole(
    range_is_one_network,
    range_is_large_enough,
    range_is_private,
    zones_have_ranges_of_their_own,
    public_ranges_are_named,
    private_ranges_are_of_others,
    services_lie_outside_the_network,
)
