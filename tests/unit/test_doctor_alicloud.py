"""Each check of an Alibaba Cloud account shown red once, with its remedy, and what each says when all is well.

Answers have the members that the SDK's own classes have (`recorded`). Facts: what the states are called, the same
classes' documentation.
"""

from collections.abc import Mapping
from typing import Any

import pytest
import recorded
from alibabacloud_credentials.exceptions import CredentialException
from stack_settings import ROOT
from Tea.exceptions import TeaException

from llmplatform.catalog import versions
from llmplatform.catalog.preparation import steps
from llmplatform.doctor import known
from llmplatform.doctor.checks import Absent, Denied, Finding, NoAnswer, Result
from llmplatform.doctor.on_alicloud import machines, things
from llmplatform.doctor.on_alicloud.account import PATHS, SERVICES, AlicloudAccount
from llmplatform.doctor.running import run_check
from llmplatform.doctor.wanted import Wanted
from llmplatform.specs import parse
from llmplatform.specs.files import read

CHECKS = {check.name: check for check in known.ALICLOUD}
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


def wanted(stack: str = "prod-ack", **sections: Any) -> Wanted:
    raw = {**read(ROOT / f"Pulumi.{stack}.yaml"), **sections}
    return Wanted(stack, parse(raw), ROOT)


def ran(name: str, of: Wanted | None = None, **answers: Any) -> Result:
    return run_check(CHECKS[name], of or wanted(), recorded.alicloud(**answers))


def only(result: Result) -> Finding:
    [finding] = [each for each in result.findings if each.level == result.level]
    return finding


def attributes(**values: str) -> dict[str, Any]:
    items = [
        {"AttributeName": name.replace("_", "-"), "AttributeValues": {"ValueItem": [{"Value": value}]}}
        for name, value in values.items()
    ]
    return {"AccountAttributeItems": {"AccountAttributeItem": items}}


PLENTY = attributes(
    max_postpaid_instance_vcpu_count="1000",
    used_postpaid_instance_vcpu_count="0",
    max_spot_instance_vcpu_count="1000",
    used_spot_instance_vcpu_count="0",
    real_name_authentication="yes",
)


def stock(**left: str) -> Any:
    """What is left in each zone of cn-hangzhou, by its letter."""

    def answer(**parameters: Any) -> dict[str, Any]:
        found = [
            {
                "ZoneId": f"cn-hangzhou-{letter}",
                "AvailableResources": {
                    "AvailableResource": [
                        {
                            "Type": "InstanceType",
                            "SupportedResources": {
                                "SupportedResource": [
                                    {
                                        "Value": parameters["InstanceType"],
                                        "Status": "Available",
                                        "StatusCategory": state,
                                    }
                                ]
                            },
                        }
                    ]
                },
            }
            for letter, state in left.items()
        ]
        return {"AvailableZones": {"AvailableZone": found}}

    return answer


def prices(price: float) -> Any:
    def answer(**parameters: Any) -> dict[str, Any]:
        found = [
            {"ZoneId": parameters["ZoneId"], "SpotPrice": paid, "OriginPrice": 9.0, "Timestamp": when}
            for paid, when in ((price, "2026-11-29T21:00:00Z"), (99.0, "2026-11-29T18:00:00Z"))
        ]
        return {"Currency": "CNY", "SpotPrices": {"SpotPriceType": found}}

    return answer


def zones(*letters: str) -> dict[str, Any]:
    return {
        "Zones": {"Zone": [{"ZoneId": f"cn-hangzhou-{letter}", "ZoneType": "AvailabilityZone"} for letter in letters]}
    }


def role(*missing: str) -> Any:
    def answer(**parameters: Any) -> Any:
        name = parameters["RoleName"]
        return Absent("EntityNotExist.Role") if name in missing else {"Role": {"RoleName": name}}

    return answer


OPEN = {
    "DescribeAccountKmsStatus": {"AccountStatus": "Enabled"},
    "DescribeUserServiceStatus": {"Status": "OPENED"},
    "GetFlowLogServiceStatus": {"Enabled": True},
    "DescribeFileSystems": {"FileSystems": {"FileSystem": []}},
}
ADDONS = {"addons": [{"name": name, "version": "v1.0.0"} for name in versions.ACK_ADDONS]}
REGISTRY = {
    "GetInstance": {"InstanceName": "acme", "InstanceStatus": "RUNNING", "IsSuccess": True},
    "GetRepository": {"RepoId": "crr-1", "IsSuccess": True},
    "GetRepoTag": {"Tag": "v0.33.0", "IsSuccess": True},
}
KEY = {"KeyMetadata": {"KeyId": "key-1", "KeyState": "Enabled", "KeySpec": "Aliyun_AES_256"}}


def metadata(*releases: str) -> list[dict[str, Any]]:
    return [{"version": release, "creatable": True} for release in releases]


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


