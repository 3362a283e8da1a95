"""Tags by the rules of each service: AWS and Alibaba Cloud take them differently from service to service."""

import re
from pathlib import Path
from typing import Any

import pytest
from support.sandboxes.cloud_account import cloud

from llmplatform_sandbox.cloud import schema
from llmplatform_sandbox.cloud.enums import shapes
from llmplatform_sandbox.cloud.facts import load
from llmplatform_sandbox.cloud.tags import refusals, rules
from llmplatform_sandbox.providers.base import Autonaming
from llmplatform_sandbox.providers.cloud import CloudProvider

ROLE, CLUSTER, VPC, LOGS, FILES = (
    "aws:iam/role:Role",
    "aws:eks/cluster:Cluster",
    "aws:ec2/vpc:Vpc",
    "aws:cloudwatch/logGroup:LogGroup",
    "aws:efs/fileSystem:FileSystem",
)
SHAPES = {
    "iam": ("iam", "tagKeyType", "tagValueType", "tagListType"),
    "eks": ("eks", "TagKey", "TagValue", "TagMap"),
    "acm": ("acm", "TagKey", "TagValue", "TagList"),
    "efs": ("efs", "TagKey", "TagValue", None),
    "cloudwatch": ("logs", "TagKey", "TagValue", "Tags"),
}
"""Row → service of botocore and its shapes of a key, a value and of all tags."""


def said(type_: str, **tags: Any) -> list[str]:
    return [reason for _, reason in refusals(type_, tags)]


@pytest.mark.parametrize("row", SHAPES)
def test_counts_lengths_and_characters_are_those_of_the_services_models(row: str) -> None:
    service, key, value, every = SHAPES[row]
    model, rule = shapes(service), rules("aws")[row]
    assert (rule.key, rule.value) == (model[key]["max"], model[value]["max"])
    if every:
        assert rule.most == model[every]["max"]
    letters = re.search(r"\[\\p\{L\}\\p\{Z\}\\p\{N\}(.*?)\]", model[key].get("pattern", ""))
    assert set(rule.marks) == set(letters[1].replace("\\", "") if letters else "")


@pytest.mark.parametrize("type_", [ROLE, CLUSTER])
@pytest.mark.parametrize("prefix", ["aws:", "AWS:", "aWs:"])
def test_iam_and_eks_take_no_value_that_begins_as_aws_own_do(type_: str, prefix: str) -> None:
    [reason] = said(type_, resource=f"{prefix}iam/role:Role core")
    assert "begins with" in reason
    assert said(VPC, resource=f"{prefix}ec2/vpc:Vpc core") == [], "EC2 restricts keys alone"


@pytest.mark.parametrize("type_", [ROLE, CLUSTER, VPC, LOGS, FILES])
def test_no_service_takes_a_key_that_begins_so(type_: str) -> None:
    assert said(type_, **{"Aws:team": "ml"})


def test_eks_says_of_its_tags_what_the_rule_says() -> None:
    text = re.sub(r"<[^>]+>", "", shapes("eks")["TagMap"]["documentation"])
    assert "prefix for either keys or values" in text


def test_iam_keys_differ_by_more_than_case() -> None:
    assert len(said(ROLE, Team="a", team="b")) == 2
    assert said(CLUSTER, Team="a", team="b") == []


def test_characters_count_where_the_service_minds_them() -> None:
    assert said(ROLE, note="a;b") != []
    assert said(ROLE, note="Größe 1.2_a:/=+-@") == []
    assert said(VPC, note="a;b") == []


def test_too_long_and_too_many_are_refused() -> None:
    assert said(VPC, **{"k" * 129: "v"}) == ["the key has 129 characters; write at most 128"]
    assert said(VPC, key="v" * 257) == ["the value has 257 characters; write at most 256"]
    assert "51 tags" in said(VPC, **{f"k{number}": "v" for number in range(51)})[0]


@pytest.mark.parametrize("key", ["aliyun-team", "Aliyun", "acs:team", "http://team", "https://team"])
def test_alibaba_keeps_its_own_prefixes(key: str) -> None:
    assert said("alicloud:vpc/network:Network", **{key: "v"})
    assert said("alicloud:oss/bucket:Bucket", **{key: "v"})


def test_oss_has_shorter_keys_and_alibaba_takes_twenty_tags() -> None:
    assert said("alicloud:oss/bucket:Bucket", **{"k" * 65: "v"})
    assert said("alicloud:vpc/network:Network", **{"k" * 65: "v"}) == []
    assert "21 tags" in said("alicloud:cs/managedKubernetes:ManagedKubernetes", **{f"k{n}": "v" for n in range(21)})[0]


@pytest.mark.parametrize("package", ["aws", "alicloud"])
def test_every_row_is_of_a_service_and_says_where_it_was_read(package: str) -> None:
    services = {type_.partition(":")[2].partition("/")[0] for type_ in load(package).types if ":" in type_}
    assert set(rules(package)) - {"any", "acm"} <= services
    assert all(rule.cites or rule.assumed for rule in rules(package).values())


def test_default_tags_of_the_provider_count_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    account = cloud(tmp_path)
    config = {"region": "eu-west-1", "defaultTags": '{"tags":{"origin":"aws:made"}}'}
    monkeypatch.setattr(CloudProvider, "config", property(lambda self: config))
    provider = CloudProvider(lambda: account)
    naming = Autonaming(name="core", urn="urn")
    assert "tagsAll" in schema.resource(ROLE).outputs
    _, [failure] = provider.check(ROLE, {}, {"assumeRolePolicy": "{}"}, naming)
    assert 'tags["origin"]' in failure.reason
    _, failures = provider.check(VPC, {}, {"cidrBlock": "10.0.0.0/16"}, naming)
    assert failures == []
