"""Places of AWS: letters and ids of zones, missing offers of a zone, and the vCPU quotas of machines."""

import re
from collections.abc import Mapping, Sequence

from llmplatform_sandbox.cloud.account import Account
from llmplatform_sandbox.cloud.aws.machines import offered
from llmplatform_sandbox.cloud.faults import Faults

EKS = "eks"
"""Control planes, in the naming of `not-offered`."""
CLOSED: Mapping[str, str] = {"us-east-1": "use1-az3", "us-west-1": "usw1-az2", "ca-central-1": "cac1-az3"}
"""Zones in which EKS takes no subnet of a cluster. EKS user guide, network requirements for VPC and subnets."""
_USUAL: Mapping[str, str] = {"us-east-1": "e", "us-west-1": "c", "ca-central-1": "c"}
"""Letter of the closed zone unless a fault says otherwise. Assumed: each account has its own mapping."""
_ZONE = re.compile(r"^(?P<region>[a-z]{2}(-[a-z]+)+-\d)(?P<letter>[a-z])$")
_DIRECTION = re.compile(r"north|south|east|west|central")
_QUOTAS: Sequence[tuple[str, str, str]] = (
    (r"^(g|vt)\d", "L-DB2E81BA", "L-3819A6DF"),
    (r"^p5", "L-417A185B", "L-C4BD4855"),
    (r"^p\d", "L-417A185B", "L-7212CCBC"),
    (r"^[acdhimrtz]\d", "L-1216C47A", "L-34B43A08"),
)
"""Family → codes of its on-demand and spot quota, in vCPUs. Service Quotas console, Amazon EC2, "Running On-Demand ...
instances" and "All ... Spot Instance Requests"."""


def zone(name: str) -> bool:
    """Whether a zone may have that name."""
    return _ZONE.match(name) is not None


def quota(code: str) -> bool:
    """Whether a quota has that code."""
    return any(code in codes for _, *codes in _QUOTAS)


def offer(name: str) -> bool:
    """Whether `g5.2xlarge@eu-west-1a`, `ecr.api@eu-west-1a` or `eks@us-east-1a` can be missing."""
    what, _, where = name.partition("@")
    found = _ZONE.match(where)
    if found is None or not re.match(r"^[a-z0-9.-]+$", what):
        return False
    return found["region"] in CLOSED if what == EKS else offered(what) or not re.match(r"^[a-z]+\d", what)


def zone_id(faults: Faults, name: str) -> str:
    """`euw1-az2` of `eu-west-1b`: the zone of a letter in this account."""
    found = _ZONE.match(name)
    if found is None:
        return name
    region, letter = found["region"], found["letter"]
    closed, usual = CLOSED.get(region), _closed_letter(faults, region)
    if closed and letter == usual:
        return closed
    country, *middle, number = region.split("-")
    short = country + "".join(_short(part) for part in middle) + number
    ids = [f"{short}-az{index}" for index in range(1, 27)]
    others = [one for one in "abcdefghijklmnopqrstuvwxyz" if not closed or one != usual]
    return dict(zip(others, [one for one in ids if one != closed], strict=False))[letter]


def lacks(faults: Faults, what: str, zone_name: str) -> bool:
    """Whether a zone lacks these machines or this service's endpoints."""
    return faults.active("not-offered", f"{what}@{zone_name}")


def takes_control_planes(faults: Faults, zone_name: str) -> bool:
    """Whether EKS accepts a subnet of a cluster in a zone."""
    return zone_id(faults, zone_name) not in CLOSED.values()


def no_quota(account: Account, kind: str, *, spot: bool) -> str:
    """EC2's answer to a request for a type whose quota is zero; empty if it is not."""
    for family, on_demand, of_spot in _QUOTAS:
        if re.match(family, kind):
            code = of_spot if spot else on_demand
            if not account.faults.active("no-quota", code):
                return ""
            if spot:
                return f"MaxSpotInstanceCountExceeded: Max spot instance count exceeded (quota {code})"
            return (
                "VcpuLimitExceeded: You have requested more vCPU capacity than your current vCPU limit of 0 allows for "
                f"the instance bucket that the specified instance type belongs to (quota {code})"
            )
    return ""


def _closed_letter(faults: Faults, region: str) -> str:
    struck = [one for one in "abcdefghijklmnopqrstuvwxyz" if lacks(faults, EKS, f"{region}{one}")]
    return struck[0] if struck else _USUAL.get(region, "")


def _short(part: str) -> str:
    """`se` of southeast, `g` of gov."""
    found = _DIRECTION.findall(part)
    return "".join(one[0] for one in found) if found else part[0]
