"""The network that nodes and pods live in: made by us, or somebody else's."""

from typing import Annotated, Literal

from pydantic import Field

from llmplatform.specs.section import Section
from llmplatform.specs.vocabulary import AwsZone, Cidr, SubnetId, VpcId


class NewNetwork(Section):
    """A network of the environment's own, with a public and a private subnet in each zone."""

    kind: Literal["new"]
    cidr: Cidr = "10.0.0.0/16"
    """Private address range. Every pod takes an address of its zone: a /16 gives each of six zones 8,192, a /20 512."""
    nat: Literal["single", "per_zone"] = "per_zone"
    """`single` is cheaper; nodes of the other zones lose the internet when its zone fails."""
    flow_logs: bool = False
    """Record accepted and refused connections in a log group."""


class ExistingNetwork(Section):
    """A VPC that exists. Nothing in it is changed."""

    kind: Literal["existing"]
    vpc_id: VpcId
    """The VPC."""
    cidr: Cidr
    """Address range of the VPC. Nothing is made of it: the Services of a new cluster are checked to lie outside."""
    private_subnets: dict[AwsZone, SubnetId]
    """One private subnet per zone of the environment, with a way out to the internet."""
    public_subnets: dict[AwsZone, SubnetId] = Field(default_factory=dict)
    """Subnets for internet-facing load balancers. Empty where there are none."""


Network = Annotated[NewNetwork | ExistingNetwork, Field(discriminator="kind")]
