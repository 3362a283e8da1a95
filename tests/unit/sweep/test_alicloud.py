"""What an environment left in an account of Alibaba Cloud, by answers with the members of the SDK's own classes.

Tags as the controllers write them: cloud-provider-alibaba-cloud, alibaba-cloud-csi-driver, Terway.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from support.doctor import recorded
from support.doctor.alicloud_doctor import wanted
from support.stack_settings import ROOT
from typer.testing import CliRunner

from llmplatform.checks.files import read
from llmplatform.cli.app import app
from llmplatform.doctor import accounts
from llmplatform.doctor.checks import Ask, NoAnswer
from llmplatform.doctor.on_alicloud.account import SERVICES
from llmplatform.sweep import alicloud
from llmplatform.sweep.kinds import Leftover, Place
from llmplatform.sweep.running import remove, survey
from llmplatform.sweep.stacks import place_of

GONE, ALIVE = "c8f23ea1a520f4cbc936cfeed3a57a8fd", "c1111111111111111111111111111111a"
PLACE = Place(
    environment="prod-ack",
    region="cn-hangzhou",
    clusters=frozenset({GONE}),
    zone="example.cn",
    host="llm.example.cn",
)
UNKNOWN = Place(environment="prod-ack", region="cn-hangzhou", clusters=frozenset())
OURS = {"llmplatform:environment": "prod-ack"}
KINDS = {kind.name: kind for kind in alicloud.KINDS}


def tag(values: Mapping[str, str]) -> dict[str, Any]:
    return {"Tag": [{"TagKey": key, "TagValue": value} for key, value in values.items()]}


def plain(values: Mapping[str, str]) -> dict[str, Any]:
    return {"Tag": [{"Key": key, "Value": value} for key, value in values.items()]}


def disk(id_: str, status: str = "Available", **tags: str) -> dict[str, Any]:
    spelt = {key.replace("_", "."): value for key, value in tags.items()}
    return {"DiskId": id_, "DiskName": "", "Size": 20, "Status": status, "Tags": tag(spelt)}


AROUND: dict[str, Any] = {
    "DescribeVpcs": {"TotalCount": 1, "Vpcs": {"Vpc": [{"VpcId": "vpc-1", "Tags": plain(OURS)}]}},
    "DescribeClustersForRegion": {
        "clusters": [{"cluster_id": ALIVE, "name": "staging", "tags": []}],
        "page_info": {"total_count": 1},
    },
}


def left(name: str, ask: Ask, place: Place = PLACE) -> list[Leftover]:
    [found] = survey([KINDS[name]], place, ask)
    assert not found.problem, found.problem
    return [*found.left]


def test_disks_are_told_apart_by_the_cluster_in_their_tags() -> None:
    found = {"Disks": {"Disk": [
        disk("d-ours", ack_aliyun_com=GONE),
        disk("d-used", "In_use", ack_aliyun_com=GONE),
        disk("d-alive", ack_aliyun_com=ALIVE),
        disk("d-plain"),
    ]}}  # fmt: skip
    ask = recorded.alicloud(**AROUND, DescribeDisks=found)
    assert {each.id: (each.whose, each.deletable) for each in left("volumes", ask)} == {
        "d-ours": ("ours", True),
        "d-used": ("ours", False),
    }
    [first, _] = left("volumes", ask, UNKNOWN)
    assert (first.whose, f"pass --cluster {GONE}" in first.why) == ("foreign", True)


def test_every_page_is_asked_for() -> None:
    pages = iter([
        {"Disks": {"Disk": [disk("d-1", ack_aliyun_com=GONE)]}, "NextToken": "more"},
        {"Disks": {"Disk": [disk("d-2", ack_aliyun_com=GONE)]}},
    ])  # fmt: skip
    asked: list[Any] = []

    def disks(**parameters: Any) -> Any:
        asked.append(parameters.get("NextToken"))
        return next(pages)

    ask = recorded.alicloud(**AROUND, DescribeDisks=disks)
    assert [each.id for each in left("volumes", ask)] == ["d-1", "d-2"]
    assert asked == [None, "more"]


def test_numbered_pages_are_asked_for_until_all_are_there() -> None:
    def balancers(**parameters: Any) -> Any:
        number = parameters["PageNumber"]
        balancer = {"LoadBalancerId": f"lb-{number}", "VpcId": "vpc-1", "Tags": tag({"ack.aliyun.com": GONE})}
        return {"LoadBalancers": {"LoadBalancer": [balancer]}, "TotalCount": 3}

    ask = recorded.alicloud(**AROUND, DescribeLoadBalancers=balancers)
    assert [each.id for each in left("load-balancers", ask)] == ["lb-1", "lb-2", "lb-3"]


def test_a_load_balancer_that_its_controller_protected_is_let_go_first() -> None:
    asked: list[str] = []

    def note(name: str) -> Any:
        def answer(**parameters: Any) -> dict[str, Any]:
            asked.append(name)
            return {"RequestId": "x"}

        return answer

    balancer = {"LoadBalancerId": "lb-1", "VpcId": "vpc-1", "DeleteProtection": "on", "Tags": tag(OURS)}
    ask = recorded.alicloud(
        **AROUND,
        DescribeLoadBalancers={"LoadBalancers": {"LoadBalancer": [balancer]}, "TotalCount": 1},
        SetLoadBalancerDeleteProtection=note("unprotect"),
        DeleteLoadBalancer=note("delete"),
    )
    [outcome] = remove(KINDS["load-balancers"], left("load-balancers", ask, UNKNOWN), PLACE, ask)
    assert (outcome.done, asked) == (True, ["unprotect", "delete"])


def test_load_balancers_in_our_network_are_ours_by_a_tag_alone() -> None:
    found = [
        {"LoadBalancerId": id_, "VpcId": "vpc-1", "Tags": tag(tags)}
        for id_, tags in (
            ("lb-cluster", {"ack.aliyun.com": GONE}),
            ("lb-gone", {"ack.aliyun.com": "c2222222222222222222222222222222b"}),
            ("lb-alive", {"ack.aliyun.com": ALIVE}),
            ("lb-by-hand", {}),
            ("lb-other", {"llmplatform:environment": "other"}),
            ("lb-other-cluster", {"llmplatform:environment": "other", "ack.aliyun.com": GONE}),
        )
    ]
    answer = {"LoadBalancers": {"LoadBalancer": found}, "TotalCount": len(found)}
    ask = recorded.alicloud(**AROUND, DescribeLoadBalancers=answer)
    assert {each.id: each.whose for each in left("load-balancers", ask)} == {
        "lb-cluster": "ours",
        "lb-gone": "foreign",
        "lb-by-hand": "foreign",
        "lb-other": "foreign",
        "lb-other-cluster": "foreign",
    }


def test_an_existing_cluster_makes_nothing_ours_whether_it_is_there_or_not() -> None:
    disks = [disk("d-theirs", ack_aliyun_com=ALIVE), disk("d-gone", ack_aliyun_com=GONE)]
    ask = recorded.alicloud(**AROUND, DescribeDisks={"Disks": {"Disk": disks}})
    for within in (ALIVE, GONE):
        place = replace(UNKNOWN, within=within)
        assert not any(each.deletable for each in left("volumes", ask, place))
    assert [*alicloud.living(replace(UNKNOWN, within=ALIVE), ask)] == [ALIVE]
    raw = read(ROOT / "Pulumi.prod-ack.yaml")
    cluster = {
        "kind": "existing",
        "id": ALIVE,
        "kubernetes_version": raw["cluster"]["kubernetes_version"],
        "endpoint_url": "https://kubernetes.example.org:6443",
        "certificate_authority": "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t",
        "security_group_id": "sg-bp1a2b3c4d5e6f7g8h9i",
    }
    switches = {f"cn-hangzhou-{zone}": f"vsw-bp12mw1f8k3jgygk9{zone}bc" for zone in "hijk"}
    network = {
        "kind": "existing",
        "vpc_id": "vpc-bp1aevy8sofi8mh1qabcd",
        "cidr": "10.0.0.0/16",
        "node_vswitches": {
            zone: {"id": switches[zone], "cidr": f"10.0.{16 * number}.0/20"}
            for number, zone in enumerate(raw["cloud"]["zones"])
        },
    }
    place = place_of(wanted(cluster=cluster, network=network), [ALIVE])
    assert (place.clusters, place.within) == (frozenset(), ALIVE)


def test_what_a_cluster_made_stays_while_it_is_there() -> None:
    ask = recorded.alicloud(**AROUND, DescribeDisks={"Disks": {"Disk": [disk("d-1", ack_aliyun_com=ALIVE)]}})
    [found] = left("volumes", ask, replace(PLACE, clusters=frozenset({ALIVE})))
    assert (found.whose, found.deletable) == ("ours", False)
    assert f"{ALIVE} still exists" in found.kept


def test_interfaces_in_our_network_are_ours_unless_a_service_has_them() -> None:
    found = [
        {"NetworkInterfaceId": "eni-1", "VpcId": "vpc-1", "Tags": tag({"creator": "terway"})},
        {"NetworkInterfaceId": "eni-2", "VpcId": "vpc-1", "ServiceManaged": True, "Tags": tag({})},
        {"NetworkInterfaceId": "eni-3", "VpcId": "vpc-9", "Tags": tag({"creator": "terway"})},
        {"NetworkInterfaceId": "eni-5", "VpcId": "vpc-1", "Tags": tag({"llmplatform:environment": "other"})},
        {"NetworkInterfaceId": "eni-4", "VpcId": "vpc-1", "Tags": tag({"ack.aliyun.com": ALIVE})},
    ]
    ask = recorded.alicloud(
        **AROUND, DescribeNetworkInterfaces={"NetworkInterfaceSets": {"NetworkInterfaceSet": found}}
    )
    assert {each.id: each.deletable for each in left("interfaces", ask)} == {
        "eni-1": True,
        "eni-2": False,
        "eni-5": False,
    }


def test_snapshots_file_systems_and_records_are_found() -> None:
    mounts = {"MountTarget": [{"MountTargetDomain": "a.cn-hangzhou.nas.aliyuncs.com"}]}
    records = [
        {"RecordId": "1", "RR": "_acme-challenge.llm", "Type": "TXT"},
        {"RecordId": "2", "RR": "_acme-challenge.chat", "Type": "TXT"},
        {"RecordId": "3", "RR": "llm", "Type": "A"},
    ]
    gone: list[str] = []
    ask = recorded.alicloud(
        **AROUND,
        DescribeSnapshots={"Snapshots": {"Snapshot": [{"SnapshotId": "s-1", "Tags": tag({"ack.aliyun.com": GONE})}]}},
        DescribeFileSystems={
            "TotalCount": 2,
            "FileSystems": {
                "FileSystem": [
                    {"FileSystemId": "fs-1", "Tags": plain(OURS), "MountTargets": mounts},
                    {"FileSystemId": "fs-2", "Tags": plain({})},
                ]
            },
        },
        DescribeDomainRecords={"TotalCount": 3, "DomainRecords": {"Record": records}},
        DeleteMountTarget=lambda **parameters: gone.append(parameters["MountTargetDomain"]) or {},
    )
    assert [each.id for each in left("snapshots", ask)] == ["s-1"]
    assert [each.id for each in left("dns-records", ask)] == ["1"]
    [files] = left("file-systems", ask)
    [outcome] = remove(KINDS["file-systems"], [files], PLACE, ask)
    assert (outcome.done, gone) == (False, ["a.cn-hangzhou.nas.aliyuncs.com"])
    assert "run it again" in outcome.said


def test_keys_and_the_rest_are_only_shown() -> None:
    arns = [f"arn:acs:{each}" for each in (
        "kms:cn-hangzhou:1:key/key-1", "vpc:cn-hangzhou:1:vpc/vpc-1", "ecs:cn-hangzhou:1:disk/d-1",
    )]  # fmt: skip
    key = {"KeyMetadata": {"KeyId": "key-1", "KeyState": "PendingDeletion", "DeleteDate": "2026-12-29T00:00:00Z"}}
    ask = recorded.alicloud(ListTagResources={"TagResources": [{"ResourceARN": arn} for arn in arns]}, DescribeKey=key)
    [found] = left("keys", ask)
    assert (found.id, found.deletable) == ("key-1", False)
    assert "aliyun kms CancelKeyDeletion --KeyId key-1" in found.kept
    assert [each.id for each in left("others", ask)] == [arns[1]]


def test_a_cluster_is_the_environments_by_its_tag_or_its_id() -> None:
    ours = {"cluster_id": "c2", "name": "prod", "tags": [{"key": "llmplatform:environment", "value": "prod-ack"}]}
    ask = recorded.alicloud(DescribeClustersForRegion={"clusters": [ours], "page_info": {"total_count": 1}})
    assert alicloud.living(UNKNOWN, ask) == {"c2": "c2 (prod)"}
    assert alicloud.living(PLACE, recorded.alicloud(**AROUND)) == {}


def test_every_kind_declares_what_it_asks() -> None:
    nothing = {
        "Disks": {}, "Snapshots": {}, "NetworkInterfaceSets": {}, "LoadBalancers": {}, "FileSystems": {},
        "DomainRecords": {}, "TagResources": [], "Vpcs": {}, "clusters": [], "page_info": {}, "TotalCount": 0,
    }  # fmt: skip
    for kind in alicloud.KINDS:
        asked: set[str] = set()

        def ask(action: str, /, *, noted: set[str] = asked, **parameters: Any) -> Any:
            noted.add(action)
            return nothing

        survey([kind], PLACE, ask)
        assert asked <= {*kind.finds}, kind.name
        assert {action.partition(":")[0] for action in (*kind.finds, *kind.deletes)} <= {*SERVICES}
        assert (kind.delete is None) == (not kind.deletes)


def typed(monkeypatch: pytest.MonkeyPatch, ask: Ask, *arguments: str) -> Any:
    monkeypatch.setattr(accounts, "open_account", lambda wanted: accounts.Opened(ask))
    return CliRunner().invoke(app, ["sweep", "prod-ack", "--project", str(ROOT), *arguments])


def test_the_command_takes_the_id_of_a_cluster_that_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    caller = {"AccountId": "5555666677778888", "Arn": "acs:ram::5555666677778888:role/deploy"}
    ask = recorded.alicloud(
        **AROUND, GetCallerIdentity=caller, DescribeDisks={"Disks": {"Disk": [disk("d-1", ack_aliyun_com=GONE)]}}
    )
    [kind] = json.loads(typed(monkeypatch, ask, "--json", "--only", "volumes").stdout)["kinds"]
    assert [each["whose"] for each in kind["left"]] == ["foreign"]
    result = typed(monkeypatch, ask, "--json", "--only", "volumes", "--cluster", GONE)
    [kind] = json.loads(result.stdout)["kinds"]
    assert ([each["whose"] for each in kind["left"]], result.exit_code) == (["ours"], 1)


def test_credentials_that_do_not_work_end_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    result = typed(monkeypatch, recorded.alicloud(GetCallerIdentity=NoAnswer("InvalidAccessKeyId.NotFound")))
    assert (result.exit_code, "the credentials do not work" in result.stderr) == (1, True)
    monkeypatch.setattr(accounts, "open_account", lambda wanted: accounts.Opened(None, "no credentials; log in"))
    result = CliRunner().invoke(app, ["sweep", "prod-ack", "--project", str(ROOT)])
    assert (result.exit_code, "no credentials" in result.stderr) == (1, True)
