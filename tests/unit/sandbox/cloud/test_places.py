"""Where AWS has what: zones of an account, zones without a service, machines without quota or stock."""

from pathlib import Path
from typing import Any

import pytest
from support.sandboxes.cloud_account import SCOPE, cloud, make, whole_account

from llmplatform_sandbox.cloud import SimulatedCloud
from llmplatform_sandbox.cloud.aws.places import CLOSED, zone_id
from llmplatform_sandbox.cloud.requests import CloudError, NotReady

CLUSTER, GROUP, SUBNET, ENDPOINT = (
    "aws:eks/cluster:Cluster",
    "aws:eks/nodeGroup:NodeGroup",
    "aws:ec2/subnet:Subnet",
    "aws:ec2/vpcEndpoint:VpcEndpoint",
)


@pytest.fixture
def account(tmp_path: Path) -> SimulatedCloud:
    return cloud(tmp_path)


@pytest.fixture
def running(account: SimulatedCloud) -> SimulatedCloud:
    """With one of everything, up to a GPU group of one machine."""
    whole_account(account, GROUP)
    return account


def subnet(account: SimulatedCloud, zone: str, cidr: str) -> str:
    [vpc] = account.account.store.all("aws:ec2/vpc:Vpc")
    return make(account, SUBNET, zone, vpcId=vpc.id, availabilityZone=zone, cidrBlock=cidr).id


def cluster_update(account: SimulatedCloud, subnets: list[str]) -> None:
    [record] = account.account.store.all(CLUSTER)
    config = {**record.inputs["vpcConfig"], "subnetIds": subnets}
    account.account.update(CLUSTER, record.id, {**record.inputs, "vpcConfig": config}, SCOPE)


def group_inputs(account: SimulatedCloud, **changes: Any) -> dict[str, Any]:
    [record] = account.account.store.all(GROUP)
    return {**record.inputs, "nodeGroupName": "other", "capacityType": "ON_DEMAND", **changes}


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("eu-west-1b", "euw1-az2"),
        ("ap-southeast-2a", "apse2-az1"),
        ("us-gov-west-1c", "usgw1-az3"),
        ("us-east-1e", "use1-az3"),
    ],
)
def test_a_letter_stands_for_an_id(account: SimulatedCloud, name: str, found: str) -> None:
    assert zone_id(account.account.faults, name) == found


def test_letters_stand_for_other_zones_in_another_account(account: SimulatedCloud) -> None:
    letters = [f"us-east-1{letter}" for letter in "abcdef"]
    account.fault("not-offered", "eks@us-east-1a", active=True)
    ids = [zone_id(account.account.faults, one) for one in letters]
    assert ids[0] == CLOSED["us-east-1"]
    assert sorted(ids) == [f"use1-az{number}" for number in range(1, 7)], "each is there once"


def test_a_subnet_says_the_id_of_its_zone(running: SimulatedCloud) -> None:
    found = {one.outputs["availabilityZoneId"] for one in running.account.store.all(SUBNET)}
    assert found == {"euw1-az1", "euw1-az2"}


def test_eks_makes_no_cluster_in_a_zone_that_it_does_not_support(account: SimulatedCloud) -> None:
    account.fault("not-offered", "eks@us-east-1a", active=True)
    make(account, "aws:ec2/vpc:Vpc", cidrBlock="10.0.0.0/16")
    role = make(account, "aws:iam/role:Role", name="c", assumeRolePolicy="{}")
    subnets = [subnet(account, "us-east-1a", "10.0.0.0/20"), subnet(account, "us-east-1b", "10.0.16.0/20")]
    with pytest.raises(CloudError, match=r"UnsupportedAvailabilityZoneException.*us-east-1a.*use1-az3"):
        make(account, CLUSTER, name="c", roleArn=role.outputs["arn"], vpcConfig={"subnetIds": subnets})


def test_a_clusters_zones_are_fixed_at_its_creation(running: SimulatedCloud) -> None:
    [record] = running.account.store.all(CLUSTER)
    before = list(record.inputs["vpcConfig"]["subnetIds"])
    third = subnet(running, "eu-west-1c", "10.0.32.0/20")
    with pytest.raises(CloudError, match="exact set of AZs 'eu-west-1a,eu-west-1b' in which subnets were provided"):
        cluster_update(running, [*before, third])
    with pytest.raises(CloudError, match="exact set of AZs"):
        cluster_update(running, before[:1])
    cluster_update(running, [*before, subnet(running, "eu-west-1b", "10.0.48.0/20")])


def test_an_endpoint_is_refused_in_a_zone_without_its_service(running: SimulatedCloud) -> None:
    [record] = running.account.store.all(ENDPOINT)
    running.fault("not-offered", "ecr.dkr@eu-west-1b", active=True)
    inputs = {**record.inputs, "serviceName": "com.amazonaws.eu-west-1.ecr.dkr"}
    with pytest.raises(CloudError, match="does not support the availability zone of the subnet: subnet-"):
        make(running, ENDPOINT, **inputs)
    make(running, ENDPOINT, **{**inputs, "subnetIds": record.inputs["subnetIds"][:1]})


def test_machines_come_from_the_zones_that_have_their_type(running: SimulatedCloud) -> None:
    running.fault("not-offered", "g5.2xlarge@eu-west-1a", active=True)
    types = {"instanceTypes": ["g5.2xlarge"], "scalingConfig": {"minSize": 2, "maxSize": 2, "desiredSize": 2}}
    made = make(running, GROUP, **group_inputs(running, **types))
    group = made.outputs["resources"][0]["autoscalingGroups"][0]["name"]
    assert {one.zone for one in running.instances() if one.group == group} == {"eu-west-1b"}


@pytest.mark.parametrize(
    ("kind", "target", "code"),
    [
        ("no-quota", "L-DB2E81BA", "VcpuLimitExceeded"),
        ("stockout", "g5.2xlarge", "InsufficientInstanceCapacity"),
    ],
)
def test_an_on_demand_group_without_its_machines_ends_as_create_failed(
    running: SimulatedCloud, kind: str, target: str, code: str
) -> None:
    running.fault(kind, target, active=True)
    types = {"instanceTypes": ["g5.2xlarge"], "scalingConfig": {"minSize": 1, "maxSize": 2, "desiredSize": 1}}
    with pytest.raises(NotReady, match=f"AsgInstanceLaunchFailures.*{code}"):
        make(running, GROUP, **group_inputs(running, **types))
    found = running.account.read(GROUP, "dev:other")
    assert found is not None
    assert found.outputs["status"] == "CREATE_FAILED"
    running.fault(kind, target, active=False)
    with pytest.raises(CloudError, match="not in Active State"):
        running.account.update(GROUP, "dev:other", {**found.inputs, "labels": {}}, SCOPE)


def test_spot_and_on_demand_count_against_quotas_of_their_own(running: SimulatedCloud) -> None:
    running.fault("no-quota", "L-DB2E81BA", active=True)
    [spot] = running.node_groups()
    running.resize(spot.id, 2)
    running.fault("no-quota", "L-3819A6DF", active=True)
    with pytest.raises(Exception, match="MaxSpotInstanceCountExceeded"):
        running.resize(spot.id, 3)


@pytest.mark.parametrize("target", ["g5.2xlarge", "eks@eu-west-1a", "g9.huge@eu-west-1a", "ecr.api@somewhere"])
def test_what_cannot_be_missing_is_no_target(account: SimulatedCloud, target: str) -> None:
    with pytest.raises(ValueError, match="nothing that not-offered can strike"):
        account.fault("not-offered", target, active=True)
