"""Zones: whether they exist, accept a control plane and endpoints, and sell the pools' machines.

A zone's letter means another zone in each account; its id does not. Sources: "Subnet requirements and
considerations" in the EKS user guide (zones that take no control plane); EC2 API reference,
DescribeInstanceTypeOfferings and DescribeVpcEndpointServices.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from llmplatform.catalog.endpoints import INTERFACES, service_name
from llmplatform.doctor.checks import Ask, Check, Finding, green, red, yellow
from llmplatform.doctor.wanted import Wanted
from llmplatform.planning.pools import PoolPlan
from llmplatform.specs.cluster import NewEksCluster

NO_CONTROL_PLANE = frozenset({"use1-az3", "usw1-az2", "cac1-az3"})
"""Ids of the zones without EKS control planes."""


def zone_findings(
    wanted: Sequence[str], found: Iterable[Mapping[str, str]], of_control_plane: Sequence[str]
) -> Iterator[Finding]:
    """The account's view of the zones. `of_control_plane`: those of the control plane."""
    known = {each["ZoneName"]: each for each in found}
    here = sorted(name for name, each in known.items() if each.get("ZoneType") == "availability-zone")
    choose = f"choose among {', '.join(here) or 'none'} in cloud.zones"
    for zone in wanted:
        said = known.get(zone)
        if said is None:
            yield red(f"{zone}: there is no such zone for this account", choose)
        elif said.get("ZoneType", "availability-zone") != "availability-zone":
            yield red(f"{zone}: it is a {said['ZoneType']}, which takes no control plane and no NAT gateway", choose)
        elif said.get("OptInStatus") == "not-opted-in":
            yield red(f"{zone}: the account has not opted in to its region", "opt in, or choose another region")
        elif zone in of_control_plane and said["ZoneId"] in NO_CONTROL_PLANE:
            yield red(
                f"{zone} is {said['ZoneId']} in this account, where EKS puts no control plane",
                "write others into cluster.zones: nodes may stay in it",
            )
        elif said["State"] not in ("available", "information"):
            yield yellow(f"{zone} ({said['ZoneId']}) is {said['State']}", "wait, or choose another one")
        else:
            yield green(f"{zone} is {said['ZoneId']}")


def _zones(wanted: Wanted, ask: Ask) -> Iterator[Finding]:
    found = ask("ec2:DescribeAvailabilityZones", AllAvailabilityZones=True)["AvailabilityZones"]
    yield from zone_findings(wanted.stack.cloud.zones, found, _of_control_plane(wanted))


def _of_control_plane(wanted: Wanted) -> Sequence[str]:
    cluster = wanted.stack.cluster
    return cluster.zones or wanted.stack.cloud.zones[:2] if isinstance(cluster, NewEksCluster) else ()


def offering_findings(pools: Iterable[PoolPlan], offered: Mapping[str, frozenset[str]]) -> Iterator[Finding]:
    """The machines of the zones. `offered`: instance type to its zones."""
    for pool in pools:
        somewhere = {zone for machine in pool.spec.instance_types for zone in offered.get(machine, ())}
        here = [zone for zone in pool.zones if zone in somewhere]
        missing = [zone for zone in pool.zones if zone not in here]
        elsewhere = f"; it is sold in {', '.join(sorted(somewhere))}" if somewhere else ""
        machines = ", ".join(pool.spec.instance_types)
        if not here:
            yield red(
                f"pool {pool.name}: none of its zones sells {machines}{elsewhere}",
                f"add such a zone to cloud.zones and pools.{pool.name}.zones, or use another type",
            )
        elif empty := [group for group in pool.groups if group.minimum and not {*group.zones} & somewhere]:
            zones = ", ".join(zone for group in empty for zone in group.zones)
            yield red(
                f"pool {pool.name}: {zones} do not sell {machines}, and the groups there never get their first nodes",
                f"write `zones: [{', '.join(here)}]` into pools.{pool.name}, or use another type",
            )
        elif missing:
            yield yellow(
                f"pool {pool.name}: {', '.join(missing)} do not sell {machines}",
                f"write `zones: [{', '.join(here)}]` into pools.{pool.name}, so that nothing is tried elsewhere",
            )
        else:
            yield green(f"pool {pool.name}: every zone sells {machines}")
        never = [machine for machine in pool.spec.instance_types if here and not {*offered.get(machine, ())} & {*here}]
        if never:
            yield yellow(f"pool {pool.name}: {', '.join(never)} is sold in none of its zones", "leave it out")


def _offerings(wanted: Wanted, ask: Ask) -> Iterator[Finding]:
    machines = sorted({machine for pool in wanted.made for machine in pool.spec.instance_types})
    if not machines:
        yield green("no nodes of its own")
        return
    found = ask(
        "ec2:DescribeInstanceTypeOfferings",
        LocationType="availability-zone",
        Filters=[{"Name": "instance-type", "Values": machines}],
    )["InstanceTypeOfferings"]
    offered = {
        machine: frozenset(each["Location"] for each in found if each["InstanceType"] == machine)
        for machine in machines
    }
    yield from offering_findings(wanted.made, offered)


def endpoint_findings(
    services: Sequence[str], zones: Sequence[str], found: Iterable[Mapping[str, object]]
) -> Iterator[Finding]:
    """Whether each service supports endpoints in each zone."""
    known = {str(each["ServiceName"]): each.get("AvailabilityZones") for each in found}
    lacking: list[str] = []
    for service in services:
        there = known.get(service)
        if there is None:
            lacking.append(f"{service} (nowhere in the region)")
        elif isinstance(there, list) and (without := [zone for zone in zones if zone not in there]):
            lacking.append(f"{service} (not in {', '.join(without)})")
    if lacking:
        yield red(
            f"no endpoints can be made for {'; '.join(lacking)}",
            "choose other zones in cloud.zones, or write `endpoints: s3` into network",
        )
    else:
        yield green(f"all {len(services)} services take endpoints in every zone")


def _endpoints(wanted: Wanted, ask: Ask) -> Iterator[Finding]:
    stack, network = wanted.stack, wanted.new_network
    if network is None or network.endpoints != "private":
        yield green("the network has no endpoints that are bound to zones")
        return
    services = [service_name(stack.cloud.region, service) for service in INTERFACES]
    found = ask("ec2:DescribeVpcEndpointServices", Filters=[{"Name": "service-name", "Values": services}])[
        "ServiceDetails"
    ]
    yield from endpoint_findings(services, stack.cloud.zones, found)


CHECKS = (
    Check(
        name="zones",
        title="zones and their ids",
        finds="EKS refuses the control plane, after the network is made",
        actions=("ec2:DescribeAvailabilityZones",),
        provider="aws",
        run=_zones,
    ),
    Check(
        name="machines",
        title="zones that sell the pools' machines",
        finds="a group of nodes stays empty in a zone, or everywhere",
        actions=("ec2:DescribeInstanceTypeOfferings",),
        provider="aws",
        run=_offerings,
    ),
    Check(
        name="endpoint-zones",
        title="zones that take the network's endpoints",
        finds="the network stops half-way",
        actions=("ec2:DescribeVpcEndpointServices",),
        provider="aws",
        run=_endpoints,
    ),
)
