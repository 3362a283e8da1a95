"""How an AWS account is asked, as moto plays it."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws
from support.doctor.aws_doctor import CHECKS, ROLE, wanted
from support.doctor.doctor_proofs import only

from llmplatform.doctor.checks import Absent, Denied, NoAnswer
from llmplatform.doctor.on_aws.account import AwsAccount
from llmplatform.doctor.running import run_account, run_check


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[AwsAccount]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        yield AwsAccount("us-east-1")


def test_a_role_is_taken_before_anything_is_asked(account: AwsAccount) -> None:
    taken = AwsAccount("us-east-1", role="arn:aws:iam::123456789012:role/deploy")
    assert ":assumed-role/deploy/" in taken("sts:GetCallerIdentity")["Arn"]


def test_a_role_that_cannot_be_taken_is_red_and_named_and_nothing_more_is_asked(
    account: AwsAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    # STS API reference, AssumeRole: AccessDenied where the role's trust policy does not name the caller.
    from botocore.exceptions import ClientError

    def refused(*_: Any) -> Any:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "not authorized"}}, "AssumeRole")

    monkeypatch.setattr("llmplatform.doctor.on_aws.account.assumed", refused)
    of = wanted(cloud__assume_role=ROLE)
    first, *rest = run_account([CHECKS["account"], CHECKS["zones"]], of, AwsAccount("us-east-1", role=ROLE))
    assert (first.level, f"sts:AssumeRole of {ROLE}" in only(first).text) == ("red", True)
    assert ROLE in only(first).remedy
    assert [result.skipped for result in rest] == ["account is red"]


def test_a_profile_that_is_not_there_is_told() -> None:
    with pytest.raises(NoAnswer, match="list-profiles"):
        AwsAccount("us-east-1", profile="ownerless")


def test_a_profile_of_the_environment_is_not_sought_in_the_stack_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "ownerless")
    with pytest.raises(NoAnswer, match="into AWS_PROFILE, or unset it"):
        AwsAccount("us-east-1")


def test_an_account_answers_all_pages_and_says_what_is_not_there(account: AwsAccount) -> None:
    logs = boto3.client("logs", "us-east-1")
    for number in range(60):
        logs.create_log_group(logGroupName=f"/aws/eks/{number}")
    assert len(account("logs:DescribeLogGroups", logGroupNamePrefix="/aws/eks/")["logGroups"]) == 60
    with pytest.raises(Absent):
        account("route53:GetHostedZone", Id="ZNONE")
    assert account.has_credentials()


def test_without_rights_an_account_names_the_action(account: AwsAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    from botocore.exceptions import ClientError

    def refuse(*_: Any, **__: Any) -> Any:
        raise ClientError({"Error": {"Code": "UnauthorizedOperation", "Message": "You are not authorized"}}, "x")

    monkeypatch.setattr(account.client("ec2"), "describe_vpcs", refuse)
    monkeypatch.setattr(account.client("ec2"), "can_paginate", lambda name: False)
    with pytest.raises(Denied, match="may not ec2:DescribeVpcs"):
        account("ec2:DescribeVpcs")


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


@pytest.mark.parametrize("name", ["left-logs", "dns-zone", "zones"])
def test_the_checks_read_an_account_as_moto_plays_it(account: AwsAccount, name: str) -> None:
    result = run_check(CHECKS[name], wanted(), account)
    # Its us-east-1c is use1-az4, and no hosted zone is there.
    assert result.level == ("red" if name == "dns-zone" else "green")
