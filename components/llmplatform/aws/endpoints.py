"""Endpoints for AWS services, without the internet.

The S3 gateway endpoint is free and carries image layers. Interface endpoints are charged by the hour and zone.
"""

from collections.abc import Mapping, Sequence

import pulumi
import pulumi_aws as aws

from llmplatform.catalog.endpoints import INTERFACES, service_name
from llmplatform.specs.cloud import Aws


def s3_endpoint(
    name: str,
    vpc: aws.ec2.Vpc,
    cloud: Aws,
    tables: Sequence[aws.ec2.RouteTable],
    tags: Mapping[str, str],
    opts: pulumi.ResourceOptions,
) -> aws.ec2.VpcEndpoint:
    """Gateway endpoint for S3 in the route tables."""
    return aws.ec2.VpcEndpoint(
        name,
        vpc_id=vpc.id,
        vpc_endpoint_type="Gateway",
        service_name=service_name(cloud.region, "s3"),
        route_table_ids=[table.id for table in tables],
        tags=tags,
        opts=opts,
    )


def interface_endpoints(
    name: str,
    vpc: aws.ec2.Vpc,
    cloud: Aws,
    subnets: Mapping[str, aws.ec2.Subnet],
    tags: Mapping[str, str],
    opts: pulumi.ResourceOptions,
) -> list[aws.ec2.VpcEndpoint]:
    """Interface endpoints with private DNS in every private subnet, which admit only the network."""
    group = aws.ec2.SecurityGroup(
        f"{name}-endpoints",
        vpc_id=vpc.id,
        description="HTTPS from within the network to AWS endpoints",
        ingress=[
            aws.ec2.SecurityGroupIngressArgs(
                description="HTTPS from the network",
                protocol="tcp",
                from_port=443,
                to_port=443,
                cidr_blocks=[vpc.cidr_block],
            )
        ],
        # An endpoint opens no connections.
        egress=[],
        tags={**tags, "Name": f"{name}-endpoints"},
        opts=opts,
    )
    return [
        aws.ec2.VpcEndpoint(
            f"{name}-endpoint-{service.replace('.', '-')}",
            vpc_id=vpc.id,
            vpc_endpoint_type="Interface",
            service_name=service_name(cloud.region, service),
            private_dns_enabled=True,
            subnet_ids=[subnet.id for subnet in subnets.values()],
            security_group_ids=[group.id],
            tags={**tags, "Name": f"{name}-{service}"},
            opts=opts,
        )
        for service in INTERFACES
    ]
