"""The link from a network to an existing instance of Container Registry Enterprise Edition, without the internet.

Makes: the link, by which the registry's name resolves in the network.
Does not: the instance, its namespaces and repositories; nor a record in PrivateZone, which would need another
authorisation of the account (NO_PRIVATE_ZONE_AUTHORIZED).
A vSwitch with a link cannot be deleted.
Replacing the link is safe, except that nodes that start meanwhile cannot pull. An instance of the Economy edition
accepts one network: a second stack names it with `link: existing`.
Source: terraform-provider-alicloud 2.0, alicloud_cr_vpc_endpoint_linked_vpc; Container Registry API reference,
CreateInstanceVpcEndpointLinkedVpc.
Assumed, and not verified: that the name resolves without the record.
"""

from dataclasses import dataclass

import pulumi
import pulumi_alicloud as alicloud

from llmplatform.base.component import PlatformComponent
from llmplatform.base.ordering import after


@dataclass(frozen=True, kw_only=True)
class RegistryLinkArgs:
    """The registry and the network."""

    instance_id: str
    """Id of the instance, `cri-…`."""
    network_id: pulumi.Input[str]
    subnet_id: pulumi.Input[str]
    """A vSwitch of nodes; the link serves the whole network."""


class RegistryLink(PlatformComponent):
    """A registry that a network can reach."""

    instance_id: pulumi.Output[str]
    """Id of the instance. Depends on the link."""

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
