"""Policy documents: no statement asks for more than it can name."""

import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import pytest
from support.aws_platform import built, stack
from support.iam_linter import findings

from llmplatform.aws.policies import Statement
from llmplatform.specs.network import NewNetwork

_ANY_RESOURCE = {
    "FindLogGroups": "DescribeLogGroups knows no resource",
    "ReadGroups": "EC2 Auto Scaling's Describe actions know no resource",
    "ReadMachines": "EC2's Describe actions know no resource",
}
"""Statements that name no resource, each with AWS's reason (service authorization reference)."""

_TRUSTED = {
    "ec2.amazonaws.com",
    "eks.amazonaws.com",
    "pods.eks.amazonaws.com",
    "vpc-flow-logs.amazonaws.com",
}
"""Services that take one of our roles."""


@lru_cache(maxsize=1)
def _documents() -> tuple[tuple[str, str, str], ...]:
    """Every policy that the whole platform registers: kind, name, JSON."""
    settings = stack(network=NewNetwork(kind="new", cidr="10.0.0.0/16", flow_logs=True))
    registered = built(settings, endpoints="private").registered
    return tuple(
        (f"{found.type.split(':')[-1]}.{key}", found.name, found.inputs[key])
        for found in registered
        for key in ("policy", "assumeRolePolicy", "inlinePolicies", "accessPolicy")
        if key in found.inputs
    )


def _statements(kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for found, name, policy in _documents():
        if found == kind:
            yield from ((name, statement) for statement in json.loads(policy)["Statement"])


def test_every_kind_of_policy_is_looked_at() -> None:
    kinds = {kind for kind, _, _ in _documents()}
    # A file system's policy is of principals that only networks let near it: test_storage.py. A bucket's policy only
    # refuses: tests/contract/test_conformance_objects.py.
    ruled = {
        "RolePolicy.policy", "Role.assumeRolePolicy", "Key.policy", "FileSystemPolicy.policy", "BucketPolicy.policy"
    }  # fmt: skip
    assert kinds == ruled, "a new kind needs a rule of its own"


def test_every_permission_exists_and_fits_its_resource() -> None:
    wrong = {name: findings(policy) for kind, name, policy in _documents() if kind == "RolePolicy.policy"}
    assert not {name: found for name, found in wrong.items() if found}
    assert wrong, "there is something to look at"


def test_the_linter_finds_what_is_wrong() -> None:
    statement = {"Effect": "Allow", "Action": ["s3:GetObjekt"], "Resource": ["arn:aws:s3:::weights/*"]}
    assert findings(json.dumps({"Version": "2012-10-17", "Statement": [statement]})) == [
        "UNKNOWN_ACTION: Unknown action s3:GetObjekt"
    ]


def test_no_permission_is_a_wildcard() -> None:
    vague = [
        (name, action) for name, each in _statements("RolePolicy.policy") for action in each["Action"] if "*" in action
    ]
    assert not vague, "each action is named"


def test_a_permission_on_every_resource_has_a_written_reason() -> None:
    unlimited = {each["Sid"] for _, each in _statements("RolePolicy.policy") if "*" in each["Resource"]}
    assert unlimited == set(_ANY_RESOURCE)


def test_a_key_is_used_by_the_cluster_and_administered_by_the_account() -> None:
    rights = {each["Sid"]: (each["Principal"]["AWS"], each["Action"]) for _, each in _statements("Key.policy")}
    account, cluster = "arn:aws:iam::111122223333:root", "arn:aws:iam::111122223333:role/main-control-plane"
    assert rights == {
        # AWS locks all principals out of a key whose policy does not hand the decision to the account.
        "AccountAdministers": (account, "kms:*"),
        "ClusterEncrypts": (cluster, ["kms:Encrypt", "kms:Decrypt", "kms:DescribeKey", "kms:ListGrants"]),
        "ClusterDelegates": (cluster, ["kms:CreateGrant"]),
    }


def test_the_cluster_grants_its_key_to_aws_services_alone() -> None:
    (condition,) = (each["Condition"] for _, each in _statements("Key.policy") if each["Sid"] == "ClusterDelegates")
    assert condition == {"Bool": {"kms:GrantIsForAWSResource": "true"}}


def test_roles_are_assumed_only_by_named_services() -> None:
    trusted = [(name, each["Principal"]) for name, each in _statements("Role.assumeRolePolicy")]
    assert all(set(principal) == {"Service"} for _, principal in trusted)
    assert {principal["Service"] for _, principal in trusted} == _TRUSTED


def test_a_service_that_acts_for_many_accounts_takes_a_role_for_ours_only() -> None:
    unlimited = {
        each["Principal"]["Service"] for _, each in _statements("Role.assumeRolePolicy") if "Condition" not in each
    }
    assert unlimited == {"ec2.amazonaws.com"}, (
        "an instance profile belongs to one account; the others could be deputies"
    )


@pytest.mark.parametrize("action", ["*", "s3:*", "s3:Get*", "s3"])
def test_an_action_that_is_not_named_in_full_is_refused(action: str) -> None:
    with pytest.raises(ValueError, match="name each action in full"):
        Statement(sid="Vague", actions=(action,), resources=("arn:aws:s3:::weights/*",))


def test_a_statement_without_an_action_is_refused() -> None:
    with pytest.raises(ValueError, match="no action"):
        Statement(sid="Empty", actions=(), resources=("arn:aws:s3:::weights/*",))


def test_every_resource_is_refused_without_a_reason() -> None:
    with pytest.raises(ValueError, match="name the ARNs"):
        Statement(sid="Wide", actions=("s3:GetObject",), resources=("*",))
    with pytest.raises(ValueError, match="give either resources or any_resource_because"):
        Statement(sid="Silent", actions=("s3:GetObject",))


def test_a_reason_cannot_stand_beside_resources() -> None:
    with pytest.raises(ValueError, match="give either"):
        Statement(
            sid="Both",
            actions=("s3:GetObject",),
            resources=("arn:aws:s3:::weights/*",),
            any_resource_because="it is easier",
        )
