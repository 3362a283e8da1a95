"""The security group of a server that the nodes of the cluster alone reach, and that opens no connections itself."""

from collections.abc import Mapping

import pulumi
import pulumi_aws as aws


def from_nodes(
    name: str,
    what: str,
    port: int,
    *,
    network_id: pulumi.Input[str],
    nodes: pulumi.Input[str],
    tags: Mapping[str, str],
    opts: pulumi.ResourceOptions,
) -> aws.ec2.SecurityGroup:
    """A group for a TCP port. `what`: is served there; `nodes`: security group of the nodes."""
    return aws.ec2.SecurityGroup(
        name,
        vpc_id=network_id,
        description=f"{what} from the nodes of the cluster",
        ingress=[
            aws.ec2.SecurityGroupIngressArgs(
                description=f"{what} from nodes",
                protocol="tcp",
                from_port=port,
                to_port=port,
                security_groups=[nodes],
            )
        ],
        egress=[],
        tags=tags,
        opts=opts,
    )
