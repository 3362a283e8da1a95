"""An account of AWS, as moto plays it, and things that an environment left there.

Tags as the controllers write them: aws-ebs-csi-driver, aws-load-balancer-controller, amazon-vpc-cni-k8s, GuardDuty.
"""

from functools import cache
from typing import Any

import boto3

from llmplatform.doctor.checks import Ask
from llmplatform.doctor.on_aws.account import AwsAccount
from llmplatform.sweep.kinds import Leftover, Place
from llmplatform.sweep.running import survey
from llmplatform.sweep.stacks import AWS

REGION = "us-east-1"
PLACE = Place(
    environment="prod",
    region=REGION,
    clusters=frozenset({"prod-llm"}),
    zone="Z0",
    host="llm.example.org",
)
OURS = [{"Key": "llmplatform:environment", "Value": "prod"}]
OF_DRIVER = [
    {"Key": "ebs.csi.aws.com/cluster", "Value": "true"},
    {"Key": "kubernetes.io/cluster/prod-llm", "Value": "owned"},
    {"Key": "kubernetes.io/created-for/pvc/namespace", "Value": "monitoring"},
    {"Key": "kubernetes.io/created-for/pvc/name", "Value": "prometheus-0"},
]
OF_STRANGER = [{"Key": "ebs.csi.aws.com/cluster", "Value": "true"}]
KINDS = {kind.name: kind for kind in AWS}


@cache
def shared() -> AwsAccount:
    """One for all tests: reading the models of a service takes longer than a test. moto empties itself."""
    return AwsAccount(REGION)


@cache
def client(service: str) -> Any:
    return boto3.client(service, REGION)


def volume(*tags: dict[str, str]) -> str:
    spec = [{"ResourceType": "volume", "Tags": [*tags]}] if tags else []
    return client("ec2").create_volume(AvailabilityZone=f"{REGION}a", Size=20, TagSpecifications=spec)["VolumeId"]


def network(*tags: dict[str, str]) -> tuple[str, str]:
    ec2 = client("ec2")
    spec = [{"ResourceType": "vpc", "Tags": [*tags]}] if tags else []
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=spec)["Vpc"]["VpcId"]
    return vpc, ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]


def left(name: str, ask: Ask, place: Place = PLACE) -> list[Leftover]:
    [found] = survey([KINDS[name]], place, ask)
    assert not found.problem
    return [*found.left]
