"""A new VPC with a vSwitch for nodes and one for pods in each zone.

Makes: the VPC, vSwitches, NAT gateways with an address each, SNAT for nodes and for pods, on request flow logs. With
one gateway the VPC's own route table has the default route. If each zone has its own gateway, each also has a route
table: a table holds one route to a destination, and a gateway translates only for the vSwitches in its SNAT table.
Does not: peering, IPv6. Endpoints are not needed: Alibaba Cloud's own services have addresses within every VPC. Routes
to pods are not needed: Terway gives them addresses of a vSwitch.
Replacing the VPC or a vSwitch replaces everything in it: address range and zone of a vSwitch never change in place.
Source of what replaces: terraform-provider-alicloud 2.0, `ForceNew` of alicloud_vswitch, alicloud_snat_entry and
alicloud_route_entry. Of the route tables: VPC user guide, route tables (nine of one's own in a VPC).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_alicloud as alicloud

from llmplatform.alicloud.flow_logs import flow_logs
from llmplatform.base.component import PlatformComponent
from llmplatform.base.ordering import after
from llmplatform.planning.network import ALICLOUD_EGRESS_MBITS, plan_vswitches
from llmplatform.specs.cloud import Alicloud
from llmplatform.specs.environment import Environment
from llmplatform.specs.network import NewNetwork


@dataclass(frozen=True, kw_only=True)
class NetworkArgs:
    """Inputs of a network."""

    spec: NewNetwork
    environment: Environment
    cloud: Alicloud
    tags: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class _Nat:
    """A NAT gateway and its public address."""

    id: pulumi.Output[str]
    snat_table_id: pulumi.Output[str]
    address: pulumi.Output[str]


class Network(PlatformComponent):
    """A new VPC."""

    network_id: pulumi.Output[str]
    """Id of the VPC."""
    private_subnet_ids: Mapping[str, pulumi.Output[str]]
    """Zone to vSwitch of nodes. Depends on its default route."""
    public_subnet_ids: Mapping[str, pulumi.Output[str]]
    """Zone to vSwitch of load balancers: that of the nodes, because the load balancer itself is public or private."""
    pod_subnet_ids: Mapping[str, pulumi.Output[str]]
    """Zone to vSwitch of pods, which use its addresses. Depends on its default route."""

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:alicloud:Network", name, opts)
        self._prefix, self._args = name, args
        plan = plan_vswitches(args.spec, args.cloud.zones)
        vpc = self._vpc()
        nodes = {zone: self._vswitch(vpc, "nodes", zone, cidr) for zone, cidr in plan.nodes.items()}
        pods = {zone: self._vswitch(vpc, "pods", zone, cidr) for zone, cidr in plan.pods.items()}
        nats = self._nats(vpc, nodes)
        tables = self._tables(vpc, nats)
        ways_out = {zone: self._way_out("nodes", zone, nodes[zone], nats[zone], tables) for zone in nodes}
        pods_out = {zone: self._way_out("pods", zone, pods[zone], nats[zone], tables) for zone in pods}
        if args.spec.flow_logs:
            flow_logs(f"{name}-flow", self._named("vpc"), vpc, self._tags(), self.child())
        self.network_id = vpc.id
        self.private_subnet_ids = {zone: after(vswitch.id, *ways_out[zone]) for zone, vswitch in nodes.items()}
        self.public_subnet_ids = self.private_subnet_ids
        self.pod_subnet_ids = {zone: after(vswitch.id, *pods_out[zone]) for zone, vswitch in pods.items()}
        self.finish()

    def _named(self, role: str) -> str:
        return f"{self._args.environment.name}-{self._prefix}-{role}"

    def _tags(self) -> dict[str, str]:
        return dict(self._args.tags)

    def _vpc(self) -> alicloud.vpc.Network:
        return alicloud.vpc.Network(
            f"{self._prefix}-vpc",
            vpc_name=self._named("vpc"),
            cidr_block=self._args.spec.cidr,
            tags=self._tags(),
            opts=self.child(protect=self._args.environment.protected),
        )

    def _vswitch(self, vpc: alicloud.vpc.Network, role: str, zone: str, cidr: str) -> alicloud.vpc.Switch:
        return alicloud.vpc.Switch(
            f"{self._prefix}-{role}-{zone}",
            vswitch_name=self._named(f"{role}-{zone}"),
            vpc_id=vpc.id,
            zone_id=zone,
            cidr_block=cidr,
            tags=self._tags(),
            opts=self.child(),
        )

    def _nats(self, vpc: alicloud.vpc.Network, vswitches: Mapping[str, alicloud.vpc.Switch]) -> Mapping[str, _Nat]:
        """Zone to its NAT gateway."""
        zones = list(vswitches)
        homes = zones if self._args.spec.nat == "per_zone" else [self._args.cloud.home]
        made = {zone: self._nat(zone, vpc, vswitches[zone]) for zone in homes}
        return {zone: made.get(zone, made[homes[0]]) for zone in zones}

    def _nat(self, zone: str, vpc: alicloud.vpc.Network, vswitch: alicloud.vpc.Switch) -> _Nat:
        gateway = alicloud.vpc.NatGateway(
            f"{self._prefix}-nat-{zone}",
            nat_gateway_name=self._named(f"nat-{zone}"),
            vpc_id=vpc.id,
            vswitch_id=vswitch.id,
            nat_type="Enhanced",
            network_type="internet",
            payment_type="PayAsYouGo",
            internet_charge_type="PayByLcu",
            tags=self._tags(),
            opts=self.child(),
        )
        address = alicloud.ecs.EipAddress(
            f"{self._prefix}-nat-{zone}",
            address_name=self._named(f"nat-{zone}"),
            payment_type="PayAsYouGo",
            internet_charge_type="PayByTraffic",
            bandwidth=str(ALICLOUD_EGRESS_MBITS),
            tags=self._tags(),
            opts=self.child(),
        )
        association = alicloud.ecs.EipAssociation(
            f"{self._prefix}-nat-{zone}",
            allocation_id=address.id,
            instance_id=gateway.id,
            instance_type="Nat",
            opts=self.child(),
        )
        # The gateway must have the entry's address first.
        return _Nat(id=gateway.id, snat_table_id=gateway.snat_table_ids, address=after(address.ip_address, association))

    def _tables(self, vpc: alicloud.vpc.Network, nats: Mapping[str, _Nat]) -> Mapping[str, pulumi.Output[str]]:
        """Zone to the route table with its gateway; empty if the VPC's own table has the only gateway."""
        return {zone: self._table(zone, vpc, nat) for zone, nat in nats.items() if self._args.spec.nat == "per_zone"}

    def _table(self, zone: str, vpc: alicloud.vpc.Network, nat: _Nat) -> pulumi.Output[str]:
        table = alicloud.vpc.RouteTable(
            f"{self._prefix}-routes-{zone}",
            route_table_name=self._named(f"routes-{zone}"),
            vpc_id=vpc.id,
            associate_type="VSwitch",
            tags=self._tags(),
            opts=self.child(),
        )
        route = alicloud.vpc.RouteEntry(
            f"{self._prefix}-routes-{zone}-internet",
            route_table_id=table.id,
            destination_cidrblock="0.0.0.0/0",
            nexthop_type="NatGateway",
            nexthop_id=nat.id,
            opts=self.child(),
        )
        # Attaching first would cut the vSwitch off until the route exists.
        return after(table.id, route)

    def _way_out(
        self,
        role: str,
        zone: str,
        vswitch: alicloud.vpc.Switch,
        nat: _Nat,
        tables: Mapping[str, pulumi.Output[str]],
    ) -> list[pulumi.Resource]:
        """The resources that give a vSwitch access to the internet."""
        snat = self._snat(role, zone, vswitch, nat)
        if zone not in tables:
            return [snat]
        attachment = alicloud.vpc.RouteTableAttachment(
            f"{self._prefix}-{role}-{zone}",
            route_table_id=after(tables[zone], snat),
            vswitch_id=vswitch.id,
            opts=self.child(),
        )
        return [snat, attachment]

    def _snat(self, role: str, zone: str, vswitch: alicloud.vpc.Switch, nat: _Nat) -> alicloud.vpc.SnatEntry:
        return alicloud.vpc.SnatEntry(
            f"{self._prefix}-{role}-{zone}-internet",
            snat_entry_name=self._named(f"{role}-{zone}"),
            snat_table_id=nat.snat_table_id,
            source_vswitch_id=vswitch.id,
            snat_ip=nat.address,
            opts=self.child(),
        )
