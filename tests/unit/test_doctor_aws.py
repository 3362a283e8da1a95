"""Each check of an AWS account shown red once, with its remedy; and what each says when all is well.

Answers have the shapes of botocore's models. Facts: zones without a control plane, EKS user guide;
quotas' codes, EC2 user guide "Spot Instance quotas" and "On-Demand Instance quotas"; key policies, user guide of EC2
Auto Scaling.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
import recorded
from moto import mock_aws
from program import stack_config
from stack_settings import EXISTING_NETWORK, ROOT, VPC

from llmplatform.doctor import known
from llmplatform.doctor.checks import Absent, Denied, Finding, NoAnswer, Result
from llmplatform.doctor.on_aws import caller, identities, names, quotas
from llmplatform.doctor.on_aws.account import AwsAccount
from llmplatform.doctor.running import run_account, run_check
from llmplatform.doctor.wanted import Wanted
from llmplatform.specs import parse
from llmplatform.specs.files import read

ROLE = "arn:aws:iam::444455556666:role/platform-deploy"
SESSION = "arn:aws:sts::444455556666:assumed-role/platform-deploy/github"
CHECKS = {check.name: check for check in known.AWS}


def wanted(stack: str = "prod", **changes: Any) -> Wanted:
    raw = read(ROOT / f"Pulumi.{stack}.yaml")
    for path, value in changes.items():
        *sections, last = path.split("__")
        place = raw
        for section in sections:
            place = place[section]
        place[last] = value
    return Wanted(stack, parse(raw), ROOT)


def ran(name: str, of: Wanted | None = None, **answers: Any) -> Result:
    return run_check(CHECKS[name], of or wanted(), recorded.aws(**answers))


def identity(arn: str = SESSION, account: str = "444455556666") -> dict[str, Any]:
    return {"Account": account, "Arn": arn, "UserId": "AROAEXAMPLE", "ResponseMetadata": {"HTTPHeaders": {}}}


def only(result: Result) -> Finding:
    [finding] = [each for each in result.findings if each.level == result.level]
    return finding


def zones(**ids: str) -> dict[str, Any]:
    found = [
        {"ZoneName": f"us-east-1{letter}", "ZoneId": id_, "State": "available", "ZoneType": "availability-zone"}
        for letter, id_ in ids.items()
    ]
    return {"AvailabilityZones": found}


def offerings(**sold: str) -> Any:
    def answer(**parameters: Any) -> dict[str, Any]:
        machines = parameters["Filters"][0]["Values"]
        found = [
            {"InstanceType": machine, "LocationType": "availability-zone", "Location": f"us-east-1{letter}"}
            for machine in machines
            for letter in sold.get(machine.partition(".")[0], "abc")
        ]
        return {"InstanceTypeOfferings": found}

    return answer


def services(*without: str) -> Any:
    def answer(**parameters: Any) -> dict[str, Any]:
        found = [
            {
                "ServiceName": name,
                "AvailabilityZones": [f"us-east-1{each}" for each in ("ab" if name in without else "abc")],
            }
            for name in parameters["Filters"][0]["Values"]
        ]
        return {"ServiceNames": [], "ServiceDetails": found}

    return answer


def quota(**values: float) -> Any:
    def answer(**parameters: Any) -> dict[str, Any]:
        code = parameters["QuotaCode"]
        value = values.get(code.replace("-", "_"), 1000.0)
        return {"Quota": {"QuotaName": f"the quota {code}", "QuotaCode": code, "Value": value}}

    return answer


def policy(principal: str, *actions: str) -> dict[str, str]:
    statement = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": [*actions], "Resource": "*"}
    return {"PolicyName": "default", "Policy": json.dumps({"Version": "2012-10-17", "Statement": [statement]})}


LINKED = "arn:aws:iam::444455556666:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"
KEY = "arn:aws:kms:us-east-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab"
CUSTOMER_KEY: dict[str, Any] = {
    "GetEbsDefaultKmsKeyId": {"KmsKeyId": KEY},
    "DescribeKey": {"KeyMetadata": {"KeyId": KEY, "KeyManager": "CUSTOMER", "KeyState": "Enabled"}},
    "GetKeyPolicy": policy(ROLE, "kms:*"),
    "ListGrants": {"Grants": []},
}
DENIES = {"EvaluationResults": [{"EvalActionName": "iam:CreateServiceLinkedRole", "EvalDecision": "implicitDeny"}]}
NO_ROLE = Absent("there is no such role")


def roles(**parameters: Any) -> Any:
    name = parameters["RoleName"]
    if name.startswith("AWSServiceRole"):
        return NO_ROLE
    dated = datetime(2026, 1, 1, tzinfo=UTC)
    return {"Role": {"Path": "/", "RoleName": name, "RoleId": "AROAEXAMPLEEXAMPLE", "Arn": ROLE, "CreateDate": dated}}


def subnet(id_: str, zone: str, free: int, vpc: str = VPC) -> dict[str, Any]:
    return {"SubnetId": id_, "AvailabilityZone": zone, "AvailableIpAddressCount": free, "VpcId": vpc}


def on_existing_network() -> Wanted:
    return wanted("dev", network=EXISTING_NETWORK)


def dns(on: bool) -> Any:
    def answer(**parameters: Any) -> dict[str, Any]:
        name = parameters["Attribute"]
        return {"VpcId": VPC, name[0].upper() + name[1:]: {"Value": on}}

    return answer


SUBNETS = [
    subnet("subnet-0123456789abcde00", "us-east-1a", 8000),
    subnet("subnet-0123456789abcde01", "us-east-1b", 8000),
]

RED: Mapping[str, tuple[dict[str, Any], str, str]] = {
    "account": (
        {"GetCallerIdentity": identity(account="999900001111")},
        "the credentials are of account 999900001111, and cloud.account_id is 444455556666",
        "log in to that account",
    ),
    "admins": (
        {"GetCallerIdentity": identity("arn:aws:iam::444455556666:user/alice")},
        "arn:aws:iam::444455556666:user/alice is not in cluster.admins",
        "add it to cluster.admins",
    ),
    "clock": (
        {
            "GetCallerIdentity": {
                **identity(),
                "ResponseMetadata": {"HTTPHeaders": {"date": "Sun, 29 Nov 2020 21:35:16 GMT"}},
            }
        },
        "ahead of the account's",
        "timedatectl",
    ),
    "zones": (
        {"DescribeAvailabilityZones": zones(a="use1-az3", b="use1-az1", c="use1-az2")},
        "us-east-1a is use1-az3 in this account, where EKS puts no control plane",
        "write others into cluster.zones",
    ),
    "machines": (
        {"DescribeInstanceTypeOfferings": offerings(g6e="df")},
        "pool gpu-large: none of its zones sells g6e.12xlarge; it is sold in us-east-1d, us-east-1f",
        "add such a zone to cloud.zones",
    ),
    "endpoint-zones": (
        {"DescribeVpcEndpointServices": services("com.amazonaws.us-east-1.eks-auth")},
        "com.amazonaws.us-east-1.eks-auth (not in us-east-1c)",
        "choose other zones",
    ),
    "vcpu-quotas": (
        {"GetServiceQuota": quota(L_DB2E81BA=48.0)},
        "(L-DB2E81BA): 48 vCPUs; gpu-small-on-demand, gpu-large-on-demand need 56 at least, 128 when full",
        "--quota-code L-DB2E81BA --desired-value 128",
    ),
    "network-quotas": (
        {
            "GetServiceQuota": quota(L_0263D0A3=5.0),
            "DescribeAddresses": {"Addresses": [{"AllocationId": f"eipalloc-{each}"} for each in range(3)]},
            "DescribeVpcs": {"Vpcs": []},
        },
        "the quota L-0263D0A3 (L-0263D0A3): 3 of 5 in use; 3 more needed",
        "--desired-value 6",
    ),
    "service-roles": (
        {"GetCallerIdentity": identity(), "GetRole": roles, "SimulatePrincipalPolicy": DENIES},
        "AWSServiceRoleForEC2Spot: not there, and the credentials may not iam:CreateServiceLinkedRole",
        "aws iam create-service-linked-role --aws-service-name spot.amazonaws.com",
    ),
    "volume-key": (CUSTOMER_KEY, "is not open to AWSServiceRoleForAutoScaling", "kms:CreateGrant"),
    "kubernetes": (
        {
            "DescribeClusterVersions": {
                "clusterVersions": [
                    {"clusterVersion": "1.36", "versionStatus": "STANDARD_SUPPORT"},
                    {"clusterVersion": "1.35", "versionStatus": "EXTENDED_SUPPORT"},
                ]
            }
        },
        "Kubernetes 1.35 is in extended support",
        "write one of 1.36",
    ),
    "addons": (
        {
            "DescribeAddonVersions": {
                "addons": [
                    {"addonName": "kube-proxy", "addonVersions": [{"addonVersion": "v1.35.9-eksbuild.1"}]},
                    {"addonName": "coredns", "addonVersions": [{"addonVersion": "v1.13.2-eksbuild.1"}]},
                ]
            }
        },
        "kube-proxy v1.35.0-eksbuild.2: EKS does not offer it for Kubernetes 1.35",
        "use one of v1.35.9-eksbuild.1",
    ),
    "node-groups": (
        {
            "ListNodegroups": {"nodegroups": ["gpu-1"]},
            "DescribeNodegroup": {
                "nodegroup": {
                    "nodegroupName": "gpu-1",
                    "status": "CREATE_FAILED",
                    "health": {"issues": [{"code": "AsgInstanceLaunchFailures", "message": "VcpuLimitExceeded"}]},
                }
            },
        },
        "group of nodes gpu-1 is CREATE_FAILED: VcpuLimitExceeded",
        "`pulumi up --replace`",
    ),
    "boundary": ({"GetPolicy": Absent("no policy")}, "no role can be made", "aws iam list-policies"),
    "left-logs": (
        {
            "DescribeLogGroups": {"logGroups": [{"logGroupName": "/aws/eks/prod-llm/cluster"}]},
            "DescribeCluster": Absent("no cluster"),
        },
        "log group /aws/eks/prod-llm/cluster is there and its cluster is not",
        "aws logs delete-log-group --log-group-name /aws/eks/prod-llm/cluster",
    ),
    "dns-zone": (
        {"GetHostedZone": Absent("no such zone")},
        "hosted zone Z0123456789ABCDEFGHIJ is not in this account",
        "aws route53 list-hosted-zones",
    ),
    "subnets": (
        {
            "DescribeSubnets": {"Subnets": [SUBNETS[0], subnet("subnet-0123456789abcde01", "us-east-1b", 20)]},
            "DescribeVpcAttribute": dns(on=True),
        },
        "network.private_subnets.us-east-1b: 20 addresses are free; ",
        "use a larger subnet",
    ),
}
"""Check to the answers that make it red, and what it says and advises then."""


def subject(name: str) -> Wanted:
    if name == "boundary":
        return wanted(cloud__permissions_boundary="arn:aws:iam::444455556666:policy/bound")
    if name == "endpoint-zones":
        return wanted(network__endpoints="private")
    return on_existing_network() if name == "subnets" else wanted()


@pytest.mark.parametrize("name", CHECKS)
def test_each_check_is_red_once_with_its_remedy(name: str) -> None:
    answers, text, remedy = RED[name]
    result = ran(name, subject(name), **answers)
    assert result.level == "red"
    told = [each for each in result.findings if each.level == "red"]
    assert any(text in each.text and remedy in each.remedy for each in told), told


GREEN: Mapping[str, dict[str, Any]] = {
    "account": {"GetCallerIdentity": identity()},
    "admins": {"GetCallerIdentity": identity()},
    "zones": {"DescribeAvailabilityZones": zones(a="use1-az6", b="use1-az1", c="use1-az2")},
    "machines": {"DescribeInstanceTypeOfferings": offerings()},
    "endpoint-zones": {"DescribeVpcEndpointServices": services()},
    "vcpu-quotas": {"GetServiceQuota": quota()},
    "network-quotas": {
        "GetServiceQuota": quota(),
        "DescribeAddresses": {"Addresses": []},
        "DescribeVpcs": {"Vpcs": []},
    },
    "service-roles": {"GetCallerIdentity": identity(), "GetRole": roles(RoleName="deploy")},
    "volume-key": {**CUSTOMER_KEY, "GetKeyPolicy": policy(LINKED, "kms:CreateGrant")},
    "node-groups": {"ListNodegroups": Absent("no cluster")},
    "left-logs": {"DescribeLogGroups": {"logGroups": [{"logGroupName": "/aws/eks/prod-llm/cluster-of-others"}]}},
    "dns-zone": {
        "GetHostedZone": {"HostedZone": {"Id": "/hostedzone/Z0", "Name": "example.org.", "CallerReference": "x"}}
    },
}


@pytest.mark.parametrize("name", GREEN)
def test_a_check_is_green_where_all_is_well(name: str) -> None:
    result = ran(name, **GREEN[name])
    assert result.level == "green", result.findings


@pytest.mark.parametrize("name", sorted({*CHECKS} - {"subnets"}))
def test_what_the_credentials_may_not_ask_is_yellow_with_the_missing_action(name: str) -> None:
    check = CHECKS[name]
    result = run_check(
        check, subject(name), recorded.aws(**{each.partition(":")[2]: Denied(each) for each in check.actions})
    )
    finding = only(result)
    assert finding.level == "yellow"
    assert any(action in finding.text for action in check.actions)
    assert f"--skip {name}" in finding.remedy


def test_a_session_is_the_administrator_whose_role_it_is_whatever_the_path() -> None:
    admins = ("arn:aws:iam::444455556666:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_0123456789abcdef",)
    session = "arn:aws:sts::444455556666:assumed-role/AWSReservedSSO_Admin_0123456789abcdef/alice@example.org"
    assert caller.is_admin(session, admins) == admins[0]
    assert caller.is_admin(SESSION, admins) is None
    assert caller.is_admin(SESSION.replace("444455556666", "111122223333"), (ROLE,)) is None


@pytest.mark.parametrize(
    ("machine", "kind"),
    [
        ("m7i.2xlarge", "standard"),
        ("im4gn.large", "standard"),
        ("g6e.12xlarge", "g"),
        ("gr6.4xlarge", "g"),
        ("p4d.24xlarge", "p"),
        ("p5en.48xlarge", "p5"),
        ("p6-b200.48xlarge", "p5"),
        ("trn1.2xlarge", "trn"),
        ("inf2.xlarge", "inf"),
        ("hpc7a.12xlarge", None),
        ("mac2.metal", None),
        ("u-6tb1.metal", None),
    ],
)
def test_a_machine_counts_to_the_quotas_of_its_family(machine: str, kind: str | None) -> None:
    assert quotas.family_kind(machine) == kind


def test_every_machine_of_the_catalog_has_a_quota() -> None:
    from llmplatform.catalog import instance_types

    assert [name for name in instance_types.names("aws") if quotas.family_kind(name) not in quotas.CODES] == []


def test_the_pools_of_one_way_of_paying_add_up() -> None:
    found = {need.code: need for need in quotas.needs(wanted().made)}
    # Three m7i.2xlarge, six in each of three zones; a g6.2xlarge (8) and a g6e.12xlarge (48), up to 4 and 2, twice.
    assert {code: (need.least, need.most) for code, need in found.items()} == {
        "L-1216C47A": (24, 144),
        "L-DB2E81BA": (56, 128),
        "L-3819A6DF": (0, 128),
    }


def test_a_quota_below_the_bounds_is_yellow() -> None:
    result = ran("vcpu-quotas", GetServiceQuota=quota(L_3819A6DF=64.0))
    assert only(result).level == "yellow"
    assert "cannot grow" in only(result).text


def test_an_account_without_a_quota_of_its_own_has_the_default() -> None:
    result = ran("vcpu-quotas", GetServiceQuota=Absent("none applied"), GetAWSDefaultServiceQuota=quota(L_DB2E81BA=0.0))
    assert result.level == "red"
    assert "0 vCPUs" in only(result).text


def test_addresses_and_networks_of_the_environment_itself_do_not_count() -> None:
    ours = [{"Key": "llmplatform:environment", "Value": "prod"}]
    result = ran(
        "network-quotas",
        GetServiceQuota=quota(L_0263D0A3=3.0, L_F678F1CE=1.0),
        DescribeAddresses={"Addresses": [{"AllocationId": f"eipalloc-{each}", "Tags": ours} for each in range(3)]},
        DescribeVpcs={"Vpcs": [{"VpcId": "vpc-1", "Tags": ours}]},
    )
    assert result.level == "green"


def test_a_grant_opens_a_key_to_auto_scaling() -> None:
    grant = {"GranteePrincipal": LINKED, "Operations": ["Decrypt", "CreateGrant"]}
    closed = policy(ROLE, "kms:*")["Policy"]
    assert identities.may_encrypt_nodes(closed, [grant])
    assert not identities.may_encrypt_nodes(closed, [{**grant, "Operations": ["Decrypt"]}])
    denied = json.loads(policy(LINKED, "kms:CreateGrant")["Policy"])
    denied["Statement"][0]["Effect"] = "Deny"
    assert not identities.may_encrypt_nodes(json.dumps(denied), [])


def test_a_disabled_default_key_starts_no_node() -> None:
    key = {**CUSTOMER_KEY["DescribeKey"]["KeyMetadata"], "KeyState": "PendingDeletion"}
    result = ran("volume-key", **{**CUSTOMER_KEY, "DescribeKey": {"KeyMetadata": key}})
    assert "PendingDeletion" in only(result).text


def test_roles_that_the_credentials_may_make_are_made_when_they_are_needed() -> None:
    allows = {"EvaluationResults": [{"EvalActionName": "iam:x", "EvalDecision": "allowed"}]}
    result = ran("service-roles", GetCallerIdentity=identity(), GetRole=roles, SimulatePrincipalPolicy=allows)
    assert result.level == "green"


def test_a_zone_that_is_nobodys_or_not_opted_in_is_red() -> None:
    local = {"ZoneName": "us-east-1c", "ZoneId": "use1-bos1-az1", "State": "available", "ZoneType": "local-zone"}
    found = {"AvailabilityZones": [*zones(a="use1-az1")["AvailabilityZones"], local]}
    told = ran("zones", DescribeAvailabilityZones=found).findings
    assert [finding.level for finding in told] == ["green", "red", "red"]
    assert "there is no such zone" in told[1].text
    assert "local-zone" in told[2].text


def test_a_type_that_some_zones_lack_is_yellow_with_the_zones_to_write() -> None:
    result = ran("machines", DescribeInstanceTypeOfferings=offerings(g6e="ab"))
    assert only(result).level == "yellow"
    assert "write `zones: [us-east-1a, us-east-1b]` into pools.gpu-large" in only(result).remedy


def test_a_hosted_zone_has_to_be_public_and_that_of_the_host() -> None:
    private = {"Name": "example.org.", "Config": {"PrivateZone": True}}
    assert names.zone_finding(private, "llm.example.org").level == "red"
    assert names.zone_finding({"Name": "example.com."}, "llm.example.org").level == "red"
    assert names.zone_finding({"Name": "example.org."}, "notexample.org").level == "red"
    assert names.zone_finding({"Name": "example.org."}, None).level == "green"


def test_subnets_lie_where_the_stack_file_says() -> None:
    moved = [subnet("subnet-0123456789abcde00", "us-east-1c", 8000)]
    told = ran(
        "subnets", on_existing_network(), DescribeSubnets={"Subnets": moved}, DescribeVpcAttribute=dns(on=False)
    ).findings
    assert [finding.level for finding in told] == ["red"] * 4
    assert "is in us-east-1c" in told[0].text
    assert "there is no subnet subnet-0123456789abcde01" in told[1].text
    assert "--enable-dns-support" in told[2].remedy


def test_a_zone_without_a_control_plane_may_have_nodes() -> None:
    found = zones(a="use1-az1", b="use1-az2", c="use1-az3")
    assert (
        ran("zones", wanted(cluster__zones=["us-east-1a", "us-east-1b"]), DescribeAvailabilityZones=found).level
        == "green"
    )


def test_a_key_of_the_stacks_own_is_looked_at_instead_of_the_accounts() -> None:
    result = ran("volume-key", wanted(cloud__data_key=KEY), **CUSTOMER_KEY)
    assert "cloud.data_key, is not open" in only(result).text


def test_a_zone_of_another_account_is_not_looked_for() -> None:
    raw = read(ROOT / "Pulumi.prod.yaml")["addons"]["cert_manager"]["issuer"]
    issuer = {**raw, "zone_role": "arn:aws:iam::999900001111:role/zone"}
    assert ran("dns-zone", wanted(addons__cert_manager__issuer=issuer)).level == "green"


def test_a_version_of_an_addon_that_the_stack_asks_for_is_looked_for() -> None:
    offered = {"addons": [{"addonName": "coredns", "addonVersions": [{"addonVersion": "v1.13.2-eksbuild.1"}]}]}
    of = wanted(cluster__addons={"coredns": {"version": "v1.14.0-eksbuild.1"}})
    told = [each.text for each in ran("addons", of, DescribeAddonVersions=offered).findings]
    assert any(text.startswith("coredns v1.14.0-eksbuild.1: EKS does not offer it") for text in told)


def test_a_role_is_taken_before_anything_is_asked(account: AwsAccount) -> None:
    taken = AwsAccount("us-east-1", role="arn:aws:iam::123456789012:role/deploy")
    assert ":assumed-role/deploy/" in taken("sts:GetCallerIdentity")["Arn"]


def test_a_profile_that_is_not_there_is_told() -> None:
    with pytest.raises(NoAnswer, match="list-profiles"):
        AwsAccount("us-east-1", profile="nobodys")


def test_where_the_account_is_another_nothing_more_is_asked() -> None:
    ask = recorded.aws(GetCallerIdentity=identity(account="999900001111"))
    results = run_account(known.AWS, wanted(), ask)
    assert {result.skipped for result in results if not result.check.gate} == {"account is red"}


def test_an_answer_that_never_comes_is_yellow_after_a_time() -> None:
    import threading

    over = threading.Event()

    def never(action: str, /, **parameters: Any) -> Any:
        over.wait(20)
        raise NoAnswer(action)

    try:
        [result] = run_account([CHECKS["zones"]], wanted(), never, patience=0.05)
    finally:
        over.set()
    assert only(result).level == "yellow"
    assert "no answer" in only(result).text


def test_an_answer_of_another_shape_is_yellow_and_no_traceback() -> None:
    [result] = run_account([CHECKS["zones"]], wanted(), lambda action, **_: {"Something": "else"})
    assert only(result).level == "yellow"
    assert "not what the service documents" in only(result).text


def test_what_a_proxy_answers_in_a_services_place_is_no_answer(
    account: AwsAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    from botocore.parsers import ResponseParserError

    def page(**_: Any) -> Any:
        raise ResponseParserError(f"Unable to parse response, invalid XML received: {'<html>' * 200}")

    monkeypatch.setattr(account.client("ec2"), "get_ebs_default_kms_key_id", page)
    with pytest.raises(NoAnswer) as told:
        account("ec2:GetEbsDefaultKmsKeyId")
    assert len(str(told.value)) < 400
    result = run_check(CHECKS["volume-key"], wanted(), account)
    assert only(result).level == "yellow"


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[AwsAccount]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        yield AwsAccount("us-east-1")


def test_an_account_answers_all_pages_and_says_what_is_not_there(account: AwsAccount) -> None:
    logs = boto3.client("logs", "us-east-1")
    for number in range(60):
        logs.create_log_group(logGroupName=f"/aws/eks/{number}")
    assert len(account("logs:DescribeLogGroups", logGroupNamePrefix="/aws/eks/")["logGroups"]) == 60
    with pytest.raises(Absent):
        account("route53:GetHostedZone", Id="ZNONE")
    assert account.has_credentials()


@pytest.mark.parametrize("name", ["left-logs", "dns-zone", "zones"])
def test_the_checks_read_an_account_as_moto_plays_it(account: AwsAccount, name: str) -> None:
    result = run_check(CHECKS[name], wanted(), account)
    # Its us-east-1c is use1-az4, and no hosted zone is there.
    assert result.level == ("red" if name == "dns-zone" else "green")


def test_without_rights_an_account_names_the_action(account: AwsAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    from botocore.exceptions import ClientError

    def refuse(*_: Any, **__: Any) -> Any:
        raise ClientError({"Error": {"Code": "UnauthorizedOperation", "Message": "You are not authorized"}}, "x")

    monkeypatch.setattr(account.client("ec2"), "describe_vpcs", refuse)
    monkeypatch.setattr(account.client("ec2"), "can_paginate", lambda name: False)
    with pytest.raises(Denied, match="may not ec2:DescribeVpcs"):
        account("ec2:DescribeVpcs")


def test_the_cluster_is_called_as_the_program_calls_it() -> None:
    from program import run_program

    [cluster] = [
        each for each in run_program(stack_config("prod"), "prod").registered if each.type == "aws:eks/cluster:Cluster"
    ]
    assert cluster.inputs["name"] == wanted().cluster_name
    assert Path(names.log_group(wanted().cluster_name)).parts[1:3] == ("aws", "eks")