RED: Mapping[str, tuple[dict[str, Any], str, str]] = {
    "account": (
        {"GetCallerIdentity": {"AccountId": "9999000011112222", "Arn": "acs:ram::9999000011112222:user/alice"}},
        "the credentials are of account 9999000011112222, and cloud.account_id is 5555666677778888",
        "log in to that account",
    ),
    "real-name": (
        {"DescribeAccountAttributes": attributes(real_name_authentication="no")},
        "not registered by name",
        "real-name registration",
    ),
    "services": (
        {**OPEN, "GetFlowLogServiceStatus": {"Enabled": False}},
        "VPC flow logs is not activated",
        "let the account's owner activate it",
    ),
    "service-roles": (
        {"GetRole": role("AliyunVPCLogArchiveRole", "AliyunCSManagedAcrRole")},
        "2 of 15 roles of services are not authorised",
        "https://ram.console.aliyun.com/role/authorization",
    ),
    "zones": ({"DescribeZones": zones("i", "j")}, "cn-hangzhou-k: this account sees no such zone", "cn-hangzhou-i"),
    "stock": (
        {"DescribeAvailableResource": stock(i="WithoutStock", j="WithoutStock", k="ClosedWithoutStock", b="WithStock")},
        "pool gpu-small, on demand: ecs.gn7i-c16g1.4xlarge is not in stock",
        "add cn-hangzhou-b to cloud.zones",
    ),
    "vcpu-quotas": (
        {
            "DescribeAccountAttributes": attributes(
                max_postpaid_instance_vcpu_count="50",
                used_postpaid_instance_vcpu_count="0",
                max_spot_instance_vcpu_count="1000",
            )
        },
        "vCPUs paid by use: 0 of 50 in use",
        "in the quota centre",
    ),
    "spot-prices": (
        {"DescribeSpotPriceHistory": prices(6.5)},
        "the limit is 5.000: the pool stays empty",
        "raise pools.gpu-small.spot_price_limit above 6.500",
    ),
    "kubernetes": (
        {"DescribeKubernetesVersionMetadata": metadata("1.36.2-aliyun.1", "1.35.9-aliyun.1")},
        "ACK makes no clusters of 1.35.7-aliyun.1",
        "write `release: 1.35.9-aliyun.1` into cluster",
    ),
    "addons": (
        {"ListAddons": {"addons": [*ADDONS["addons"][1:], {"name": "terway-controlplane", "version": "v1"}]}},
        "terway-eniip: ACK offers no such add-on",
        "near it are terway-controlplane",
    ),
    "images": (
        {**REGISTRY, "GetRepoTag": Absent("TAG_NOT_EXIST")},
        "docker.io/vllm/vllm-openai:v0.33.0 is not in the registry",
        "skopeo copy docker://docker.io/vllm/vllm-openai:v0.33.0 docker://acme-registry-vpc.cn-hangzhou.cr.aliyuncs.com",
    ),
    "secrets-key": (
        {"DescribeKey": {"KeyMetadata": {"KeyId": "key-1", "KeyState": "PendingDeletion"}}},
        "is PendingDeletion: the cluster would be refused",
        # KMS API reference, CancelKeyDeletion: the key goes back to Enabled. EnableKey is for disabled ones.
        "`aliyun kms CancelKeyDeletion --KeyId key-",
    ),
    "dns-zone": (
        {"DescribeDomainInfo": Absent("InvalidDomainName.NoExist")},
        "example.cn is not a domain of this account's DNS",
        "addons.cert_manager.issuer.domain",
    ),
    "subnets": (
        {"DescribeVSwitches": vswitches(1000, 15)},
        "network.node_vswitches.cn-hangzhou-k: 15 addresses are free",
        "use a larger vSwitch",
    ),
}
"""Check to the answers that make it red, and what it says and advises then."""


def with_key(key: Any) -> Wanted:
    return wanted(cluster={**read(ROOT / "Pulumi.prod-ack.yaml")["cluster"], "secrets_key": key})


def subject(name: str) -> Wanted:
    if name == "subnets":
        return wanted("dev-ack", network=NETWORK)
    if name == "secrets-key":
        return with_key({"kind": "existing", "id": "key-hzz1234567890abcdefgh"})
    if name == "spot-prices":
        raw = read(ROOT / "Pulumi.prod-ack.yaml")["pools"]
        return wanted(pools={**raw, "gpu-small": {**raw["gpu-small"], "capacity": "spot", "min": 0}})
    return wanted()


@pytest.mark.parametrize("name", CHECKS)
def test_each_check_is_red_once_with_its_remedy(name: str) -> None:
    answers, text, remedy = RED[name]
    result = ran(name, subject(name), **answers)
    assert result.level == "red", result.findings
    told = [each for each in result.findings if each.level == "red"]
    assert any(text in each.text and remedy in each.remedy for each in told), told


