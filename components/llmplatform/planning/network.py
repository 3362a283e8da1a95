"""Subnets of a network of our own: pinned to the zones' letters, so that adding a zone moves nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network

ZONES = 6
"""Zones that there is room for: no region of AWS has more."""

_EIGHTHS = 3
"""Prefix bits of an eighth: six private subnets take six of them, the public ones share the seventh; the last
stays free."""


@dataclass(frozen=True, kw_only=True)
class SubnetPlan:
    """Address ranges by zone."""

    public: Mapping[str, str]
    """For NAT gateways and internet-facing load balancers: 1/64 of the network each."""
    private: Mapping[str, str]
    """For nodes and pods: 1/8 of the network each."""


def plan_subnets(cidr: str, zones: Sequence[str]) -> SubnetPlan:
    """The subnets of the zones in a range of /16 to /20. Raises ValueError for more than six zones.

    Zones a to f have their own ranges. Where letters go further (Alibaba Cloud), a zone takes the first free range
    after its own.
    """
    if len(zones) > ZONES:
        raise ValueError(f"{len(zones)} zones; there is room for {ZONES}")
    eighths = list(IPv4Network(cidr).subnets(prefixlen_diff=_EIGHTHS))
    public = list(eighths[ZONES].subnets(prefixlen_diff=_EIGHTHS))
    slots = _slots(zones)
    return SubnetPlan(
        public={zone: str(public[slots[zone]]) for zone in zones},
        private={zone: str(eighths[slots[zone]]) for zone in zones},
    )


@dataclass(frozen=True, kw_only=True)
class VswitchPlan:
    """Address ranges of Alibaba Cloud's vSwitches by zone: nodes and pods take theirs from different ones."""

    nodes: Mapping[str, str]
    """For nodes, load balancers and NAT gateways: 1/64 of the network each."""
    pods: Mapping[str, str]
    """For pods, one address each: 1/8 of the network each."""


def plan_vswitches(cidr: str, zones: Sequence[str]) -> VswitchPlan:
    """The vSwitches of the zones in a range of /16 to /20: the same ranges that `plan_subnets` gives.

    A vSwitch is neither public nor private: what needs few addresses has the small ranges, pods have the large ones.
    Raises ValueError for more than six zones.
    """
    plan = plan_subnets(cidr, zones)
    return VswitchPlan(nodes=plan.public, pods=plan.private)


def _slots(zones: Sequence[str]) -> Mapping[str, int]:
    slots: dict[str, int] = {}
    for zone in sorted(zones):
        wanted = (ord(zone[-1]) - ord("a")) % ZONES
        taken = set(slots.values())
        slots[zone] = next(slot % ZONES for slot in range(wanted, wanted + ZONES) if slot % ZONES not in taken)
    return slots
