"""Machines: stock in the zones, quotas of the account, and prices of spot machines.

Source: ECS API reference, DescribeAvailableResource, DescribeAccountAttributes, DescribeSpotPriceHistory and
DescribeZones. The quota is that of a region; families may have lower ones, which no action returns.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from llmplatform.doctor.checks import Ask, Check, Finding, green, red, yellow
from llmplatform.doctor.on_alicloud.caller import ATTRIBUTES, attributes
from llmplatform.doctor.wanted import Wanted
from llmplatform.planning.pools import GroupPlan, PoolPlan

ZONES, STOCK, PRICES = "ecs:DescribeZones", "ecs:DescribeAvailableResource", "ecs:DescribeSpotPriceHistory"
ENOUGH, LOW = "WithStock", "ClosedWithStock"
Stock = Mapping[tuple[str, str], str]
"""Machine and zone to its stock."""


def _zones(wanted: Wanted, ask: Ask) -> Iterator[Finding]:
    cloud = wanted.stack.cloud
    found = ask(ZONES, RegionId=cloud.region)["Zones"]["Zone"]
    known = {each["ZoneId"] for each in found if each.get("ZoneType", "AvailabilityZone") == "AvailabilityZone"}
    for zone in cloud.zones:
        if zone in known:
            yield green(zone)
        else:
            yield red(
                f"{zone}: this account sees no such zone",
                f"choose among {', '.join(sorted(known)) or 'none'} in cloud.zones",
            )


def stock_of(answer: Mapping[str, Any]) -> Stock:
    """The stock in an answer, by machine and zone."""
    found: dict[tuple[str, str], str] = {}
    for zone in (answer.get("AvailableZones") or {}).get("AvailableZone") or ():
        for resource in (zone.get("AvailableResources") or {}).get("AvailableResource") or ():
            for each in (resource.get("SupportedResources") or {}).get("SupportedResource") or ():
                found[each["Value"], zone["ZoneId"]] = each.get("StatusCategory") or each.get("Status", "")
    return found


def stock_finding(pool: PoolPlan, group: GroupPlan, stock: Stock) -> Finding:
    """Whether a group's machines are in stock in its zones."""
    machines = pool.spec.instance_types
    said = f"pool {pool.name}, {group.capacity.replace('_', ' ')}: "
    enough = sorted({zone for machine in machines for zone in group.zones if stock.get((machine, zone)) == ENOUGH})
    low = sorted({zone for machine in machines for zone in group.zones if stock.get((machine, zone)) == LOW})
    elsewhere = sorted({zone for (machine, zone), left in stock.items() if machine in machines and left == ENOUGH})
    within = [zone for zone in pool.zones if zone in elsewhere]
    remedy = (
        f"write `zones: [{', '.join(within)}]` into pools.{pool.name}, or use another type"
        if within
        else f"add {', '.join(elsewhere)} to cloud.zones and pools.{pool.name}.zones, or use another type"
        if elsewhere
        else f"use another type in pools.{pool.name}.instance_types, or another region"
    )
    if enough:
        return green(f"{said}in stock in {', '.join(enough)}")
    if low:
        return yellow(f"{said}{', '.join(machines)} is low in stock in {', '.join(low)}", remedy)
    text = f"{said}{', '.join(machines)} is not in stock in {', '.join(group.zones)}"
    return red(text, remedy) if group.minimum else yellow(text, remedy)


def _stock(wanted: Wanted, ask: Ask) -> Iterator[Finding]:
    for pool in wanted.made:
        for group in pool.groups:
            stock: dict[tuple[str, str], str] = {}
            for machine in pool.spec.instance_types:
                answer = ask(
                    STOCK,
                    RegionId=wanted.stack.cloud.region,
                    DestinationResource="InstanceType",
                    InstanceChargeType="PostPaid",
                    SpotStrategy="SpotAsPriceGo" if group.capacity == "spot" else "NoSpot",
                    InstanceType=machine,
                )
                stock.update(stock_of(answer))
            yield stock_finding(pool, group, stock)
    if not wanted.made:
        yield green("no nodes of its own")


