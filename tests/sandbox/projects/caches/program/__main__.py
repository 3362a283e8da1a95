"""A cache of each cloud in a network of its own, with the settings of the stack file."""

import pulumi
import pulumi_alicloud
import pulumi_aws
import pulumi_random

from llmplatform import alicloud, aws
from llmplatform.specs.caches import NewCache
from llmplatform.specs.cloud import Alicloud, Aws
from llmplatform.specs.environment import Environment

config = pulumi.Config()
environment = Environment(name="dev", owner="ml", cost_center="1", protection="none")
tags = {"llmplatform:environment": "dev"}
generated = pulumi_random.Provider("generated")


def spec(cloud: str) -> NewCache:
    return NewCache.model_validate(config.require_object(cloud))


def on_aws() -> aws.Cache:
    cloud = Aws(provider="aws", account_id="111122223333", region="us-east-1", zones=("us-east-1a", "us-east-1b"))
    provider = pulumi_aws.Provider("aws", region=cloud.region, allowed_account_ids=[cloud.account_id])
    here = pulumi.ResourceOptions(provider=provider)
    network = pulumi_aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16", opts=here)
    subnets = {
        zone: pulumi_aws.ec2.Subnet(
            zone, vpc_id=network.id, cidr_block=f"10.0.{number}.0/24", availability_zone=zone, opts=here
        ).id
        for number, zone in enumerate(cloud.zones)
    }
    nodes = pulumi_aws.ec2.SecurityGroup("nodes", vpc_id=network.id, description="nodes", opts=here)
    args = aws.CacheArgs(
        spec=spec("aws"),
        environment=environment,
        cloud=cloud,
        network_id=network.id,
        subnet_ids=subnets,
        security_group_id=nodes.id,
        tags=tags,
    )
    return aws.Cache("cache", args, pulumi.ResourceOptions(providers=[provider, generated]))


def on_alicloud() -> alicloud.Cache:
    cloud = Alicloud(
        provider="alicloud",
        account_id="1111222233334444",
        account_type="Domestic",
        region="cn-hangzhou",
        zones=("cn-hangzhou-j", "cn-hangzhou-k"),
    )
    provider = pulumi_alicloud.Provider(
        "alicloud", region=cloud.region, account_id=cloud.account_id, account_type=cloud.account_type
    )
    here = pulumi.ResourceOptions(provider=provider)
    network = pulumi_alicloud.vpc.Network("network", vpc_name="network", cidr_block="10.0.0.0/16", opts=here)
    vswitches = {
        zone: pulumi_alicloud.vpc.Switch(
            zone, vswitch_name=zone, vpc_id=network.id, cidr_block=f"10.0.{number}.0/24", zone_id=zone, opts=here
        ).id
        for number, zone in enumerate(cloud.zones)
    }
    args = alicloud.CacheArgs(
        spec=spec("alicloud"),
        environment=environment,
        cloud=cloud,
        network_id=network.id,
        subnet_ids=vswitches,
        client_cidrs=("10.0.0.0/24", "10.0.1.0/24"),
        tags=tags,
    )
    return alicloud.Cache("tair", args, pulumi.ResourceOptions(providers=[provider, generated]))


pulumi.export("hosts", [on_aws().host, on_alicloud().host])
