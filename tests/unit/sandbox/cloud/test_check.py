"""What Check says of inputs, as the real provider and API would."""

from pathlib import Path
from typing import Any

import pytest
from support.sandboxes.cloud_account import cloud

from llmplatform_sandbox.cloud.check import UNKNOWN, check
from llmplatform_sandbox.cloud.facts import load

FACTS = load("aws")
NODE_GROUP: dict[str, Any] = {
    "clusterName": "dev",
    "nodeRoleArn": "arn:aws:iam::111122223333:role/r",
    "subnetIds": ["subnet-1"],
    "scalingConfig": {"minSize": 0, "maxSize": 1, "desiredSize": 0},
}


def findings(type_: str, **inputs: Any) -> dict[str, str]:
    return dict(check(FACTS, type_, inputs))


def test_a_typo_names_the_nearest_property_also_inside_an_object() -> None:
    found = findings(
        "aws:eks/nodeGroup:NodeGroup", **NODE_GROUP, instanceType=["g5.xlarge"], updateConfig={"max_unavailable": 1}
    )
    assert "write instanceTypes" in found["instanceType"]
    assert "write maxUnavailable" in found["updateConfig.max_unavailable"], "nested typos arrive untranslated"


def test_everything_that_is_wrong_is_said_at_once() -> None:
    found = findings(
        "aws:eks/nodeGroup:NodeGroup",
        clusterName=7,
        scalingConfig={"minSize": 0, "maxSize": "4"},
        capacityType="spot",
        taints=[{"key": "a", "effect": "NoSchedule"}],
        nodeRoleArn="r",
    )
    assert set(found) == {
        "clusterName",
        "scalingConfig.maxSize",
        "scalingConfig.desiredSize",
        "capacityType",
        "taints[0].effect",
        "subnetIds",
    }
    assert "NO_SCHEDULE" in found["taints[0].effect"], "EKS spells effects otherwise than Kubernetes"


def test_whole_numbers_may_arrive_as_floats_and_text_may_not_stand_for_them() -> None:
    scaling = {"minSize": 0.0, "maxSize": 4.0, "desiredSize": 0.5}
    found = findings("aws:eks/nodeGroup:NodeGroup", **{**NODE_GROUP, "scalingConfig": scaling})
    assert list(found) == ["scalingConfig.desiredSize"]


def test_a_number_where_the_launch_template_wants_text_is_refused() -> None:
    found = findings("aws:eks/nodeGroup:NodeGroup", **NODE_GROUP, launchTemplate={"id": "lt-1", "version": 1})
    assert "write a string" in found["launchTemplate.version"], "latest_version is a number, version is text"


def test_a_boolean_where_the_launch_template_wants_text_is_refused() -> None:
    found = findings("aws:ec2/launchTemplate:LaunchTemplate", blockDeviceMappings=[{"ebs": {"encrypted": True}}])
    assert list(found) == ["blockDeviceMappings[0].ebs.encrypted"], "these two are strings in this class"


def test_deprecated_properties_are_refused_with_the_sdks_advice() -> None:
    found = findings("aws:s3/bucket:Bucket", bucket="dev-artifacts", acl="private")
    assert "BucketAcl" in found["acl"]


def test_dead_images_are_refused_although_the_api_lists_them() -> None:
    found = findings("aws:eks/nodeGroup:NodeGroup", **NODE_GROUP, amiType="AL2_x86_64_GPU")
    assert "AL2023_x86_64_NVIDIA" in found["amiType"]


def test_properties_that_exclude_one_another_are_refused() -> None:
    found = findings(
        "aws:eks/nodeGroup:NodeGroup", **NODE_GROUP, diskSize=100, launchTemplate={"id": "lt-1", "version": "1"}
    )
    assert "conflicts with diskSize" in found["launchTemplate"]


def test_one_of_a_group_has_to_be_there() -> None:
    found = findings("aws:ec2/route:Route", routeTableId="rtb-1")
    assert {"destinationCidrBlock", "carrierGatewayId"} == set(found)


def test_unknown_values_count_as_present_and_right() -> None:
    found = findings(
        "aws:eks/nodeGroup:NodeGroup",
        clusterName=UNKNOWN,
        nodeRoleArn=UNKNOWN,
        subnetIds=UNKNOWN,
        scalingConfig={"minSize": 0, "maxSize": UNKNOWN, "desiredSize": 0},
        capacityType=UNKNOWN,
    )
    assert not found


@pytest.mark.parametrize("type_", ["aws:sqs/queue:Queue", "aws:ec2/vpcc:Vpcc", "auto-scaling-group"])
def test_a_type_that_is_not_in_the_facts_is_refused_in_one_sentence(type_: str) -> None:
    [(path, reason)] = check(FACTS, type_, {})
    assert path == ""
    assert type_ in reason


@pytest.mark.parametrize(
    ("type_", "inputs", "path"),
    [
        ("aws:ec2/vpc:Vpc", {"cidrBlock": "10.0.0.0/8"}, "cidrBlock"),
        ("aws:cloudwatch/logGroup:LogGroup", {"name": "a", "retentionInDays": 31}, "retentionInDays"),
        ("aws:kms/key:Key", {"deletionWindowInDays": 3}, "deletionWindowInDays"),
        ("aws:iam/role:Role", {"name": "a" * 65, "assumeRolePolicy": "{}"}, "name"),
        ("aws:iam/role:Role", {"name": "a", "assumeRolePolicy": "{"}, "assumeRolePolicy"),
        ("aws:s3/bucket:Bucket", {"bucket": "Upper"}, "bucket"),
        ("aws:kms/alias:Alias", {"name": "secrets", "targetKeyId": "k"}, "name"),
    ],
)
def test_values_that_the_api_would_refuse(type_: str, inputs: dict[str, Any], path: str) -> None:
    assert path in findings(type_, **inputs)


@pytest.mark.parametrize(
    ("inputs", "path"),
    [
        ({"instanceTypes": ["g5.99xlarge"]}, "instanceTypes[0]"),
        ({"instanceTypes": ["g5g.xlarge"], "amiType": "AL2023_x86_64_NVIDIA"}, "instanceTypes[0]"),
        ({"scalingConfig": {"minSize": 2, "maxSize": 1, "desiredSize": 2}}, "scalingConfig.desiredSize"),
    ],
)
def test_node_groups_that_eks_would_refuse(tmp_path: Path, inputs: dict[str, Any], path: str) -> None:
    found = cloud(tmp_path).account.behaviour("aws:eks/nodeGroup:NodeGroup").check({**NODE_GROUP, **inputs})
    assert [one for one, _ in found] == [path]
