"""The cloud's provider as the engine calls it."""

import json
from pathlib import Path
from typing import Any

import pytest
from support.sandboxes.cloud_account import cloud, whole_account

from llmplatform_sandbox.cloud import SimulatedCloud
from llmplatform_sandbox.providers.base import UNKNOWN, Autonaming, Change, InitFailed, ProviderError, Secret
from llmplatform_sandbox.providers.cloud import CloudProvider

GROUP = "aws:eks/nodeGroup:NodeGroup"
VPC, SUBNET, ROLE = "aws:ec2/vpc:Vpc", "aws:ec2/subnet:Subnet", "aws:iam/role:Role"
SECRET, VERSION = "aws:secretsmanager/secret:Secret", "aws:secretsmanager/secretVersion:SecretVersion"
NAMING = Autonaming(name="core", urn="urn:pulumi:dev::p::t::core")
CONFIG = {"region": "eu-west-1", "allowedAccountIds": '["111122223333"]', "defaultTags": '{"tags":{"owner":"ml"}}'}


@pytest.fixture
def account(tmp_path: Path) -> SimulatedCloud:
    return cloud(tmp_path)


@pytest.fixture
def provider(account: SimulatedCloud, monkeypatch: pytest.MonkeyPatch) -> CloudProvider:
    monkeypatch.setattr(CloudProvider, "config", property(lambda self: CONFIG))
    return CloudProvider(lambda: account)


def create(provider: CloudProvider, type_: str, **inputs: Any) -> tuple[str, dict[str, Any]]:
    return provider.create(type_, f"urn:pulumi:dev::p::{type_}::x", inputs, False, 0)


def test_the_real_providers_arguments_are_taken_and_others_refused(provider: CloudProvider) -> None:
    real = {**CONFIG, "skipCredentialsValidation": "true", "skipRequestingAccountId": "true", "accessKey": "k"}
    assert provider.check_config(real) == []
    [failure] = provider.check_config({**CONFIG, "regoin": "eu-west-1"})
    assert "write region" in failure.reason


def test_region_account_and_default_tags_come_from_the_provider_resource(provider: CloudProvider) -> None:
    _, outputs = create(provider, VPC, cidrBlock="10.0.0.0/16", tags={"a": "b"})
    assert outputs["arn"].startswith("arn:aws:ec2:eu-west-1:111122223333:vpc/")
    assert outputs["tagsAll"] == {"owner": "ml", "a": "b"}


def test_a_preview_knows_what_is_written_and_no_more(provider: CloudProvider) -> None:
    id_, outputs = provider.create(VPC, "urn", {"cidrBlock": "10.0.0.0/16"}, True, 0)
    assert id_ == ""
    assert outputs["cidrBlock"] == "10.0.0.0/16"
    assert outputs["enableDnsSupport"] is True
    assert outputs["arn"] is UNKNOWN
    assert outputs["defaultSecurityGroupId"] is UNKNOWN


def test_a_preview_of_an_update_keeps_what_stays(provider: CloudProvider) -> None:
    type_ = "aws:ec2/launchTemplate:LaunchTemplate"
    id_, before = create(provider, type_, name="t")
    after = provider.update(type_, "urn", id_, {"name": "t"}, before, {"name": "t", "description": "d"}, True, 0)
    assert after["arn"] == before["arn"]
    assert after["latestVersion"] is UNKNOWN, "whatever uses the template's version has to change in the same preview"


def test_what_the_cloud_puts_into_an_object_of_the_inputs_is_unknown_at_first_and_stays_in_an_update(
    provider: CloudProvider,
) -> None:
    type_, subnets = "aws:eks/cluster:Cluster", {"subnetIds": ["subnet-1", "subnet-2"]}
    _, planned = provider.create(type_, "urn", {"vpcConfig": subnets}, True, 0)
    assert planned["vpcConfig"]["clusterSecurityGroupId"] is UNKNOWN
    before = {"vpcConfig": {**subnets, "clusterSecurityGroupId": "sg-1"}}
    after = {"vpcConfig": {"subnetIds": ["subnet-1", "subnet-3"]}, "deletionProtection": False}
    outputs = provider.update(type_, "urn", "c", {"vpcConfig": subnets}, before, after, True, 0)
    assert outputs["vpcConfig"]["clusterSecurityGroupId"] == "sg-1", "made once, with the cluster"
    assert outputs["vpcConfig"]["subnetIds"] == ["subnet-1", "subnet-3"]


def test_unknown_inputs_pass_the_check(provider: CloudProvider) -> None:
    inputs, failures = provider.check(SUBNET, {}, {"vpcId": UNKNOWN, "cidrBlock": "10.0.0.0/20"}, NAMING)
    assert failures == []
    assert inputs["vpcId"] is UNKNOWN


def test_a_name_is_made_once_and_kept(provider: CloudProvider) -> None:
    first, _ = provider.check(ROLE, {}, {"assumeRolePolicy": "{}"}, NAMING)
    assert first["name"].startswith("core-")
    second, _ = provider.check(ROLE, first, {"assumeRolePolicy": "{}"}, NAMING)
    assert second["name"] == first["name"], "every run would show a diff otherwise"


def test_the_engines_proposal_is_taken_and_cut_to_what_the_cloud_takes(provider: CloudProvider) -> None:
    naming = Autonaming(name="core", urn="urn", proposed=f"{'dev-' * 30}core-1a2b3c4d")
    inputs, failures = provider.check(ROLE, {}, {"assumeRolePolicy": "{}"}, naming)
    assert failures == []
    assert len(inputs["name"]) == 64
    assert inputs["name"].endswith("-1a2b3c4d"), "what makes it unique must not be cut"


