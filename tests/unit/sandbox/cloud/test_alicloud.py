"""The simulated Alibaba Cloud beside ACK: provider arguments, names, networks, RAM, KMS, logs."""

from pathlib import Path
from typing import Any

import pytest
from support.sandboxes.alicloud_account import (
    ASSOCIATION,
    ATTACHMENT,
    EIP,
    FILES,
    KEY,
    MOUNT,
    NAT,
    PROJECT,
    ROLE,
    ROUTE,
    SNAT,
    STORE,
    SWITCH,
    TABLE,
    VPC,
)
from support.sandboxes.clouds import ALICLOUD

from llmplatform_sandbox.cloud import SimulatedCloud
from llmplatform_sandbox.cloud.check import check
from llmplatform_sandbox.cloud.facts import load
from llmplatform_sandbox.cloud.requests import CloudError
from llmplatform_sandbox.providers.base import Autonaming
from llmplatform_sandbox.providers.cloud import CloudProvider

FLOW_LOG, LINK = "alicloud:vpc/flowLog:FlowLog", "alicloud:cr/vpcEndpointLinkedVpc:VpcEndpointLinkedVpc"
FACTS = load("alicloud")
NAMING = Autonaming(name="core", urn="urn:pulumi:dev::p::t::core")
CONFIG = {"region": "cn-hangzhou", "accountId": "1111222233334444", "accountType": "Domestic"}


@pytest.fixture
def account(tmp_path: Path) -> SimulatedCloud:
    return ALICLOUD.open(tmp_path)


def findings(account: SimulatedCloud, type_: str, **inputs: Any) -> dict[str, str]:
    """What Check says: by the facts, and by what the cloud knows beyond them."""
    return dict([*check(FACTS, type_, inputs), *account.account.behaviour(type_).check(inputs)])


# The provider


@pytest.mark.parametrize("missing", ["accountType", "accountId"])
def test_a_provider_without_account_is_refused_with_the_reason(account: SimulatedCloud, missing: str) -> None:
    config = {key: value for key, value in CONFIG.items() if key != missing}
    [failure] = CloudProvider(lambda: account).check_config(config)
    assert failure.property == missing
    assert "the real provider" in failure.reason, "no user guesses that it asks the billing service"


def test_a_whole_provider_is_taken(account: SimulatedCloud) -> None:
    assert CloudProvider(lambda: account).check_config(CONFIG) == []


def test_another_account_type_is_refused(account: SimulatedCloud) -> None:
    [failure] = CloudProvider(lambda: account).check_config({**CONFIG, "accountType": "domestic"})
    assert "write Domestic | International" in failure.reason


def test_the_deprecated_name_is_generated_only_where_the_new_one_is_not_written(account: SimulatedCloud) -> None:
    provider = CloudProvider(lambda: account)
    generated, failures = provider.check(ROLE, {}, {"assumeRolePolicyDocument": '{"Version":"1"}'}, NAMING)
    assert failures == [], "the provider itself sets the deprecated property, as the real one does"
    assert generated["name"].startswith("core-")
    written, _ = provider.check(ROLE, {}, {"roleName": "mine", "assumeRolePolicyDocument": '{"Version":"1"}'}, NAMING)
    assert "name" not in written


def test_a_deprecated_name_that_the_program_writes_is_refused(account: SimulatedCloud) -> None:
    _, [failure] = CloudProvider(lambda: account).check(VPC, {}, {"name": "core", "cidrBlock": "10.0.0.0/8"}, NAMING)
    assert "vpc_name" in failure.reason


def test_both_names_come_back_from_the_cloud(account: SimulatedCloud) -> None:
    made = ALICLOUD.make(account, ROLE, name="generated", assumeRolePolicyDocument='{"Version":"1"}')
    assert made.id == made.outputs["roleName"] == "generated"


# Network


@pytest.mark.parametrize(
    ("cidr", "answer"),
    [("10.0.2.0/24", r"InvalidCidrBlock\.Overlapped"), ("192.168.0.0/24", r"InvalidCidrBlock\.Malformed")],
)
def test_a_vswitch_lies_within_its_vpc_and_over_no_other(account: SimulatedCloud, cidr: str, answer: str) -> None:
    made = ALICLOUD.whole(account, SWITCH)
    with pytest.raises(CloudError, match=answer):
        ALICLOUD.make(account, SWITCH, vpcId=made[VPC].id, cidrBlock=cidr, zoneId="cn-hangzhou-i")


