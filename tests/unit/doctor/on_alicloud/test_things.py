"""What names and ids of the stack file mean on Alibaba Cloud: each check red once with its remedy."""

from collections.abc import Mapping
from typing import Any

import pytest
from support.doctor.alicloud_doctor import ALICLOUD, ran, wanted, with_key
from support.doctor.doctor_proofs import Proof, named
from support.program import committed
from support.stack_settings import ROOT

from llmplatform.checks.files import read
from llmplatform.doctor.checks import Absent, Check
from llmplatform.doctor.on_alicloud import things
from llmplatform.doctor.wanted import Wanted

VPC = "vpc-bp1234567890abcdefghi"

NETWORK = {
    "kind": "existing",
    "vpc_id": VPC,
    "cidr": "10.9.0.0/16",
    "node_vswitches": {
        "cn-hangzhou-j": {"id": "vsw-bp1234567890abcdefgh1", "cidr": "10.9.0.0/22"},
        "cn-hangzhou-k": {"id": "vsw-bp1234567890abcdefgh2", "cidr": "10.9.4.0/22"},
    },
}

REGISTRY = {
    "GetInstance": {"InstanceName": "acme", "InstanceStatus": "RUNNING", "IsSuccess": True},
    "GetRepository": {"RepoId": "crr-1", "IsSuccess": True},
    "GetRepoTag": {"Tag": "v0.33.0", "IsSuccess": True},
}

EXISTING_KEY = {"kind": "existing", "id": "key-hzz1234567890abcdefgh"}
KEY = {"KeyMetadata": {"KeyId": "key-1", "KeyState": "Enabled", "KeySpec": "Aliyun_AES_256"}}


def vswitches(*free: int) -> dict[str, Any]:
    found = [
        {
            "VSwitchId": f"vsw-bp1234567890abcdefgh{number}",
            "ZoneId": f"cn-hangzhou-{'jk'[number - 1]}",
            "AvailableIpAddressCount": count,
        }
        for number, count in enumerate(free, 1)
    ]
    return {"VSwitches": {"VSwitch": found}}


def with_key_pair(name: str) -> Wanted:
    raw = read(ROOT / "Pulumi.prod-ack.yaml")["pools"]
    return wanted(pools={**raw, "system": {**raw["system"], "key_pair": name}})


def pairs(*names: str) -> dict[str, Any]:
    return {"KeyPairs": {"KeyPair": [{"KeyPairName": name} for name in names]}}


PROOFS: Mapping[str, Proof] = {
    "images": Proof(
        red={**REGISTRY, "GetRepoTag": Absent("TAG_NOT_EXIST")},
        text="docker.io/vllm/vllm-openai:v0.33.0 is not in the registry",
        remedy="skopeo copy docker://docker.io/vllm/vllm-openai:v0.33.0 docker://acme-registry-vpc.cn-hangzhou.cr.aliyuncs.com",
        green=REGISTRY,
    ),
    "secrets-key": Proof(
        red={"DescribeKey": {"KeyMetadata": {"KeyId": "key-1", "KeyState": "PendingDeletion"}}},
        text="is PendingDeletion: the cluster would be refused",
        # KMS API reference, CancelKeyDeletion: the key goes back to Enabled. EnableKey is for disabled ones.
        remedy="`aliyun kms CancelKeyDeletion --KeyId key-",
        green={"DescribeKey": KEY},
        of=with_key(EXISTING_KEY),
    ),
    "key-pairs": Proof(
        red={"DescribeKeyPairs": pairs()},
        text="pools.system.key_pair: there is no key pair operators in cn-hangzhou",
        remedy="aliyun ecs CreateKeyPair --RegionId cn-hangzhou --KeyPairName operators",
        green={"DescribeKeyPairs": pairs("operators")},
        of=with_key_pair("operators"),
    ),
    "dns-zone": Proof(
        red={"DescribeDomainInfo": Absent("InvalidDomainName.NoExist")},
        text="example.cn is not a domain of this account's DNS",
        remedy="addons.cert_manager.issuer.domain",
        green={"DescribeDomainInfo": {"DomainName": "example.cn"}},
    ),
    "subnets": Proof(
        red={"DescribeVSwitches": vswitches(1000, 15)},
        text="network.node_vswitches.cn-hangzhou-k: 15 addresses are free",
        remedy="use a larger vSwitch",
        green={"DescribeVSwitches": vswitches(1000, 1000)},
        of=wanted("dev-ack", network=NETWORK),
    ),
}


@pytest.mark.parametrize("check", things.CHECKS, ids=named)
def test_each_check_is_red_once_with_its_remedy(check: Check) -> None:
    ALICLOUD.shows_red(check, PROOFS[check.name])


@pytest.mark.parametrize("check", things.CHECKS, ids=named)
def test_a_check_is_green_where_all_is_well(check: Check) -> None:
    ALICLOUD.shows_green(check, PROOFS[check.name])


