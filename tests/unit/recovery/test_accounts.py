"""Looking for what an interrupted create made: on AWS as moto plays it, on Alibaba Cloud by recorded answers."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest
from alibabacloud_credentials.exceptions import CredentialException
from botocore.exceptions import ClientError
from moto import mock_aws
from Tea.exceptions import TeaException, UnretryableException
from Tea.request import TeaRequest

from llmplatform.catalog.tags import ENVIRONMENT_TAG, RESOURCE_TAG
from llmplatform.recovery.accounts import open_account
from llmplatform.recovery.alicloud import AlicloudAccount, Service
from llmplatform.recovery.aws import AwsAccount
from llmplatform.recovery.sessions import credentials
from llmplatform.recovery.state import accounts
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
    assert aws.found(ROLE, {"name": "ours"}, f"{ROLE} node") == ["ours"]
    assert aws.found(ROLE, {"name": "theirs"}, f"{ROLE} node") == []
    assert aws.found(ROLE, {"name": "ownerless"}, f"{ROLE} node") == []


def test_an_oidc_provider_is_found_by_its_url_and_ours_only_with_our_tag(aws: AwsAccount) -> None:
    kind, issuer = (
        "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
        "https://oidc.eks.us-east-1.amazonaws.com/id/A1",
    )
    client = boto3.client("iam", REGION)
    assert aws.found(kind, {"url": issuer}, "oidc") == []
    client.create_open_id_connect_provider(Url=f"{issuer}B2", ClientIDList=["sts.amazonaws.com"], Tags=tags("oidc"))
    arn = client.create_open_id_connect_provider(Url=issuer, ClientIDList=["sts.amazonaws.com"])
    assert aws.found(kind, {"url": issuer}, "oidc") == [], "another owner's"
    id_ = arn["OpenIDConnectProviderArn"]
    client.tag_open_id_connect_provider(OpenIDConnectProviderArn=id_, Tags=tags("oidc"))
    assert aws.found(kind, {"url": issuer}, "oidc") == [id_], "imported by its ARN, as the provider's page says"


@pytest.mark.parametrize("kept", [json.dumps, list], ids=["as text", "as list"])
def test_the_roles_that_the_provider_takes_are_taken(aws: AwsAccount, kept: Any) -> None:
    # The first input is what the SDK registers (pulumi_aws.Provider: `pulumi.runtime.to_json` of the list).
    roles = kept([{"roleArn": "arn:aws:iam::444455556666:role/deploy"}])
    account = open_account("aws", {"region": REGION, "assumeRoles": roles}, ["444455556666"])
    assert ":assumed-role/deploy/llmplatform-recover" in vars(account)["_sts"].get_caller_identity()["Arn"]


def test_the_profile_of_the_provider_is_used(aws: AwsAccount) -> None:
    with pytest.raises(Unknown, match=r"aws: The config profile \(ownerless\) could not be found; "):
        open_account("aws", {"region": REGION, "profile": "ownerless"}, [])


def test_what_hangs_on_a_route_table_is_found_there(aws: AwsAccount) -> None:
    ec2 = boto3.client("ec2", REGION)
    network = vpc(f"{VPC} core-vpc")
    subnet = ec2.create_subnet(VpcId=network, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    table = ec2.create_route_table(VpcId=network)["RouteTable"]["RouteTableId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=network)
    route = {"routeTableId": table, "destinationCidrBlock": "0.0.0.0/0"}
    association = {"routeTableId": table, "subnetId": subnet}
    types = "aws:ec2/route:Route", "aws:ec2/routeTableAssociation:RouteTableAssociation"
    assert [aws.found(types[0], route, ""), aws.found(types[1], association, "")] == [[], []]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    made = ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)["AssociationId"]
    # The provider's own id: crc32("0.0.0.0/0").
    assert aws.found(types[0], route, "") == [f"r-{table}1080289494"]
    assert aws.found(types[1], association, "") == [made]
    assert aws.found(types[0], {**route, "routeTableId": "rtb-gone"}, "") == []


def test_a_mount_target_is_found_in_its_subnet(aws: AwsAccount) -> None:
    network = vpc(f"{VPC} core-vpc")
    subnet = boto3.client("ec2", REGION).create_subnet(VpcId=network, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    efs = boto3.client("efs", REGION)
    files = efs.create_file_system(CreationToken="files")["FileSystemId"]
    inputs, type_ = {"fileSystemId": files, "subnetId": subnet}, "aws:efs/mountTarget:MountTarget"
    assert aws.found(type_, inputs, "") == []
    made = efs.create_mount_target(FileSystemId=files, SubnetId=subnet)["MountTargetId"]
    assert aws.found(type_, inputs, "") == [made]


class Answers(Service):
    """Answers as the services document them, in turn, and notes what it was asked."""

    def __init__(self, *answers: dict[str, Any] | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, Mapping[str, str], str]] = []

    def call(self, product: str, version: str, action: str, query: Mapping[str, str], path: str = "") -> dict[str, Any]:
        self.asked.append((f"{product} {version} {action}", query, path))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_alibaba_cloud_is_asked_for_both_tags_page_by_page() -> None:
    arns = [f"arn:acs:vpc:cn-hangzhou:1111222233334444:vpc/vpc-{number}" for number in range(2)]
    service = Answers(
        {"TagResources": [{"ResourceARN": arns[0]}], "NextToken": "more"}, {"TagResources": [{"ResourceARN": arns[1]}]}
    )
    found = AlicloudAccount("cn-hangzhou", service=service).tagged("dev-ack", "vpc/network:Network core-vpc")
    assert found == arns
    wanted = {ENVIRONMENT_TAG: "dev-ack", RESOURCE_TAG: "vpc/network:Network core-vpc"}
    assert json.loads(service.asked[0][1]["Tags"]) == wanted
    assert [query.get("NextToken") for _, query, _ in service.asked] == [None, "more"]


@pytest.mark.parametrize(
    ("type_", "name", "kind"),
    [("alicloud:ram/role:Role", "roleName", "role"), ("alicloud:ram/policy:Policy", "policyName", "policy")],
)
def test_what_ram_has_is_ours_only_with_our_tag(type_: str, name: str, kind: str) -> None:
    ours = {"TagResources": [{"ResourceName": "files", "TagKey": RESOURCE_TAG, "TagValue": f"{type_} files"}]}
    gone = TeaException({"code": f"EntityNotExist.{kind.title()}", "message": "it does not exist"})
    service = Answers(ours, {"TagResources": []}, gone)
    account = AlicloudAccount("cn-hangzhou", service=service)
    found = [account.found(type_, {name: "files"}, f"{type_} files") for _ in range(3)]
    assert found == [["files"], [], []]
    assert service.asked[0][1] == {"ResourceType": kind, "ResourceNames.1": "files"}


def test_a_profile_of_the_aliyun_cli_is_taken_where_the_provider_has_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = {"name": "prod", "mode": "AK", "access_key_id": "LTAI-prod", "access_key_secret": "not-a-secret"}
    (tmp_path / ".aliyun").mkdir()
    (tmp_path / ".aliyun" / "config.json").write_text(json.dumps({"current": "other", "profiles": [profile]}))
    monkeypatch.setattr("alibabacloud_credentials.utils.auth_constant.HOME", str(tmp_path))
    assert credentials("prod").get_credential().access_key_id == "LTAI-prod"
    opened: list[tuple[str, str | None]] = []

    class Account(Answers):
        def __init__(self, region: str, profile: str | None) -> None:
            super().__init__()
            opened.append((region, profile))

        def number(self) -> str:
            return "1111222233334444"

    monkeypatch.setattr("llmplatform.recovery.accounts.AlicloudAccount", Account)
    open_account("alicloud", {"region": "cn-hangzhou", "profile": "prod"}, ["1111222233334444"])
    assert opened == [("cn-hangzhou", "prod")]


def test_a_node_pool_is_found_in_its_cluster() -> None:
    pools = [{"nodepool_info": {"name": each, "nodepool_id": f"np-{each}"}} for each in ("system", "gpu")]
    service = Answers({"nodepools": pools})
    inputs = {"clusterId": "c1", "nodePoolName": "gpu"}
    account = AlicloudAccount("cn-hangzhou", service=service)
    assert account.found("alicloud:cs/nodePool:NodePool", inputs, "") == ["c1:np-gpu"]
    assert service.asked == [("cs 2015-12-15 DescribeClusterNodePools", {}, "/clusters/c1/nodepools")]


@pytest.mark.parametrize("ids", ['["444455556666"]', ["444455556666"], "444455556666"])
def test_the_account_is_told_by_the_provider(ids: Any) -> None:
    name = "accountId" if ids == "444455556666" else "allowedAccountIds"
    provider = {"urn": "urn::p", "type": "pulumi:providers:aws", "inputs": {name: ids}}
    assert accounts({"resources": [provider]}, "urn::p") == ["444455556666"]


def test_credentials_of_another_account_are_refused(aws: AwsAccount) -> None:
    with pytest.raises(Unknown, match="of account 123456789012, and the stack is in 444455556666; log in"):
        open_account("aws", {"region": REGION}, ["444455556666"])
    assert open_account("aws", {"region": REGION}, ["123456789012"])


def test_credentials_of_another_account_of_alibaba_cloud_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def ours(*_: object) -> dict[str, Any]:
        return {"AccountId": "1111222233334444"}

    monkeypatch.setattr(Service, "call", ours)
    with pytest.raises(Unknown, match="account 1111222233334444, and the stack is in 5555666677778888"):
        open_account("alicloud", {"region": "cn-hangzhou"}, ["5555666677778888"])
    assert open_account("alicloud", {"region": "cn-hangzhou"}, ["1111222233334444"])


def test_missing_credentials_are_said_in_a_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith(("AWS_", "ALIBABA_CLOUD_")):
            monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(Unknown, match=r"aws: Unable to locate credentials; .*has to work") as said:
        open_account("aws", {"region": REGION}, [])
    assert "\n" not in str(said.value)


@pytest.mark.parametrize(
    "raised",
    [
        CredentialException("unable to load credentials from any of the providers in the chain: ['a', 'b']"),
        UnretryableException(TeaRequest(), CredentialException("unable to load credentials")),
        TeaException({"code": "InvalidSecurityToken.Expired", "message": "unable to load credentials"}),
    ],
    ids=lambda raised: type(raised).__name__,
)
def test_what_the_sdk_of_alibaba_cloud_raises_is_said_in_a_line(raised: Exception) -> None:
    account = AlicloudAccount("cn-hangzhou", service=Answers(raised))
    with pytest.raises(Unknown, match=r"^alicloud: GetCallerIdentity: .*unable to load cred.*; .*has to work") as said:
        account.number()
    assert "\n" not in str(said.value)
    assert "'b'" not in str(said.value)


def test_expired_credentials_of_aws_are_said_in_a_line(aws: AwsAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    def expired(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "ExpiredToken", "Message": "the token is\nexpired"}}, "GetCallerIdentity")

    monkeypatch.setattr(vars(aws)["_sts"], "get_caller_identity", expired)
    with pytest.raises(Unknown, match=r"aws: .*ExpiredToken.*the token is expired; "):
        aws.number()


def test_a_provider_without_a_region_is_said() -> None:
    with pytest.raises(Unknown, match="names no region"):
        open_account("aws", {}, [])


def test_a_missing_sdk_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "boto3", None)
    with pytest.raises(Unknown, match="boto3 is missing; install llmplatform with its extra `recover`"):
        open_account("aws", {"region": REGION}, [])
