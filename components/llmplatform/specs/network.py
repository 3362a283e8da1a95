"""The network of nodes and pods: a new or an existing one."""

from typing import Annotated, Literal

from pydantic import Field

from llmplatform.specs.section import Section
from llmplatform.specs.vocabulary.addresses import Cidr
from llmplatform.specs.vocabulary.alicloud import AlicloudVpcId, AlicloudZone, VswitchId
from llmplatform.specs.vocabulary.aws import AwsZone, SubnetId, VpcId
from llmplatform.specs.vocabulary.names import Zone

RANGES = 6
"""Most zones of a network: no region of AWS has more."""


class NewNetwork(Section):
    """A network that this stack creates, with addresses for nodes, pods and load balancers in each zone."""

    kind: Literal["new"]
    cidr: Cidr = "10.0.0.0/16"
    """Private address range. Every pod needs an address of its zone: a /16 gives each of six zones 8,192, a /20 512."""
    nat: Literal["single", "per_zone"] = "per_zone"
    """`single` is cheaper, but nodes of the other zones lose the internet when its zone fails."""
    ranges: Annotated[dict[Zone, Annotated[int, Field(ge=0, lt=RANGES)]], Field(max_length=26)] = Field(
        default_factory=dict
    )
    """Which sixth of the address range a zone uses, counted from 0. Empty: a and g use the first, b and h the second,
    and so on. Set it only for zones whose letters collide."""
    endpoints: Literal["s3", "private"] = "s3"
    """Paths to AWS' own services. `s3`: a free endpoint for S3, which carries image layers; the rest uses the NAT
    gateways. `private`: interface endpoints in every zone, each charged by the hour."""
    flow_logs: bool = False
    """Log accepted and refused connections."""

    def range_of(self, zone: str) -> int:
        """The part of the address range that a zone uses, independent of the other zones."""
        return self.ranges.get(zone, (ord(zone[-1]) - ord("a")) % RANGES)


class ExistingNetwork(Section):
    """An existing VPC. Nothing in it is changed."""

    kind: Literal["existing"]


class ExistingSubnets(ExistingNetwork):
    """An existing VPC of AWS and its subnets. Nothing in it is changed."""

    vpc_id: VpcId
    """Id of the VPC."""
    cidr: Cidr
    """Address range of the VPC, which the Services of a new cluster must not overlap."""
    private_subnets: Annotated[dict[AwsZone, SubnetId], Field(max_length=RANGES)]
    """One private subnet for each zone of the environment, with a route to the internet."""
    private_subnet_cidrs: Annotated[dict[AwsZone, Cidr], Field(max_length=RANGES)] = Field(default_factory=dict)
    """Address ranges of the private subnets, which bound the number of nodes. Empty: the pools' `max` is compared with
    the VPC's range."""
    public_subnets: Annotated[dict[AwsZone, SubnetId], Field(max_length=RANGES)] = Field(default_factory=dict)
    """Subnets for internet-facing load balancers. Empty: none."""


class Vswitch(Section):
    """A vSwitch of Alibaba Cloud."""

    id: VswitchId
    """Its id."""
    cidr: Cidr
    """Its address range, which bounds the number of pods."""


class ExistingVswitches(ExistingNetwork):
    """An existing VPC of Alibaba Cloud and its vSwitches. Nothing in it is changed."""

    vpc_id: AlicloudVpcId
    """Id of the VPC."""
    cidr: Cidr
    """Address range of the VPC. The file system admits it, and the Services of a new cluster must not overlap it."""
    node_vswitches: Annotated[dict[AlicloudZone, Vswitch], Field(max_length=RANGES)]
    """One vSwitch for the nodes of each zone of the environment, with a route to the internet."""
    pod_vswitches: Annotated[dict[AlicloudZone, Vswitch], Field(max_length=RANGES)] = Field(default_factory=dict)
    """One vSwitch for the pods of each zone: Terway gives each pod an address of it. Empty: pods share the nodes'
    vSwitches."""


AwsNetwork = Annotated[NewNetwork | ExistingSubnets, Field(discriminator="kind")]
AlicloudNetwork = Annotated[NewNetwork | ExistingVswitches, Field(discriminator="kind")]
