"""Rules about accounts, regions and zones."""

from collections.abc import Iterator

from llmplatform.catalog import regions
from llmplatform.specs.cluster import NewAckCluster, NewEksCluster
from llmplatform.specs.problems import Problem, listed, suggestion
from llmplatform.specs.stack import AwsStack, Stack


def region_is_known(stack: Stack) -> Iterator[Problem]:
    """The region is one of the cloud's."""
    known = regions.names(stack.cloud.provider)
    if stack.cloud.region not in known:
        yield Problem(
            "cloud.region",
            f"'{stack.cloud.region}' is not a region of {stack.cloud.provider}",
            suggestion(stack.cloud.region, known),
        )


def zones_are_in_region(stack: Stack) -> Iterator[Problem]:
    """Each zone belongs to the region and is named once."""
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
        if zone in zones[:index]:
            yield Problem(f"cloud.zones[{index}]", f"'{zone}' is written twice", "remove one")


def home_zone_is_the_environments(stack: Stack) -> Iterator[Problem]:
    """What lies in a single zone lies in one of the environment's."""
    home = stack.cloud.home_zone
    if home is not None and home not in stack.cloud.zones:
        yield Problem(
            "cloud.home_zone",
            f"'{home}' is not a zone of the environment",
            f"use {listed(stack.cloud.zones)}, or add it to cloud.zones",
        )


def _zone_stem(stack: Stack) -> str:
    """What zones begin with. Alibaba Cloud sets the letter apart where the region ends in a name."""
    region = stack.cloud.region
    return region if region[-1].isdigit() else f"{region}-"


def pool_zones_are_the_environments(stack: Stack) -> Iterator[Problem]:
    """A pool uses zones that the environment has a subnet in."""
    for name, pool in stack.pools.items():
        for index, zone in enumerate(pool.zones):
            path = f"pools.{name}.zones[{index}]"
            if zone not in stack.cloud.zones:
                yield Problem(
                    path,
                    f"'{zone}' is not a zone of the environment",
                    f"use {listed(stack.cloud.zones)}, or add it to cloud.zones",
                )
            if zone in pool.zones[:index]:
                yield Problem(path, f"'{zone}' is written twice", "remove one")


def principals_are_of_the_account(stack: Stack) -> Iterator[Problem]:
    """Administrators are principals of the cluster's own account. Alibaba's are ids, of which none can tell."""
    if not isinstance(stack, AwsStack) or not isinstance(stack.cluster, NewEksCluster):
        return
    for index, arn in enumerate(stack.cluster.admins):
        _, partition, _, _, account, _ = arn.split(":", maxsplit=5)
        if partition != stack.cloud.partition:
            yield Problem(
                f"cluster.admins[{index}]",
                f"'{partition}' is not the partition of region '{stack.cloud.region}'",
                f"write 'arn:{stack.cloud.partition}:iam::…'",
            )
        if account != stack.cloud.account_id:
            yield Problem(
                f"cluster.admins[{index}]",
                f"it is of account {account}, and cloud.account_id is {stack.cloud.account_id}: the account id was "
                "changed in one place only",
                f"write 'arn:{stack.cloud.partition}:iam::{stack.cloud.account_id}:…', or change cloud.account_id",
            )


def administrators_are_named_once(stack: Stack) -> Iterator[Problem]:
    """No administrator is written twice."""
    if not isinstance(stack.cluster, NewEksCluster | NewAckCluster):
        return
    admins = stack.cluster.admins
    for index, admin in enumerate(admins):
        if admin in admins[:index]:
            yield Problem(f"cluster.admins[{index}]", f"'{admin}' is written twice", "remove one")
