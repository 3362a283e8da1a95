"""Subnets of a new network. The zones' letters decide their ranges, so that another zone moves nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network

from llmplatform.specs.network import RANGES, ExistingVswitches, NewNetwork

ALICLOUD_EGRESS_MBITS = 200
"""Bandwidth of a NAT gateway's address, for images of 10 GB and weights. Only traffic is charged."""

_EIGHTHS = 3
"""Prefix bits of an eighth: six private subnets use one each, the public subnets share the seventh, and the last is
free."""


@dataclass(frozen=True, kw_only=True)
class SubnetPlan:
    """Address ranges by zone."""

    public: Mapping[str, str]
    """For NAT gateways and internet-facing load balancers: 1/64 of the network each."""
    private: Mapping[str, str]
    """For nodes and pods: 1/8 of the network each."""


def plan_subnets(network: NewNetwork, zones: Sequence[str]) -> SubnetPlan:
    """The subnets of the zones in a range of /16 to /20. Raises ValueError if two zones have the same part of it."""
    parts = {zone: network.range_of(zone) for zone in zones}
    if len(set(parts.values())) < len(parts):
        raise ValueError(f"zones share an address range: {parts}; give each one of its own in network.ranges")
    eighths = list(IPv4Network(network.cidr).subnets(prefixlen_diff=_EIGHTHS))
    public = list(eighths[RANGES].subnets(prefixlen_diff=_EIGHTHS))
    return SubnetPlan(
        public={zone: str(public[part]) for zone, part in parts.items()},
        private={zone: str(eighths[part]) for zone, part in parts.items()},
    )


@dataclass(frozen=True, kw_only=True)
class VswitchPlan:
    """Address ranges of Alibaba Cloud's vSwitches by zone: different ones for nodes and pods."""

    nodes: Mapping[str, str]
    """For nodes, load balancers and NAT gateways: 1/64 of the network each."""
    pods: Mapping[str, str]
    """For pods, one address each: 1/8 of the network each."""


def plan_vswitches(network: NewNetwork, zones: Sequence[str]) -> VswitchPlan:
    """The vSwitches of the zones in a range of /16 to /20: the same ranges as `plan_subnets`.

    A vSwitch is neither public nor private: the small ranges are for nodes, the large ones for pods.
    Raises ValueError if two zones have the same part of it.
    """
    plan = plan_subnets(network, zones)
    return VswitchPlan(nodes=plan.public, pods=plan.private)


def node_ranges(network: NewNetwork | ExistingVswitches, zones: Sequence[str]) -> Mapping[str, str]:
    """Zone to the address range of nodes on Alibaba Cloud."""
    if isinstance(network, NewNetwork):
        return plan_vswitches(network, zones).nodes
    return {zone: vswitch.cidr for zone, vswitch in network.node_vswitches.items()}


def client_ranges(network: NewNetwork | ExistingVswitches, zones: Sequence[str]) -> tuple[str, ...]:
    """Address ranges of nodes and pods on Alibaba Cloud, by which its databases and caches know them."""
    if isinstance(network, NewNetwork):
        pods = plan_vswitches(network, zones).pods
    else:
        pods = {zone: vswitch.cidr for zone, vswitch in network.pod_vswitches.items()}
    return (*node_ranges(network, zones).values(), *pods.values())