def test_an_alias_gets_its_prefix(provider: CloudProvider) -> None:
    inputs, failures = provider.check("aws:kms/alias:Alias", {}, {"targetKeyId": "k"}, NAMING)
    assert failures == []
    assert inputs["name"].startswith("alias/core-")


def test_a_written_name_stays(provider: CloudProvider) -> None:
    inputs, _ = provider.check(ROLE, {}, {"name": "mine", "assumeRolePolicy": "{}"}, NAMING)
    assert inputs["name"] == "mine"


def test_a_secret_is_not_shown_in_a_complaint(provider: CloudProvider) -> None:
    _, [failure] = provider.check(ROLE, {}, {"name": "r", "assumeRolePolicy": Secret("hunter2")}, NAMING)
    assert "hunter2" not in failure.reason


def test_a_secret_never_reaches_the_account_and_comes_back_to_the_engine(
    provider: CloudProvider, account: SimulatedCloud, tmp_path: Path
) -> None:
    secret, _ = create(provider, SECRET, name="token")
    given = {"secretId": secret, "secretString": Secret("hunter2")}
    id_, outputs = create(provider, VERSION, **given)
    assert outputs["secretString"] == Secret("hunter2")
    assert "hunter2" not in json.dumps([dict(one.detail) for one in account.objects()])
    assert all(b"hunter2" not in file.read_bytes() for file in tmp_path.iterdir())
    found = provider.read(VERSION, "urn", id_, given, outputs)
    assert found is not None
    assert found[1]["secretString"] == Secret("hunter2"), "a refresh must not replace the secret by its digest"


@pytest.mark.parametrize(
    ("type_", "old", "new", "replaces"),
    [
        (VPC, {"cidrBlock": "10.0.0.0/16"}, {"cidrBlock": "10.1.0.0/16"}, True),
        (VPC, {"cidrBlock": "10.0.0.0/16"}, {"cidrBlock": "10.0.0.0/16", "enableDnsHostnames": True}, False),
        (GROUP, {"subnetIds": ["a"]}, {"subnetIds": ["a", "b"]}, True),
        (GROUP, {"launchTemplate": {"id": "a", "version": "1"}}, {"launchTemplate": {"id": "a", "version": ""}}, False),
        (GROUP, {"launchTemplate": {"id": "a", "version": "1"}}, {"launchTemplate": {"id": "b", "version": "1"}}, True),
        (GROUP, {"launchTemplate": {"id": "a", "version": "1"}}, {}, True),
    ],
)  # fmt: skip
def test_what_replaces_and_what_updates(
    provider: CloudProvider, type_: str, old: dict[str, Any], new: dict[str, Any], replaces: bool
) -> None:
    diff = provider.diff(type_, "id", old, {}, new)
    assert diff.changes
    assert bool(diff.replaces) is replaces


def test_a_written_name_is_deleted_before_it_is_made_again(provider: CloudProvider) -> None:
    old, new = {"name": "mine", "path": "/"}, {"name": "mine", "path": "/x/"}
    assert provider.diff(ROLE, "mine", old, {}, new).delete_before_replace, "two roles of one name cannot be"
    made = {"__defaults": ["name"]}
    assert not provider.diff(ROLE, "mine", {**old, **made}, {}, {**new, "name": "other", **made}).delete_before_replace


def test_other_default_tags_change_a_resource_that_says_nothing_of_tags(provider: CloudProvider) -> None:
    diff = provider.diff(VPC, "id", {}, {"tagsAll": {"owner": "web"}}, {})
    assert diff.changes == {"tagsAll": Change.UPDATE}
    assert not provider.diff(VPC, "id", {}, {"tagsAll": {"owner": "ml"}}, {}).changes


def test_refusals_of_the_cloud_reach_the_user_as_they_are(provider: CloudProvider) -> None:
    with pytest.raises(ProviderError, match=r"InvalidVpcID\.NotFound"):
        create(provider, SUBNET, vpcId="vpc-0", cidrBlock="10.0.0.0/20")


def test_a_type_beyond_the_facts_is_refused_at_check(provider: CloudProvider) -> None:
    _, [failure] = provider.check("aws:sqs/queue:Queue", {}, {}, NAMING)
    assert "not in the sandbox's facts" in failure.reason


def test_functions_are_refused(provider: CloudProvider) -> None:
    with pytest.raises(ProviderError, match="no invokes"):
        provider.invoke("aws:index/getCallerIdentity:getCallerIdentity", {})


def test_what_is_gone_reads_as_gone_and_deletes_in_peace(provider: CloudProvider) -> None:
    id_, outputs = create(provider, VPC, cidrBlock="10.0.0.0/16")
    provider.delete(VPC, "urn", id_, {}, outputs, 0)
    provider.delete(VPC, "urn", id_, {}, outputs, 0)
    assert provider.read(VPC, "urn", id_, {}, outputs) is None


def test_a_resource_that_is_not_ready_exists_for_the_engine(provider: CloudProvider, account: SimulatedCloud) -> None:
    whole_account(account, "aws:eks/cluster:Cluster")
    with pytest.raises(InitFailed) as failed:
        create(provider, "aws:eks/addon:Addon", clusterName="dev", addonName="coredns")
    assert failed.value.id == "dev:coredns"
    assert "DEGRADED" in failed.value.reasons[0]
