"""The way from a network to an instance of Container Registry Enterprise Edition that exists, without the internet.

Makes: the link; the registry's name resolves in the network through it. Does not: the instance, its namespaces and
repositories; nor a record in PrivateZone, which the registry would need another authorisation of the account for
(NO_PRIVATE_ZONE_AUTHORIZED).
A link keeps its vSwitch from being deleted. Nothing in it is dangerous to replace, but nodes that start meanwhile
cannot pull. An instance of the Economy edition takes one network: a second stack names it with `link: existing`.
Source: terraform-provider-alicloud 2.0, alicloud_cr_vpc_endpoint_linked_vpc; Container Registry API reference,
CreateInstanceVpcEndpointLinkedVpc. Assumed, and not verified: that the name resolves without the record.
"""

from dataclasses import dataclass

import pulumi
import pulumi_alicloud as alicloud

from llmplatform.base.component import PlatformComponent
from llmplatform.base.ordering import after


@dataclass(frozen=True, kw_only=True)
class RegistryLinkArgs:
    """Which registry, and from where."""

    instance_id: str
    """Id of the instance, `cri-…`."""
    network_id: pulumi.Input[str]
    subnet_id: pulumi.Input[str]
    """A vSwitch of nodes; the link serves the whole network."""


class RegistryLink(PlatformComponent):
    """A registry that a network can reach."""

    instance_id: pulumi.Output[str]
    """Id of the instance. Whoever uses it waits for the link, and is gone before it goes."""

    def __init__(self, name: str, args: RegistryLinkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:alicloud:RegistryLink", name, opts)
        link = alicloud.cr.VpcEndpointLinkedVpc(
            f"{name}-link",
            instance_id=args.instance_id,
            module_name="Registry",
            vpc_id=args.network_id,
            vswitch_id=args.subnet_id,
            enable_create_dns_record_in_pvzt=False,
            opts=self.child(),
        )
        self.instance_id = after(args.instance_id, link)
        self.finish()
