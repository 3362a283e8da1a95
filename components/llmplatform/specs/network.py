"""The network that nodes and pods live in: made by us, or somebody else's."""

from typing import Annotated, Literal

from pydantic import Field

from llmplatform.specs.section import Section
from llmplatform.specs.vocabulary.addresses import Cidr
from llmplatform.specs.vocabulary.alicloud import AlicloudVpcId, AlicloudZone, VswitchId
from llmplatform.specs.vocabulary.aws import AwsZone, SubnetId, VpcId
from llmplatform.specs.vocabulary.names import Zone

RANGES = 6
"""Zones that a network has room for: no region of AWS has more."""


class NewNetwork(Section):
    """A network of the environment's own, with addresses for nodes, pods and load balancers in each zone."""

    kind: Literal["new"]
    cidr: Cidr = "10.0.0.0/16"
    """Private address range. Every pod takes an address of its zone: a /16 gives each of six zones 8,192, a /20 512."""
    nat: Literal["single", "per_zone"] = "per_zone"
    """`single` is cheaper; nodes of the other zones lose the internet when its zone fails."""
    ranges: Annotated[dict[Zone, Annotated[int, Field(ge=0, lt=RANGES)]], Field(max_length=26)] = Field(
        default_factory=dict
    )
    """Which of the six parts of the address range a zone has, counted from 0. Empty: a and g have the first, b and h
    the second, and so on. It only has to be said for a zone that would otherwise have another's part."""
    endpoints: Literal["s3", "private"] = "s3"
    """How AWS' own services are reached on AWS: `s3` by an endpoint free of charge, which carries image layers, and the
    rest through the NAT gateways; `private` by interface endpoints in every zone, each charged by the hour and zone."""
    flow_logs: bool = False
    """Record accepted and refused connections in a log group."""

    def range_of(self, zone: str) -> int:
        """The part of the address range that a zone has, the same beside whichever others."""
        return self.ranges.get(zone, (ord(zone[-1]) - ord("a")) % RANGES)


class ExistingNetwork(Section):
    """A VPC that exists. Nothing in it is changed."""

    kind: Literal["existing"]


class ExistingSubnets(ExistingNetwork):
    """A VPC of AWS and its subnets. Nothing in it is changed."""

    vpc_id: VpcId
    """The VPC."""
    cidr: Cidr
    """Address range of the VPC. Nothing is made of it: the Services of a new cluster are checked to lie outside."""
    private_subnets: Annotated[dict[AwsZone, SubnetId], Field(max_length=RANGES)]
    """One private subnet per zone of the environment, with a way out to the internet."""
    private_subnet_cidrs: Annotated[dict[AwsZone, Cidr], Field(max_length=RANGES)] = Field(default_factory=dict)
    """Address ranges of the private subnets, from which follows how many nodes they hold. Empty: only the VPC's own
    range is held against the pools' `max`."""
    public_subnets: Annotated[dict[AwsZone, SubnetId], Field(max_length=RANGES)] = Field(default_factory=dict)
    """Subnets for internet-facing load balancers. Empty where there are none."""


class Vswitch(Section):
    """A vSwitch of Alibaba Cloud."""

    id: VswitchId
    """Its id."""
    cidr: Cidr
    """Its address range, from which follows how many pods it holds."""


class ExistingVswitches(ExistingNetwork):
    """A VPC of Alibaba Cloud and its vSwitches. Nothing in it is changed."""

    vpc_id: AlicloudVpcId
    """The VPC."""
    cidr: Cidr
    """Address range of the VPC. The file system admits it; the Services of a new cluster are checked to lie outside."""
    node_vswitches: Annotated[dict[AlicloudZone, Vswitch], Field(max_length=RANGES)]
    """One vSwitch per zone of the environment for nodes, with a way out to the internet."""
    pod_vswitches: Annotated[dict[AlicloudZone, Vswitch], Field(max_length=RANGES)] = Field(default_factory=dict)
    """One vSwitch per zone for pods: Terway gives each an address of it. Empty: pods share those of the nodes."""


AwsNetwork = Annotated[NewNetwork | ExistingSubnets, Field(discriminator="kind")]
AlicloudNetwork = Annotated[NewNetwork | ExistingVswitches, Field(discriminator="kind")]
