"""Looking for what an interrupted create made: on AWS as moto plays it, on Alibaba Cloud by recorded answers."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from alibabacloud_tag20180828.models import ListTagResourcesRequest, ListTagResourcesResponse
from moto import mock_aws

from llmplatform.catalog.tags import ENVIRONMENT_TAG, RESOURCE_TAG
from llmplatform.recovery.accounts import AlicloudAccount, AwsAccount, open_account
from llmplatform.recovery.survey import Unknown

REGION = "us-east-1"
VPC, ROLE = "aws:ec2/vpc:Vpc", "aws:iam/role:Role"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[AwsAccount]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        yield AwsAccount(REGION)


def tags(resource: str, environment: str = "dev") -> list[dict[str, str]]:
    return [{"Key": ENVIRONMENT_TAG, "Value": environment}, {"Key": RESOURCE_TAG, "Value": resource}]


def vpc(resource: str, environment: str = "dev") -> str:
    specification = [{"ResourceType": "vpc", "Tags": tags(resource, environment)}]
    made = boto3.client("ec2", REGION).create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=specification)
    return made["Vpc"]["VpcId"]


def test_an_object_is_found_by_both_tags_and_by_no_other(aws: AwsAccount) -> None:
    wanted = vpc(f"{VPC} core-vpc")
    vpc(f"{VPC} core-vpc", "prod")
    vpc(f"{VPC} other-vpc")
    [arn] = aws.tagged("dev", f"{VPC} core-vpc")
    assert arn.endswith(f"vpc/{wanted}")
    assert aws.tagged("dev", f"{VPC} never-made") == []


def test_every_object_that_carries_the_tags_is_named(aws: AwsAccount) -> None:
    made = {vpc(f"{VPC} core-vpc"), vpc(f"{VPC} core-vpc")}
    assert {arn.rpartition("/")[2] for arn in aws.tagged("dev", f"{VPC} core-vpc")} == made


def test_a_role_is_ours_only_with_our_tag(aws: AwsAccount) -> None:
    iam = boto3.client("iam", REGION)
    iam.create_role(RoleName="ours", AssumeRolePolicyDocument="{}", Tags=tags(f"{ROLE} node"))
    iam.create_role(RoleName="theirs", AssumeRolePolicyDocument="{}")
    assert aws.named(ROLE, "ours", f"{ROLE} node")
    assert not aws.named(ROLE, "theirs", f"{ROLE} node")
    assert not aws.named(ROLE, "nobodys", f"{ROLE} node")


class TagService:
    """Answers with pages, as the service documents them, and notes what it was asked."""

    def __init__(self, *pages: list[str]) -> None:
        self.pages = list(pages)
        self.asked: list[ListTagResourcesRequest] = []

    def list_tag_resources(self, request: ListTagResourcesRequest) -> ListTagResourcesResponse:
        self.asked.append(request)
        body: dict[str, Any] = {"TagResources": [{"ResourceARN": arn, "Tags": []} for arn in self.pages.pop(0)]}
        if self.pages:
            body["NextToken"] = "more"
        answer = ListTagResourcesResponse()
        return answer.from_map({"headers": {}, "statusCode": 200, "body": body})


def test_alibaba_cloud_is_asked_for_both_tags_page_by_page() -> None:
    arns = [f"arn:acs:vpc:cn-hangzhou:1111222233334444:vpc/vpc-{number}" for number in range(2)]
    service = TagService([arns[0]], [arns[1]])
    found = AlicloudAccount("cn-hangzhou", service).tagged("dev-ack", "alicloud:vpc/network:Network core-vpc")
    assert found == arns
    wanted = {ENVIRONMENT_TAG: "dev-ack", RESOURCE_TAG: "alicloud:vpc/network:Network core-vpc"}
    assert json.loads(service.asked[0].tags) == wanted
    assert [each.next_token for each in service.asked] == [None, "more"]


def test_a_provider_without_a_region_is_said() -> None:
    with pytest.raises(Unknown, match="names no region"):
        open_account("aws", {})


def test_a_missing_sdk_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "boto3", None)
    with pytest.raises(Unknown, match=r"boto3 is missing; pip install 'llmplatform\[recover\]'"):
        open_account("aws", {"region": REGION})
