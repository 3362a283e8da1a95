"""Roles and keys of an AWS account: each check red once with its remedy.

Fact: policies of keys, user guide of EC2 Auto Scaling.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from support.doctor.aws_doctor import AWS, ROLE, identity, ran, wanted
from support.doctor.doctor_proofs import Proof, named, only

from llmplatform.doctor.checks import Absent, Check
from llmplatform.doctor.on_aws import identities


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


PROOFS: Mapping[str, Proof] = {
    "boundary": Proof(
        red={"GetPolicy": Absent("no policy")},
        text="no role can be made",
        remedy="aws iam list-policies",
        green={"GetPolicy": {"Policy": {"PolicyName": "bound"}}},
        of=wanted(cloud__permissions_boundary="arn:aws:iam::444455556666:policy/bound"),
    ),
    "service-roles": Proof(
        red={"GetCallerIdentity": identity(), "GetRole": roles, "SimulatePrincipalPolicy": DENIES},
        text="AWSServiceRoleForEC2Spot: not there, and the credentials may not iam:CreateServiceLinkedRole",
        remedy="aws iam create-service-linked-role --aws-service-name spot.amazonaws.com",
        green={"GetCallerIdentity": identity(), "GetRole": roles(RoleName="deploy")},
    ),
    "volume-key": Proof(
        red=CUSTOMER_KEY,
        text="is not open to AWSServiceRoleForAutoScaling",
        remedy="kms:CreateGrant",
        green={**CUSTOMER_KEY, "GetKeyPolicy": policy(LINKED, "kms:CreateGrant")},
    ),
}


@pytest.mark.parametrize("check", identities.CHECKS, ids=named)
def test_each_check_is_red_once_with_its_remedy(check: Check) -> None:
    AWS.shows_red(check, PROOFS[check.name])


@pytest.mark.parametrize("check", identities.CHECKS, ids=named)
def test_a_check_is_green_where_all_is_well(check: Check) -> None:
    AWS.shows_green(check, PROOFS[check.name])


@pytest.mark.parametrize("check", identities.CHECKS, ids=named)
def test_what_the_credentials_may_not_ask_is_yellow_with_the_missing_action(check: Check) -> None:
    AWS.shows_what_is_denied(check, PROOFS[check.name])


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


def test_a_key_of_the_stacks_own_is_looked_at_instead_of_the_accounts() -> None:
    result = ran("volume-key", wanted(cloud__data_key=KEY), **CUSTOMER_KEY)
    assert "cloud.data_key, is not open" in only(result).text


def test_roles_that_the_credentials_may_make_are_made_when_they_are_needed() -> None:
    allows = {"EvaluationResults": [{"EvalActionName": "iam:x", "EvalDecision": "allowed"}]}
    result = ran("service-roles", GetCallerIdentity=identity(), GetRole=roles, SimulatePrincipalPolicy=allows)
    assert result.level == "green"