def test_snat_needs_its_address_bound_to_the_gateway_first(account: SimulatedCloud) -> None:
    made = ALICLOUD.whole(account, EIP)
    entry = ALICLOUD.realistic[SNAT](made)
    with pytest.raises(CloudError, match=r"EIP_NOT_IN_GATEWAY.*depend on the association first"):
        ALICLOUD.make(account, SNAT, **entry)


def test_no_public_address_is_given_twice(account: SimulatedCloud) -> None:
    seen: set[str] = set()
    for _ in range(300):
        made = ALICLOUD.make(account, EIP, **ALICLOUD.realistic[EIP]({}))
        seen.add(made.outputs["ipAddress"])
        account.account.delete(EIP, made.id)
    assert len(seen) == 300, "a SNAT entry would be refused for the address of another gateway"


def test_an_address_in_use_by_snat_stays_bound(account: SimulatedCloud) -> None:
    made = ALICLOUD.whole(account, SNAT)
    with pytest.raises(CloudError, match=r"used by SNAT entry"):
        account.account.delete(ASSOCIATION, made[ASSOCIATION].id)


def test_a_gateway_with_snat_or_addresses_cannot_be_deleted(account: SimulatedCloud) -> None:
    made = ALICLOUD.whole(account, SNAT)
    with pytest.raises(CloudError, match=r"DependencyViolation\.EIPS"):
        account.account.delete(NAT, made[NAT].id)


def test_a_route_table_goes_after_its_routes_and_its_vswitches(account: SimulatedCloud) -> None:
    made = ALICLOUD.whole(account, ATTACHMENT)
    for kind in (TABLE, NAT, VPC, SWITCH):
        with pytest.raises(CloudError, match="DependencyViolation"):
            account.account.delete(kind, made[kind].id)
    account.account.delete(ATTACHMENT, made[ATTACHMENT].id)
    with pytest.raises(CloudError, match=f"DependencyViolation.*{made[ROUTE].id}"):
        account.account.delete(TABLE, made[TABLE].id)
    account.account.delete(ROUTE, made[ROUTE].id)
    account.account.delete(TABLE, made[TABLE].id)


def test_a_table_has_one_route_to_a_destination_and_a_vswitch_one_table(account: SimulatedCloud) -> None:
    made = ALICLOUD.whole(account, ATTACHMENT)
    with pytest.raises(CloudError, match=r"RouterEntryConflict\.Duplicated"):
        ALICLOUD.make(account, ROUTE, **ALICLOUD.realistic[ROUTE](made))
    other = ALICLOUD.make(account, TABLE, vpcId=made[VPC].id)
    with pytest.raises(CloudError, match=r"InvalidAssociation\.Duplicated"):
        ALICLOUD.make(account, ATTACHMENT, routeTableId=other.id, vswitchId=made[SWITCH].id)


def test_a_vswitch_with_a_mount_target_left_cannot_be_deleted(account: SimulatedCloud) -> None:
    made = ALICLOUD.whole(account, SWITCH)
    files = ALICLOUD.make(account, FILES, protocolType="NFS", storageType="Performance")
    where = {"vswitchId": made[SWITCH].id, "accessGroupName": "DEFAULT_VPC_GROUP_NAME"}
    target = ALICLOUD.make(account, MOUNT, fileSystemId=files.id, **where)
    with pytest.raises(CloudError, match=f"DependencyViolation.*{target.id}"):
        account.account.delete(SWITCH, made[SWITCH].id)


def test_a_third_mount_target_exceeds_the_limit_of_a_file_system(account: SimulatedCloud) -> None:
    made = ALICLOUD.whole(account, f"{SWITCH}#pods")
    files = ALICLOUD.make(account, FILES, protocolType="NFS", storageType="Performance")
    switches = [made[key].id for key in (SWITCH, f"{SWITCH}#b", f"{SWITCH}#pods")]
    for number, switch in enumerate(switches):
        inputs = {"fileSystemId": files.id, "vswitchId": switch, "accessGroupName": "DEFAULT_VPC_GROUP_NAME"}
        if number < 2:
            ALICLOUD.make(account, MOUNT, **inputs)
        else:
            with pytest.raises(CloudError, match=r"QuotaExceeded\.MountTarget"):
                ALICLOUD.make(account, MOUNT, **inputs)


