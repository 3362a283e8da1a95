"""A new VPC with a public and a private subnet in each zone.

Makes: the VPC with its default security group emptied, subnets tagged for load balancers, an internet gateway, NAT
gateways, routes, an S3 gateway endpoint (free of charge), on request interface endpoints and flow logs.
Does not: peering, transit gateways, IPv6.
Replacing the VPC or a subnet replaces everything in it: address range and zone of a subnet never change in place.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from llmplatform.aws.endpoints import interface_endpoints, s3_endpoint
from llmplatform.aws.flow_logs import flow_logs
from llmplatform.base.component import PlatformComponent
from llmplatform.base.ordering import after
from llmplatform.planning.network import plan_subnets
from llmplatform.specs.cloud import Aws
from llmplatform.specs.environment import Environment
from llmplatform.specs.network import NewNetwork

_ROLE_TAGS = {"public": "kubernetes.io/role/elb", "private": "kubernetes.io/role/internal-elb"}
"""Tags by which load balancer controllers find the subnets."""


@dataclass(frozen=True, kw_only=True)
class NetworkArgs:
    """Inputs of a network."""

    spec: NewNetwork
    environment: Environment
    cloud: Aws
    tags: Mapping[str, str]

    def __post_init__(self) -> None:
        if self.spec.endpoints == "private" and self.cloud.partition == "aws-cn":
            raise ValueError("interface endpoints in China have names that could not be checked; write endpoints: s3")


class Network(PlatformComponent):
    """A new VPC."""

    network_id: pulumi.Output[str]
    """Id of the VPC."""
    private_subnet_ids: Mapping[str, pulumi.Output[str]]
    """Zone to private subnet. Depends on its default route."""
    public_subnet_ids: Mapping[str, pulumi.Output[str]]
    """Zone to public subnet. Depends on its default route."""

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:aws:Network", name, opts)
        self._prefix, self._args = name, args
        plan = plan_subnets(args.spec, args.cloud.zones)
        vpc = self._vpc()
        gateway = aws.ec2.InternetGateway(
            f"{name}-internet", vpc_id=vpc.id, tags=self._tags("internet"), opts=self.child()
        )
        public = {zone: self._subnet(vpc, "public", zone, cidr) for zone, cidr in plan.public.items()}
        private = {zone: self._subnet(vpc, "private", zone, cidr) for zone, cidr in plan.private.items()}
        public_table = self._table(vpc, "public")
        ways_out = self._public_routes(public_table, gateway, public)
        nats = self._nats(public, ways_out, gateway)
        tables = {zone: self._table(vpc, f"private-{zone}") for zone in private}
        ways_through = {zone: self._private_routes(zone, tables[zone], private[zone], nats) for zone in private}
        s3_endpoint(
            f"{name}-endpoint-s3", vpc, args.cloud, [public_table, *tables.values()], self._tags("s3"), self.child()
        )
        if args.spec.endpoints == "private":
            interface_endpoints(name, vpc, args.cloud, private, args.tags, self.child())
        if args.spec.flow_logs:
            flow_logs(f"{name}-flow", vpc, args.cloud, self._tags("flow"), self.child())
        self.network_id = vpc.id
        self.public_subnet_ids = {zone: after(subnet.id, *ways_out[zone]) for zone, subnet in public.items()}
        self.private_subnet_ids = {zone: after(subnet.id, *ways_through[zone]) for zone, subnet in private.items()}
        self.finish()

    def _tags(self, role: str) -> dict[str, str]:
        return {**self._args.tags, "Name": f"{self._args.environment.name}-{self._prefix}-{role}"}

    def _vpc(self) -> aws.ec2.Vpc:
        vpc = aws.ec2.Vpc(
            f"{self._prefix}-vpc",
            cidr_block=self._args.spec.cidr,
            enable_dns_support=True,
            # Private DNS of endpoints and EFS mount targets needs it.
            enable_dns_hostnames=True,
            tags=self._tags("vpc"),
            opts=self.child(protect=self._args.environment.protected),
        )
        # Machines without a security group of their own can then reach nothing.
        aws.ec2.DefaultSecurityGroup(
            f"{self._prefix}-default",
            vpc_id=vpc.id,
            ingress=[],
            egress=[],
            tags=self._tags("default"),
            opts=self.child(),
        )
        return vpc

    def _subnet(self, vpc: aws.ec2.Vpc, role: str, zone: str, cidr: str) -> aws.ec2.Subnet:
        return aws.ec2.Subnet(
            f"{self._prefix}-{role}-{zone}",
            vpc_id=vpc.id,
            availability_zone=zone,
            cidr_block=cidr,
            map_public_ip_on_launch=False,
            tags={**self._tags(f"{role}-{zone}"), _ROLE_TAGS[role]: "1"},
            opts=self.child(),
        )

    def _table(self, vpc: aws.ec2.Vpc, role: str) -> aws.ec2.RouteTable:
        return aws.ec2.RouteTable(f"{self._prefix}-{role}", vpc_id=vpc.id, tags=self._tags(role), opts=self.child())

    def _public_routes(
        self, table: aws.ec2.RouteTable, gateway: aws.ec2.InternetGateway, subnets: Mapping[str, aws.ec2.Subnet]
    ) -> Mapping[str, tuple[pulumi.Resource, ...]]:
        route = aws.ec2.Route(
            f"{self._prefix}-public-internet",
            route_table_id=table.id,
            destination_cidr_block="0.0.0.0/0",
            gateway_id=gateway.id,
            opts=self.child(),
        )
        return {zone: (route, self._associate("public", zone, table, subnet)) for zone, subnet in subnets.items()}

    def _private_routes(
        self, zone: str, table: aws.ec2.RouteTable, subnet: aws.ec2.Subnet, nats: Mapping[str, aws.ec2.NatGateway]
    ) -> tuple[pulumi.Resource, ...]:
        route = aws.ec2.Route(
            f"{self._prefix}-private-{zone}-internet",
            route_table_id=table.id,
            destination_cidr_block="0.0.0.0/0",
            nat_gateway_id=nats[zone].id,
            opts=self.child(),
        )
        return route, self._associate("private", zone, table, subnet)

    def _associate(
        self, role: str, zone: str, table: aws.ec2.RouteTable, subnet: aws.ec2.Subnet
    ) -> aws.ec2.RouteTableAssociation:
        return aws.ec2.RouteTableAssociation(
            f"{self._prefix}-{role}-{zone}", subnet_id=subnet.id, route_table_id=table.id, opts=self.child()
        )

    def _nats(
        self,
        subnets: Mapping[str, aws.ec2.Subnet],
        ways_out: Mapping[str, tuple[pulumi.Resource, ...]],
        gateway: aws.ec2.InternetGateway,
    ) -> Mapping[str, aws.ec2.NatGateway]:
        """Zone to its NAT gateway."""
        zones = list(subnets)
        homes = zones if self._args.spec.nat == "per_zone" else [self._args.cloud.home]
        made = {zone: self._nat(zone, after(subnets[zone].id, *ways_out[zone]), gateway) for zone in homes}
        return {zone: made.get(zone, made[homes[0]]) for zone in zones}

    def _nat(self, zone: str, subnet_id: pulumi.Output[str], gateway: aws.ec2.InternetGateway) -> aws.ec2.NatGateway:
        address = aws.ec2.Eip(
            f"{self._prefix}-nat-{zone}",
            domain="vpc",
            tags=self._tags(f"nat-{zone}"),
            # The internet gateway cannot be detached while the VPC has public addresses, and no input of the address
            # shows that.
            opts=self.child(depends_on=[gateway]),
        )
        return aws.ec2.NatGateway(
            f"{self._prefix}-nat-{zone}",
            allocation_id=address.allocation_id,
            subnet_id=subnet_id,
            tags=self._tags(f"nat-{zone}"),
            opts=self.child(),
        )
