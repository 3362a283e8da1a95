"""Identities of workloads on Alibaba Cloud."""

import json
from typing import Any

import pulumi
import pytest
from support.alicloud_platform import ISSUER, PROVIDER, TAGS, stack

from llmplatform import alicloud
from llmplatform.base.contracts import Grant
from llmplatform.base.policies import Statement
from llmplatform.testing import RecordingEngine

_ROLE = "alicloud:ram/role:Role"
_POLICY = "alicloud:ram/policy:Policy"
_ATTACHMENT = "alicloud:ram/rolePolicyAttachment:RolePolicyAttachment"

_READ = Statement(actions=("oss:GetObject",), resources=("acs:oss:*:*:weights/*",))


def _identity(name: str = "reader", *grants: Grant) -> alicloud.WorkloadIdentity:
    args = alicloud.WorkloadIdentityArgs(
        environment=stack().environment,
        identity_provider_arn=pulumi.Output.from_input(PROVIDER),
        identity_issuer=ISSUER,
        namespace="models",
        service_account="reader",
        grants=grants,
        tags=TAGS,
    )
    return alicloud.WorkloadIdentity(name, args)


def test_only_the_service_account_of_the_cluster_can_take_the_role() -> None:
    role = RecordingEngine().run(lambda: _identity().role_arn).one(_ROLE).inputs
    (trust,) = json.loads(role["assumeRolePolicyDocument"])["Statement"]
    assert trust["Principal"] == {"Federated": [PROVIDER]}
    assert trust["Condition"]["StringEquals"] == {
        "oidc:aud": "sts.aliyuncs.com",
        "oidc:iss": ISSUER,
        "oidc:sub": "system:serviceaccount:models:reader",
    }


def test_service_account_and_namespace_are_told_what_to_carry() -> None:
    def program() -> dict[str, Any]:
        made = _identity()
        return {"annotations": made.annotations, "labels": made.namespace_labels}

    assert RecordingEngine().run(program).result == {
        "annotations": {"pod-identity.alibabacloud.com/role-name": "dev-reader"},
        "labels": {"pod-identity.alibabacloud.com/injection": "on"},
    }


def test_users_of_the_annotation_wait_for_the_role_and_its_rights() -> None:
    class Account(pulumi.CustomResource):
        def __init__(self, annotation: pulumi.Input[str]) -> None:
            super().__init__("test:index:Account", "account", {"annotation": annotation})

    def program() -> object:
        made = _identity("reader", Grant(name="weights", statements=[_READ]))
        return Account(next(iter(made.annotations.values()))).urn

    engine = RecordingEngine().run(program)
    assert engine.waits_for(engine.named("account"), engine.one(_ROLE))
    assert engine.waits_for(engine.named("account"), engine.one(_ATTACHMENT))


def test_a_grant_is_a_policy_of_its_own_and_attached_to_the_role() -> None:
    def program() -> None:
        logs = Grant(name="logs", statements=pulumi.Output.from_input("logs").apply(_write))
        _identity("reader", Grant(name="weights", statements=[_READ]), logs)

    engine = RecordingEngine().run(program)
    policies = {found.name: found.inputs for found in engine.all(_POLICY)}
    assert {each["policyName"] for each in policies.values()} == {"dev-reader-weights", "dev-reader-logs"}
    written = json.loads(policies["reader-logs"]["policyDocument"])["Statement"][0]["Resource"]
    assert written == ["acs:oss:*:*:logs/*"], "statements may name what is not made yet"
    for found in engine.all(_ATTACHMENT):
        assert (found.inputs["roleName"], found.inputs["policyType"]) == ("dev-reader", "Custom")


def _write(bucket: str) -> list[Statement]:
    return [Statement(actions=("oss:PutObject",), resources=(f"acs:oss:*:*:{bucket}/*",))]


def test_a_policy_can_change_more_than_five_times() -> None:
    engine = RecordingEngine().run(lambda: _identity("reader", Grant(name="weights", statements=[_READ])).urn)
    assert engine.one(_POLICY).inputs["rotateStrategy"] == "DeleteOldestNonDefaultVersionWhenLimitExceeded"


def test_a_name_that_ram_would_refuse_is_refused_before_anything_is_made() -> None:
    with pytest.raises(ValueError, match="RAM takes 64"):
        RecordingEngine().run(lambda: _identity("r" * 64).urn)
