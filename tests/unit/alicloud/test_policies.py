"""RAM policy documents: no statement asks for more than it can name."""

import json
from typing import Any

import pytest
from support.alicloud_platform import ISSUER, PROVIDER, whole
from support.ram_linter import findings, trust_findings

from llmplatform.alicloud.policies import Statement, document, trust

ACCOUNT = "1111222233334444"


def _granted() -> dict[str, str]:
    return {found.name: found.inputs["policyDocument"] for found in whole().all("alicloud:ram/policy:Policy")}


def _trusted() -> dict[str, str]:
    roles = whole().all("alicloud:ram/role:Role")
    return {found.name: found.inputs["assumeRolePolicyDocument"] for found in roles}


def test_every_permission_is_named_and_fits_its_resource() -> None:
    wrong = {name: findings(policy) for name, policy in _granted().items()}
    assert not {name: found for name, found in wrong.items() if found}
    assert wrong, "there is something to look at"


def test_every_role_is_taken_by_one_service_account_of_one_cluster() -> None:
    wrong = {name: trust_findings(policy, ACCOUNT) for name, policy in _trusted().items()}
    assert not {name: found for name, found in wrong.items() if found}
    assert wrong, "there is something to look at"


@pytest.mark.parametrize(
    ("statement", "finding"),
    [
        ({"Action": ["oss:*"], "Resource": ["acs:oss:*:*:weights"]}, "oss:*: a wildcard; name each action"),
        ({"Action": ["oss:GetObjekt"], "Resource": ["acs:oss:*:*:weights/*"]}, "oss:GetObjekt: unknown"),
        ({"Action": ["oss:GetObject"], "Resource": "*"}, "oss:GetObject: on every resource, without a reason"),
        ({"Action": ["oss:GetObject"], "Resource": ["acs:oss:*:*:weights"]}, "applies to a object"),
        ({"Action": ["oss:ListObjects"], "Resource": ["acs:oss:*:*:weights/*"]}, "applies to a bucket"),
        ({"Action": ["oss:GetObject"], "Resource": ["acs:oss:*:*:*/*"]}, "is shared by all accounts"),
        ({"Action": ["oss:GetObject"], "Resource": ["acs:log:*:*:weights/*"]}, "is of another service"),
        ({"Action": ["oss:GetObject"], "Resource": ["weights/*"]}, "is no ARN"),
    ],
)
def test_the_linter_finds_what_is_wrong(statement: dict[str, Any], finding: str) -> None:
    policy = json.dumps({"Version": "1", "Statement": [{"Effect": "Allow", **statement}]})
    assert any(finding in found for found in findings(policy))


def test_the_linter_knows_ram_from_iam() -> None:
    policy = json.dumps({"Version": "2012-10-17", "Statement": []})
    assert findings(policy) == ["version 2012-10-17; RAM's language has version 1"]


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        ({"oidc:sub": "system:serviceaccount:models:*"}, "not limited to one service account"),
        ({"oidc:iss": ""}, "token may come from another issuer"),
        ({"oidc:aud": "another"}, "token may be meant for another audience"),
    ],
)
def test_the_linter_finds_a_role_that_others_can_take(change: dict[str, str], finding: str) -> None:
    policy = json.loads(trust(PROVIDER, ISSUER, namespace="models", service_account="reader"))
    policy["Statement"][0]["Condition"]["StringEquals"] |= change
    assert trust_findings(json.dumps(policy), ACCOUNT) == [finding]


def test_the_linter_finds_a_foreign_cluster() -> None:
    policy = trust(PROVIDER, ISSUER, namespace="models", service_account="reader")
    assert trust_findings(policy, "9" * 16) == ["taken by a cluster of another account"]


@pytest.mark.parametrize("action", ["*", "oss:*", "oss:Get*", "oss"])
def test_an_action_that_is_not_named_in_full_is_refused(action: str) -> None:
    with pytest.raises(ValueError, match="name each action in full"):
        Statement(actions=(action,), resources=("acs:oss:*:*:weights/*",))


def test_a_statement_without_an_action_is_refused() -> None:
    with pytest.raises(ValueError, match="no action"):
        Statement(actions=(), resources=("acs:oss:*:*:weights/*",))


def test_every_resource_is_refused_without_a_reason() -> None:
    with pytest.raises(ValueError, match="name the ARNs"):
        Statement(actions=("oss:GetObject",), resources=("*",))
    with pytest.raises(ValueError, match="give either resources or any_resource_because"):
        Statement(actions=("oss:GetObject",))


def test_a_reason_cannot_stand_beside_resources() -> None:
    with pytest.raises(ValueError, match="give either"):
        Statement(actions=("oss:GetObject",), resources=("acs:oss:*:*:weights/*",), any_resource_because="it is easier")


def test_conditions_are_kept() -> None:
    limited = Statement(
        actions=("oss:ListObjects",),
        resources=("acs:oss:*:*:weights",),
        conditions={"StringLike": {"oss:Prefix": "volumes/*"}},
    )
    (statement,) = json.loads(document(limited))["Statement"]
    assert statement["Condition"] == {"StringLike": {"oss:Prefix": "volumes/*"}}
