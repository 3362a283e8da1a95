"""Rules about accounts, regions and zones."""

from collections.abc import Iterator, Sequence

from llmplatform.catalog import InstanceType, gpu_zones, instance_types, regions
from llmplatform.checks.problems import Problem, listed, suggestion
from llmplatform.checks.rules.placement import known_types
from llmplatform.checks.rules.rule import each_pool, whole
from llmplatform.specs.network import NewNetwork
from llmplatform.specs.stack import AwsStack, Stack


def region_is_known(stack: Stack) -> Iterator[Problem]:
    """The region exists in the cloud."""
    known = regions.names(stack.cloud.provider)
    if stack.cloud.region not in known:
        yield Problem(
            "cloud.region",
            f"'{stack.cloud.region}' is not a region of {stack.cloud.provider}",
            suggestion(stack.cloud.region, known),
        )


def zones_are_in_region(stack: Stack) -> Iterator[Problem]:
    """Each zone belongs to the region."""
    zones = stack.cloud.zones
    if stack.cloud.region not in regions.names(stack.cloud.provider):
        return
    for index, zone in enumerate(zones):
        right = f"{_zone_stem(stack)}{zone[-1]}"
        if zone != right:
            yield Problem(
                f"cloud.zones[{index}]",
                f"'{zone}' is not in region '{stack.cloud.region}'",
                f"write a zone like '{right}', or change the region",
            )


def home_zone_is_the_environments(stack: Stack) -> Iterator[Problem]:
    """The home zone is one of the environment's."""
    home = stack.cloud.home_zone
    if home is not None and home not in stack.cloud.zones:
        yield Problem(
            "cloud.home_zone",
            f"'{home}' is not a zone of the environment",
            f"use {listed(stack.cloud.zones)}, or add it to cloud.zones",
        )


def _zone_stem(stack: Stack) -> str:
    """The prefix of a region's zones. Alibaba Cloud adds a hyphen if the region ends in a letter."""
    region = stack.cloud.region
    return region if region[-1].isdigit() else f"{region}-"


def pool_zones_are_the_environments(stack: Stack) -> Iterator[Problem]:
    """A pool uses zones in which the environment has a subnet."""
    for name, pool in stack.pools.items():
        yield from zones_of_the_environment(f"pools.{name}.zones", pool.zones, stack)


def regions_sell_the_gpus(stack: Stack) -> Iterator[Problem]:
    """The region sells a pool's GPU machines, as far as the catalog or the file knows."""
    known = gpu_zones.families(stack.cloud.provider, stack.cloud.region)
    if not isinstance(stack, AwsStack) or known is None:
        return
    for name, pool in stack.pools.items():
        families = {machine.family: None for machine in known_types(stack, pool) if machine.gpu}
        for family in families:
            if family not in known and family not in stack.cloud.gpu_zones and not pool.existing:
                yield Problem(
                    f"pools.{name}.instance_types",
                    f"{family} machines are not known to be sold in {stack.cloud.region}, whose families with GPUs are "
                    f"{listed(sorted(known), 'and')}",
                    f"use one of them, or write cloud.gpu_zones.{family} if your account is offered them there",
                )


def zones_that_are_added_exist(stack: Stack) -> Iterator[Problem]:
    """Zones that a file adds for a machine family are the environment's, and the family is known."""
    provider = stack.cloud.provider
    families = sorted({instance_types.get(provider, name).family for name in instance_types.names(provider)})
    for family, zones in stack.cloud.gpu_zones.items():
        if family not in families:
            yield Problem(
                f"cloud.gpu_zones.{family}",
                f"the catalog has no machines of family '{family}'",
                suggestion(family, families, "remove it"),
            )
        yield from zones_of_the_environment(f"cloud.gpu_zones.{family}", zones, stack)


def zones_sell_the_gpus(stack: Stack) -> Iterator[Problem]:
    """A pool lies in zones that sell its machines, as far as the catalog or the file knows."""
    for name, pool in stack.pools.items():
        for machine in known_types(stack, pool):
            sold = stack.cloud.zones_with(machine)
            if not pool.existing:
                yield from _unsold(stack, name, machine, pool.zones, sold)


def _unsold(
    stack: Stack, name: str, machine: InstanceType, zones: tuple[str, ...], sold: tuple[str, ...]
) -> Iterator[Problem]:
    otherwise = f"add the zone to cloud.gpu_zones.{machine.family} if your account is offered them there"
    if not sold:
        yield Problem(
            f"pools.{name}.instance_types",
            f"none of the environment's zones is known to sell {machine.family} machines",
            f"use other zones or machines, or {otherwise}",
        )
        return
    for index, zone in enumerate(zones):
        if zone in stack.cloud.zones and zone not in sold:
            yield Problem(
                f"pools.{name}.zones[{index}]",
                f"'{zone}' is not known to sell {machine.family} machines",
                f"use {listed(sold)}, or {otherwise}",
            )


def zones_are_known(stack: Stack) -> Iterator[Problem]:
    """A warning: zone letters of AWS differ by account, but there are no more letters than zones in a region."""
    last = gpu_zones.last_zone(stack.cloud.provider, stack.cloud.region)
    for index, zone in enumerate(stack.cloud.zones):
        if last and zone[-1] > last:
            yield Problem(
                f"cloud.zones[{index}]",
                f"'{zone}' is not known to exist: the zones of {stack.cloud.region} end with '{last}'",
                "compare it with aws ec2 describe-availability-zones",
            )


def ranges_are_of_the_zones(stack: Stack) -> Iterator[Problem]:
    """`network.ranges` names only zones of the environment."""
    if not isinstance(stack.network, NewNetwork):
        return
    for zone in stack.network.ranges:
        if zone not in stack.cloud.zones:
            yield Problem(
                f"network.ranges.{zone}",
                f"'{zone}' is not a zone of the environment",
                f"use {listed(stack.cloud.zones)}, or remove it",
            )


def zones_of_the_environment(path: str, zones: Sequence[str], stack: Stack) -> Iterator[Problem]:
    """A list of zones, at `path`, names only zones of the environment."""
    for index, zone in enumerate(zones):
        if zone not in stack.cloud.zones:
            yield Problem(
                f"{path}[{index}]",
                f"'{zone}' is not a zone of the environment",
                f"use {listed(stack.cloud.zones)}, or add it to cloud.zones",
            )


PROBLEMS = (
    *whole(region_is_known, zones_are_in_region, home_zone_is_the_environments),
    *each_pool(pool_zones_are_the_environments),
    *whole(zones_that_are_added_exist),
    *each_pool(regions_sell_the_gpus, zones_sell_the_gpus),
    *whole(ranges_are_of_the_zones),
)
WARNINGS = whole(zones_are_known)