@pytest.mark.parametrize("check", things.CHECKS, ids=named)
def test_what_the_credentials_may_not_ask_is_yellow_with_the_missing_action(check: Check) -> None:
    ALICLOUD.shows_what_is_denied(check, PROOFS[check.name])


def test_a_key_has_to_be_there_enabled_and_symmetric() -> None:
    assert ran("secrets-key", with_key(EXISTING_KEY), DescribeKey=Absent("Forbidden.KeyNotFound")).level == "red"
    assert things.key_finding("key-1", {"KeyState": "Enabled", "KeySpec": "RSA_2048"}).level == "red"
    assert ran("secrets-key", with_key(None)).level == "green"


def test_a_kms_instance_has_to_be_there_and_connected() -> None:
    of = with_key({"kind": "kms_instance", "instance": "kst-hzz1234567890abcdefgh"})
    assert ran("secrets-key", of, GetKmsInstance={"KmsInstance": {"Status": "Connected"}}).level == "green"
    assert ran("secrets-key", of, GetKmsInstance={"KmsInstance": {"Status": "Uninitialized"}}).level == "red"
    assert ran("secrets-key", of, GetKmsInstance=Absent("InstanceNotFound")).level == "red"


def test_a_registry_of_another_name_is_told() -> None:
    told = ran("images", **{**REGISTRY, "GetInstance": {**REGISTRY["GetInstance"], "InstanceName": "other"}})
    assert told.level == "yellow"
    assert all("is not the address of" in finding.text for finding in told.findings)
    assert ran("images", **{**REGISTRY, "GetInstance": Absent("INSTANCE_NOT_EXIST")}).level == "red"


def with_image(reference: str) -> Wanted:
    models = read(ROOT / "Pulumi.prod-ack.yaml")["models"]
    return wanted(models={name: {**each, "engine": {"image": reference}} for name, each in models.items()})


def test_an_image_of_ones_own_is_looked_for_and_the_public_one_is_not() -> None:
    asked: list[tuple[str, str]] = []

    def repository(**parameters: Any) -> Any:
        asked.append((parameters["RepoNamespaceName"], parameters["RepoName"]))
        return {"RepoId": f"crr-{len(asked)}", "IsSuccess": True}

    own = "acme-registry-vpc.cn-hangzhou.cr.aliyuncs.com/serving/vllm-openai:v0.33.0-1"
    result = ran("images", with_image(own), **{**REGISTRY, "GetRepository": repository})
    assert ("serving", "vllm-openai") in asked
    assert not any("vllm/vllm-openai" in each.text for each in result.findings)
    missing = ran("images", with_image(own), **{**REGISTRY, "GetRepoTag": Absent("TAG_NOT_EXIST")})
    assert f"{own} is not in the registry" in [each.text for each in missing.findings if each.level == "red"]


def test_a_digest_is_no_tag() -> None:
    name, digest = "acme-registry-vpc.cn-hangzhou.cr.aliyuncs.com/serving/vllm", f"sha256:{'0' * 64}"
    host, _, _ = name.partition("/")
    assert things.image_parts(f"{name}@{digest}") == (host, "serving", "vllm", "")
    assert things.image_parts(f"{name}:v1@{digest}") == (host, "serving", "vllm", "v1")


def test_a_vswitch_beyond_the_first_page_is_found() -> None:
    both = vswitches(1000, 1000)["VSwitches"]["VSwitch"]

    def page(**parameters: Any) -> Any:
        number = parameters["PageNumber"]
        return {"TotalCount": len(both), "VSwitches": {"VSwitch": both[number - 1 : number]}}

    assert ran("subnets", PROOFS["subnets"].of, DescribeVSwitches=page).level == "green"


def own(free: int, cidr: str = "10.0.192.0/22") -> dict[str, Any]:
    switch = {"VSwitchId": "vsw-1", "ZoneId": "cn-hangzhou-i", "AvailableIpAddressCount": free, "CidrBlock": cidr}
    return {"VSwitches": {"VSwitch": [switch]}}


def test_addresses_that_end_are_told_before_pods_wait_for_them() -> None:
    assert [ran("subnets", DescribeVSwitches=own(free)).level for free in (800, 150, 20)] == ["green", "yellow", "red"]
    assert ran("subnets", DescribeVSwitches={"VSwitches": {"VSwitch": []}}).level == "green", "not made yet"


def test_the_stacks_own_vswitches_are_asked_for_by_the_names_that_they_get() -> None:
    asked: set[str] = set()

    def answer(**parameters: Any) -> Any:
        asked.add(parameters["VSwitchName"])
        return {"VSwitches": {"VSwitch": []}}

    ran("subnets", wanted("dev-ack"), DescribeVSwitches=answer)
    made = committed("dev-ack").all("alicloud:vpc/switch:Switch")
    assert asked == {found.inputs["vswitchName"] for found in made}
