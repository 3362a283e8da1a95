"""Quotas: vCPUs of the pools by family and capacity type, public addresses, networks.

Sources: "On-Demand Instance quotas" and "Spot Instance quotas" in the EC2 user guide, whose tables link each quota's
code; "Amazon VPC quotas" in the VPC user guide. Whether P6 machines count to the spot quota of P5 is assumed.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from llmplatform.catalog.tags import ENVIRONMENT_TAG
from llmplatform.doctor.checks import Absent, Ask, Check, Denied, Finding, NoAnswer, green, red, yellow
from llmplatform.doctor.wanted import Wanted
from llmplatform.planning.pools import PoolPlan

STANDARD = frozenset("acdhimrtz")
"""First letters of the families in the standard quota."""
CODES: Mapping[str, tuple[str, str]] = {
    "standard": ("L-1216C47A", "L-34B43A08"),
    "g": ("L-DB2E81BA", "L-3819A6DF"),
    "vt": ("L-DB2E81BA", "L-3819A6DF"),
    "p": ("L-417A185B", "L-7212CCBC"),
    "p5": ("L-417A185B", "L-C4BD4855"),
    "f": ("L-74FC7D96", "L-88CF9481"),
    "x": ("L-7295265B", "L-E3A00192"),
    "inf": ("L-1945791B", "L-B5D1601B"),
    "trn": ("L-2C3B7624", "L-6B0D517C"),
    "dl": ("L-6E869C2A", "L-85EED4F7"),
}
"""Kind of family to the codes of its quotas: on demand, spot. Both count vCPUs."""
ADDRESSES, NETWORKS = "L-0263D0A3", "L-F678F1CE"
_QUOTAS = ("servicequotas:GetServiceQuota", "servicequotas:GetAWSDefaultServiceQuota")


@dataclass(frozen=True, kw_only=True)
class Need:
    """vCPUs that the pools need of one quota."""

    code: str
    least: int
    """With every group at its minimum; below it, required nodes are missing."""
    most: int
    """With every group full."""
    pools: tuple[str, ...]


def family_kind(instance_type: str) -> str | None:
    """The quotas of a machine; None if it has none."""
    family = instance_type.partition(".")[0]
    letters = re.match(r"[a-z]+", family)
    kind = letters[0] if letters else ""
    if kind in ("inf", "trn", "dl", "vt"):
        return kind
    if kind == "hpc" or kind.startswith(("u", "mac")):
        return None
    if kind == "p" and int(family[1]) >= 5:
        return "p5"
    first = kind[:1]
    return "standard" if first in STANDARD else first if first in CODES else None


def needs(pools: Iterable[PoolPlan]) -> list[Need]:
    """The pools' need of each quota."""
    least: dict[str, int] = defaultdict(int)
    most: dict[str, int] = defaultdict(int)
    names: dict[str, list[str]] = defaultdict(list)
    for pool in pools:
        kind = family_kind(pool.shape.name)
        for group in pool.groups if kind else ():
            code = CODES[kind or ""][group.capacity == "spot"]
            least[code] += group.minimum * pool.shape.vcpus
            most[code] += group.maximum * pool.shape.vcpus
            names[code].append(group.name)
    return [Need(code=code, least=least[code], most=most[code], pools=tuple(names[code])) for code in most]


def vcpu_finding(need: Need, name: str, limit: float) -> Finding:
    """The finding for a quota and the pools that need it."""
    needed = f"{', '.join(need.pools)} need {need.least} at least, {need.most} when full"
    said = f"{name} ({need.code}): {limit:.0f} vCPUs; {needed}"
    ask_for = (
        f"`aws service-quotas request-service-quota-increase --service-code ec2 --quota-code {need.code} "
        f"--desired-value {need.most}`, or lower the pools' bounds"
    )
    if limit < need.least:
        return red(f"{said}: nodes that have to be there cannot be", ask_for)
    return yellow(f"{said}: the pools cannot grow to their `max`", ask_for) if limit < need.most else green(said)


def _vcpus(wanted: Wanted, ask: Ask) -> Iterator[Finding]:
    for need in needs(wanted.made):
        name, limit = quota(ask, "ec2", need.code)
        yield vcpu_finding(need, name, limit)
    if not wanted.made:
        yield green("no nodes of its own")


def quota(ask: Ask, service: str, code: str) -> tuple[str, float]:
    """Name and value of a quota: the account's, or the default."""
    try:
        found = ask(_QUOTAS[0], ServiceCode=service, QuotaCode=code)["Quota"]
    except (Absent, NoAnswer) as first:
        try:
            found = ask(_QUOTAS[1], ServiceCode=service, QuotaCode=code)["Quota"]
        except (Absent, Denied, NoAnswer):
            raise NoAnswer(str(first)) from None
    return found["QuotaName"], found["Value"]


def count_finding(name: str, code: str, limit: float, used: int, needed: int, service: str) -> Finding:
    """The finding for a quota of whole objects."""
    said = f"{name} ({code}): {used} of {limit:.0f} in use; {needed} more needed"
    if used + needed <= limit:
        return green(said)
    return red(
        said,
        f"`aws service-quotas request-service-quota-increase --service-code {service} --quota-code {code} "
        f"--desired-value {used + needed}`, or release unused ones",
    )


def _network(wanted: Wanted, ask: Ask) -> Iterator[Finding]:
    if wanted.new_network is None:
        yield green("an existing network needs neither addresses nor a network more")
        return
    ours = {"Key": ENVIRONMENT_TAG, "Value": wanted.stack.environment.name}
    addresses = [each for each in ask("ec2:DescribeAddresses")["Addresses"] if ours not in each.get("Tags", [])]
    name, limit = quota(ask, "ec2", ADDRESSES)
    yield count_finding(name, ADDRESSES, limit, len(addresses), wanted.nat_gateways, "ec2")
    networks = [each for each in ask("ec2:DescribeVpcs")["Vpcs"] if ours not in each.get("Tags", [])]
    name, limit = quota(ask, "vpc", NETWORKS)
    yield count_finding(name, NETWORKS, limit, len(networks), 1, "vpc")


CHECKS = (
    Check(
        name="vcpu-quotas",
        title="vCPU quotas of the pools",
        finds="a pool's first nodes never come, and `pulumi up` fails after up to an hour",
        actions=_QUOTAS,
        provider="aws",
        run=_vcpus,
    ),
    Check(
        name="network-quotas",
        title="quotas of addresses and networks",
        finds="the network stops half-way",
        actions=(*_QUOTAS, "ec2:DescribeAddresses", "ec2:DescribeVpcs"),
        provider="aws",
        run=_network,
    ),
)