def test_a_standard_nat_gateway_is_no_longer_sold(account: SimulatedCloud) -> None:
    found = findings(account, NAT, vpcId="vpc-1", vswitchId="vsw-1", natType="Normal")
    assert "write Enhanced" in found["natType"]


# RAM, KMS, logs


def test_aws_policy_versions_are_refused(account: SimulatedCloud) -> None:
    found = findings(account, ROLE, roleName="r", assumeRolePolicyDocument='{"Version":"2012-10-17"}')
    assert 'write "1"' in found["assumeRolePolicyDocument"]


def test_a_protected_key_stays(account: SimulatedCloud) -> None:
    made = ALICLOUD.make(account, KEY, deletionProtection="Enabled")
    with pytest.raises(CloudError, match="set deletionProtection to Disabled first"):
        account.account.delete(KEY, made.id)
    ALICLOUD.change(account, made, deletionProtection="Disabled")
    account.account.delete(KEY, made.id)


def test_a_region_has_one_key_outside_of_kms_instances_even_while_it_waits_for_its_end(account: SimulatedCloud) -> None:
    """KMS user guide, "Manage keys": you can create only one default key of the CMK type in each region."""
    made = ALICLOUD.make(account, KEY, "of-the-states-bucket")
    with pytest.raises(CloudError, match="is the one default key of this region"):
        ALICLOUD.make(account, KEY, "of-the-cluster")
    ALICLOUD.make(account, KEY, "in-an-instance", dkmsInstanceId="kst-hzz0123456789")
    account.account.delete(KEY, made.id)
    with pytest.raises(CloudError, match="waits for its end"):
        ALICLOUD.make(account, KEY, "of-the-cluster")


def test_disks_go_late_where_a_fault_slows_their_driver(account: SimulatedCloud) -> None:
    account.fault("slow-volumes", "diskplugin.csi.alibabacloud.com", active=True)
    assert account.faults() == [("slow-volumes", "diskplugin.csi.alibabacloud.com")]
    with pytest.raises(ValueError, match="nothing that slow-volumes can strike"):
        account.fault("slow-volumes", "ebs.csi.aws.com", active=True)


def test_flow_logs_are_activated_once_for_an_account(account: SimulatedCloud) -> None:
    """VPC user guide, "Flow logs": the activation authorises the role."""
    ALICLOUD.whole(account, STORE)
    account.fault("role-unauthorised", "AliyunVPCLogArchiveRole", active=True)
    [vpc] = account.account.store.all(VPC)
    log = {"projectName": "dev-logs-1a2b3c", "logStoreName": "models", "trafficType": "All"}
    with pytest.raises(CloudError, match="AliyunVPCLogArchiveRole"):
        ALICLOUD.make(account, FLOW_LOG, resourceType="VPC", resourceId=vpc.id, **log)


def test_a_record_in_private_zone_is_not_the_registrys_to_make_unasked(account: SimulatedCloud) -> None:
    made = ALICLOUD.whole(account, SWITCH)
    link = {"instanceId": "cri-abcdefgh12345678", "moduleName": "Registry"}
    where = {"vpcId": made[VPC].id, "vswitchId": made[SWITCH].id}
    with pytest.raises(CloudError, match="NO_PRIVATE_ZONE_AUTHORIZED"):
        ALICLOUD.make(account, LINK, **link, **where, enableCreateDnsRecordInPvzt=True)
    ALICLOUD.make(account, LINK, **link, **where)


def test_the_name_of_a_deleted_log_project_stays_blocked(account: SimulatedCloud) -> None:
    made = ALICLOUD.make(account, PROJECT, projectName="dev-logs")
    account.account.delete(PROJECT, made.id)
    with pytest.raises(CloudError, match="its name is blocked"):
        ALICLOUD.make(account, PROJECT, projectName="dev-logs")