def quota_finding(what: str, limit: int, used: int, least: int, most: int) -> Finding:
    """Whether vCPUs of one capacity type suffice. Existing nodes of the environment already count as used."""
    said = f"vCPUs {what}: {used} of {limit} in use; the pools need {least} at least, {most} when full"
    remedy = f"ask for {most + used} in the quota centre (ECS), or lower the pools' bounds"
    if limit < least:
        return red(said, remedy)
    return yellow(said, remedy) if limit - used < most else green(said)


def _quotas(wanted: Wanted, ask: Ask) -> Iterator[Finding]:
    found = attributes(ask, wanted.stack.cloud.region)
    for capacity, key, what in (("on_demand", "postpaid", "paid by use"), ("spot", "spot", "of spot machines")):
        groups = [(pool, group) for pool in wanted.made for group in pool.groups if group.capacity == capacity]
        limit = found.get(f"max-{key}-instance-vcpu-count")
        if not groups:
            continue
        if limit is None or not limit.isdigit():
            yield yellow(f"vCPUs {what}: the account does not say how many", "look at the quota centre (ECS)")
            continue
        used = found.get(f"used-{key}-instance-vcpu-count", "0")
        least = sum(pool.shape.vcpus * group.minimum for pool, group in groups)
        most = sum(pool.shape.vcpus * group.maximum for pool, group in groups)
        yield quota_finding(what, int(limit), int(used) if used.isdigit() else 0, least, most)
    if not wanted.made:
        yield green("no nodes of its own")


def price_finding(
    pool: str, machine: str, limit: float, prices: Sequence[Mapping[str, Any]], *, spot_only: bool
) -> Finding:
    """Whether spot machines cost less than a pool pays. `prices`: as in the answer."""
    newest: dict[str, Mapping[str, Any]] = {}
    for each in sorted(prices, key=lambda one: str(one.get("Timestamp", ""))):
        newest[each["ZoneId"]] = each
    if not newest:
        return yellow(
            f"pool {pool}: no price of spot machines of {machine} in its zones is known",
            "look whether they are sold as spot machines there",
        )
    now = {zone: float(each["SpotPrice"]) for zone, each in newest.items()}
    shown = ", ".join(f"{price:.3f} in {zone}" for zone, price in sorted(now.items()))
    said = f"pool {pool}: {machine} costs {shown} as a spot machine; the limit is {limit:.3f}"
    raise_it = f"raise pools.{pool}.spot_price_limit above {min(now.values()):.3f}, or leave it out"
    if limit >= min(now.values()):
        return green(said)
    if spot_only:
        return red(f"{said}: the pool stays empty", raise_it)
    return yellow(f"{said}: everything is bought on demand", raise_it)


def _prices(wanted: Wanted, ask: Ask) -> Iterator[Finding]:
    limits = [
        (pool, group, machine, float(limit))
        for pool in wanted.made
        for group in pool.groups
        for machine, limit in group.price_limits.items()
    ]
    for pool, group, machine, limit in limits:
        prices: list[Mapping[str, Any]] = []
        for zone in group.zones:
            answer = ask(
                PRICES,
                RegionId=wanted.stack.cloud.region,
                NetworkType="vpc",
                InstanceType=machine,
                ZoneId=zone,
                OSType="linux",
            )
            prices += (answer.get("SpotPrices") or {}).get("SpotPriceType") or ()
        yield price_finding(pool.name, machine, limit, prices, spot_only=pool.spec.capacity == "spot")
    if not limits:
        yield green("no pool has a limit")


CHECKS = (
    Check(
        name="zones",
        title="zones",
        finds="the network is refused",
        actions=(ZONES,),
        provider="alicloud",
        run=_zones,
    ),
    Check(
        name="stock",
        title="stock of the pools' machines in their zones",
        finds="a pool's first nodes never come",
        actions=(STOCK,),
        provider="alicloud",
        run=_stock,
    ),
    Check(
        name="vcpu-quotas",
        title="vCPU quotas of the pools",
        finds="a pool's first nodes never come",
        actions=(ATTRIBUTES,),
        provider="alicloud",
        run=_quotas,
    ),
    Check(
        name="spot-prices",
        title="prices of spot machines against the pools' limits",
        finds="a pool is bought on demand at the full price, or stays empty",
        actions=(PRICES,),
        provider="alicloud",
        run=_prices,
    ),
)