GREEN: Mapping[str, dict[str, Any]] = {
    "account": {"GetCallerIdentity": {"AccountId": "5555666677778888", "Arn": "acs:ram::5555666677778888:role/deploy"}},
    "real-name": {"DescribeAccountAttributes": PLENTY},
    "services": OPEN,
    "service-roles": {"GetRole": role()},
    "zones": {"DescribeZones": zones("i", "j", "k")},
    "stock": {"DescribeAvailableResource": stock(i="WithStock", j="WithStock", k="WithoutStock")},
    "vcpu-quotas": {"DescribeAccountAttributes": PLENTY},
    "spot-prices": {"DescribeSpotPriceHistory": prices(4.5)},
    "kubernetes": {"DescribeKubernetesVersionMetadata": metadata("1.35.7-aliyun.1")},
    "addons": {"ListAddons": ADDONS},
    "images": REGISTRY,
    "secrets-key": {"DescribeKey": KEY},
    "dns-zone": {"DescribeDomainInfo": {"DomainName": "example.cn"}},
    "subnets": {"DescribeVSwitches": vswitches(1000, 1000)},
}


@pytest.mark.parametrize("name", CHECKS)
def test_a_check_is_green_where_all_is_well(name: str) -> None:
    result = ran(name, subject(name), **GREEN[name])
    assert result.level == "green", result.findings


@pytest.mark.parametrize("name", CHECKS)
def test_what_the_credentials_may_not_ask_is_yellow_with_the_missing_action(name: str) -> None:
    check = CHECKS[name]
    refused = {each.partition(":")[2]: Denied(each) for each in check.actions}
    finding = only(run_check(check, subject(name), recorded.alicloud(**refused)))
    assert finding.level == "yellow"
    assert any(action in finding.text for action in check.actions)
    assert f"--skip {name}" in finding.remedy


def test_a_group_that_may_be_empty_is_only_yellow_without_stock() -> None:
    [pool] = [each for each in wanted().made if each.name == "gpu-small"]
    low = {("ecs.gn7i-c16g1.4xlarge", "cn-hangzhou-i"): "ClosedWithStock"}
    assert machines.stock_finding(pool, "spot", 0, {}).level == "yellow"
    assert machines.stock_finding(pool, "on_demand", 1, low).level == "yellow"


def test_a_limit_below_the_price_is_yellow_where_machines_are_bought_on_demand_instead() -> None:
    finding = only(ran("spot-prices", DescribeSpotPriceHistory=prices(6.5)))
    assert (finding.level, "everything is bought on demand" in finding.text) == ("yellow", True)
    assert only(ran("spot-prices", DescribeSpotPriceHistory={"SpotPrices": {"SpotPriceType": []}})).level == "yellow"


def test_a_key_has_to_be_there_enabled_and_symmetric() -> None:
    assert ran("secrets-key", subject("secrets-key"), DescribeKey=Absent("Forbidden.KeyNotFound")).level == "red"
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


def test_services_are_asked_about_where_the_stack_needs_them() -> None:
    closed = {**OPEN, "DescribeAccountKmsStatus": {"AccountStatus": "NotEnabled"}}
    assert ran("services", with_key(None), **closed).level == "green"
    assert ran("services", subject("secrets-key"), **closed).level == "red"


def test_every_role_of_the_table_is_asked_for() -> None:
    asked: list[str] = []

    def answer(**parameters: Any) -> dict[str, Any]:
        asked.append(parameters["RoleName"])
        return {"Role": {"RoleName": parameters["RoleName"]}}

    ran("service-roles", GetRole=answer)
    assert {step.name for step in steps("alicloud") if step.kind == "role"} <= {*asked}


def account(*answers: Any) -> AlicloudAccount:
    left = list(answers)

    def send(action: str, query: Mapping[str, Any], body: Any) -> Any:
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return AlicloudAccount("cn-hangzhou", send)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (TeaException({"code": "Forbidden.RAM", "message": "User not authorized to operate."}), Denied),
        (TeaException({"code": "NoPermission", "message": "You are not authorized"}), Denied),
        (TeaException({"code": "EntityNotExist.Role", "message": "The role does not exist."}), Absent),
        (TeaException({"code": "InvalidDomainName.NoExist", "message": "no such domain"}), Absent),
        (TeaException({"code": "Throttling", "message": "slow down"}), NoAnswer),
        (CredentialException("not found credentials: [EnvironmentVariableCredentialsProvider: …]"), NoAnswer),
        ({"IsSuccess": False, "Code": "INSTANCE_NOT_EXIST"}, Absent),
        (OSError("connection refused"), NoAnswer),
    ],
)
def test_what_the_account_answers_is_told_in_a_line(said: Any, kind: type[Exception]) -> None:
    with pytest.raises(kind) as told:
        account(said)("ram:GetRole", RoleName="x")
    assert "\n" not in str(told.value)
    assert "EnvironmentVariable" not in str(told.value)


def test_every_action_is_of_a_service_that_is_known() -> None:
    actions = {action for check in known.ALICLOUD for action in check.actions}
    assert {action.partition(":")[0] for action in actions} <= {*SERVICES}
    # Container Service has paths, the others have none.
    assert {action for action in actions if action.startswith("cs:")} <= {*PATHS}
