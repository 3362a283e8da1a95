"""Clusters of the simulated ACK: what they get and leave, service roles, what is accepted without a word."""

import contextlib
from pathlib import Path
from typing import Any

import pytest
from support.sandboxes.alicloud_account import (
    ADDON,
    CLUSTER,
    EIP,
    FILES,
    NAT,
    NODE_POOL,
    PROJECT,
    SCALER,
    VERSION,
    pool,
)
from support.sandboxes.cloud_account import FakeControlPlane
from support.sandboxes.clouds import ALICLOUD

from llmplatform_sandbox.cloud import SimulatedCloud
from llmplatform_sandbox.cloud.check import check
from llmplatform_sandbox.cloud.facts import load
from llmplatform_sandbox.cloud.requests import CloudError

FACTS = load("alicloud")
BEFORE_CLUSTER = "alicloud:ram/rolePolicyAttachment:RolePolicyAttachment"


def findings(account: SimulatedCloud, type_: str, **inputs: Any) -> dict[str, str]:
    """What Check says: by the facts, and by what the cloud knows beyond them."""
    return dict([*check(FACTS, type_, inputs), *account.account.behaviour(type_).check(inputs)])


def cluster_inputs(made: Any, **changes: Any) -> dict[str, Any]:
    return {**ALICLOUD.realistic[CLUSTER](made), **changes}


def test_a_cluster_gets_the_real_control_plane_and_things_of_its_own(tmp_path: Path) -> None:
    control_plane = FakeControlPlane()
    account = ALICLOUD.open(tmp_path, control_plane)
    made = ALICLOUD.whole(account, CLUSTER)[CLUSTER]
    outputs = made.outputs
    assert outputs["connections"][0]["apiServerIntranet"] == "https://127.0.0.1:6443"
    assert outputs["connections"][0]["apiServerInternet"] == "", "a private cluster has no public endpoint"
    assert outputs["certificateAuthorities"][0]["clusterCert"] == "UEVN"
    assert outputs["rrsaMetadata"]["ramOidcProviderArn"].startswith("acs:ram::1111222233334444:oidc-provider/ack-rrsa-")
    assert control_plane.service_cidr == "172.21.0.0/20", "the API server hands out the cluster's own service range"
    own = sorted(one.type.rsplit(":", 1)[-1] for one in account.objects() if one.made_by.endswith(made.id))
    assert own == ["Role", "SecurityGroup", "load-balancer", "network-interface", "network-interface"]


def test_a_public_cluster_has_an_address_more_and_a_nat_gateway_unless_refused(account: SimulatedCloud) -> None:
    made = ALICLOUD.whole(account, BEFORE_CLUSTER)
    inputs = cluster_inputs(made)
    del inputs["newNatGateway"], inputs["slbInternetEnabled"]
    cluster = ALICLOUD.make(account, CLUSTER, **inputs)
    own = [one.type for one in account.objects() if one.made_by.endswith(cluster.id)]
    assert own.count(NAT) == 1, "ACK makes one by default"
    assert own.count(EIP) == 2
    assert cluster.outputs["connections"][0]["apiServerInternet"]


@pytest.mark.parametrize(
    ("version", "remedy"),
    [("1.35", "has to match"), ("1.35.9-aliyun.1", "ACK has no version"), ("1.36.2-aliyun.1", "to 1.35; write 1.35")],
)
def test_versions_that_are_not_acks_are_refused(account: SimulatedCloud, version: str, remedy: str) -> None:
    inputs = {"vswitchIds": ["vsw-1"], "version": version}
    said = [*check(FACTS, CLUSTER, inputs), *account.account.behaviour(CLUSTER).check(inputs)]
    assert any(path == "version" and remedy in reason for path, reason in said)


def test_an_older_patch_makes_no_new_cluster(account: SimulatedCloud) -> None:
    made = ALICLOUD.whole(account, BEFORE_CLUSTER)
    with pytest.raises(CloudError, match=f"not offered for new clusters; write {VERSION}"):
        ALICLOUD.make(account, CLUSTER, **cluster_inputs(made, version="1.35.2-aliyun.1"))


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"clusterSpec": "ack.standard"}, "encryptionProviderKey"),
        ({"addons": [{"name": "csi-plugin"}]}, "addons"),
        ({"addons": [{"name": "flannel"}]}, "podVswitchIds"),
        ({"podCidr": "172.16.0.0/16"}, "podVswitchIds"),
    ],
)
def test_clusters_that_ack_would_refuse(account: SimulatedCloud, changes: dict[str, Any], path: str) -> None:
    made = ALICLOUD.whole(account, BEFORE_CLUSTER)
    assert path in findings(account, CLUSTER, **cluster_inputs(made, **changes))


def test_rrsa_cannot_be_turned_off(account: SimulatedCloud) -> None:
    made = ALICLOUD.whole(account, CLUSTER)
    with pytest.raises(CloudError, match="RRSA cannot be turned off"):
        ALICLOUD.change(account, made[CLUSTER], enableRrsa=False)
    after = account.account.read(CLUSTER, made[CLUSTER].id)
    assert after is not None
    assert after.outputs["enableRrsa"] is True


def test_a_log_project_without_a_name_outlives_the_cluster(account: SimulatedCloud) -> None:
    made = ALICLOUD.whole(account, BEFORE_CLUSTER)
    inputs = cluster_inputs(made)
    del inputs["controlPlaneLogProject"]
    cluster = ALICLOUD.make(account, CLUSTER, **inputs)
    account.account.delete(CLUSTER, cluster.id)
    assert [one.id for one in account.objects() if one.id == f"k8s-log-{cluster.id}"], "retained by default: an orphan"


def test_a_deletion_option_takes_the_log_project_along(account: SimulatedCloud) -> None:
    made = ALICLOUD.whole(account, BEFORE_CLUSTER)
    options = [{"resourceType": "SLS_ControlPlane", "deleteMode": "delete"}]
    cluster = ALICLOUD.make(account, CLUSTER, **cluster_inputs(made, deleteOptions=options))
    account.account.delete(CLUSTER, cluster.id)
    assert account.account.read(PROJECT, made[PROJECT].id) is None, "the program's own project, too"


@pytest.mark.parametrize(("mode", "left"), [("delete", 0), ("retain", 1)])
def test_balancers_of_services_go_with_the_cluster_unless_retained(
    account: SimulatedCloud, mode: str, left: int
) -> None:
    made = ALICLOUD.whole(account, BEFORE_CLUSTER)
    options = [{"resourceType": "SLB", "deleteMode": mode}]
    cluster = ALICLOUD.make(account, CLUSTER, **cluster_inputs(made, deleteOptions=options))
    account.add_object("load-balancer", "kubernetes/service-controller models/gateway", {"scheme": "internet"})
    account.account.delete(CLUSTER, cluster.id)
    assert len([one for one in account.objects() if one.type == "load-balancer"]) == left


@pytest.mark.parametrize(("scheme", "address"), [("internet", "203.0.113."), ("intranet", "10.0.")])
def test_a_balancer_answers_where_its_scheme_says(account: SimulatedCloud, scheme: str, address: str) -> None:
    ALICLOUD.whole(account, CLUSTER)
    made = account.add_object("load-balancer", "kubernetes/x", {"scheme": scheme})
    [found] = [one for one in account.objects() if one.id == made]
    assert found.detail["address"].startswith(address)


def test_administrators_are_those_with_a_permission(account: SimulatedCloud) -> None:
    ALICLOUD.whole(account, "alicloud:cs/kubernetesPermission:KubernetesPermission")
    assert account.admins() == ["201122334455667788"]


# Service roles
@pytest.mark.parametrize(
    ("role", "key"),
    [
        ("AliyunCSManagedKubernetesRole", CLUSTER),
        ("AliyunCSManagedNetworkRole", CLUSTER),
        ("AliyunCSManagedSecurityRole", CLUSTER),
        ("AliyunCSManagedCsiProvisionerRole", ADDON),
        ("AliyunCSManagedNlcRole", NODE_POOL),
        ("AliyunOOSLifecycleHook4CSRole", NODE_POOL),
        ("AliyunCSManagedAutoScalerRole", SCALER),
    ],
)
def test_an_unauthorised_role_stops_what_needs_it(account: SimulatedCloud, role: str, key: str) -> None:
    account.fault("role-unauthorised", role, active=True)
    with pytest.raises(CloudError, match=f"{role}.*authorise it once"):
        ALICLOUD.whole(account, key)
    account.fault("role-unauthorised", role, active=False)
    assert account.account.store.all(key) == [], "nothing was made"


def test_a_role_that_acks_list_does_not_have_is_no_target(account: SimulatedCloud) -> None:
    with pytest.raises(ValueError, match="a service role of the cloud"):
        account.fault("role-unauthorised", "AliyunCSMadeUpRole", active=True)


# Accepted without a word
def test_a_driver_that_ack_does_not_know_is_the_default_one(account: SimulatedCloud) -> None:
    made = ALICLOUD.whole(account, CLUSTER)
    asked = [{"key": "ack.aliyun.com/nvidia-driver-version", "value": "999.1"}]
    ALICLOUD.make(account, NODE_POOL, **pool(made, labels=asked))
    [machine] = [one for one in account.objects() if one.type == "instance"]
    assert machine.detail["driver"] == "535.161.07"
    assert account.instances()[0].template.labels["ack.aliyun.com/nvidia-driver-version"] == "999.1", "the label lies"
    assert "ACK does not know the driver 999.1" in account.remarks()[0]


def test_a_driver_of_the_list_is_installed(account: SimulatedCloud) -> None:
    ALICLOUD.whole(account, NODE_POOL)
    [machine] = [one for one in account.objects() if one.type == "instance"]
    assert machine.detail["driver"] == "580.126.09"
    assert account.remarks() == []


def test_a_change_that_works_at_creation_only_is_taken_and_does_nothing(account: SimulatedCloud) -> None:
    made = ALICLOUD.whole(account, CLUSTER)[CLUSTER]
    after = ALICLOUD.change(account, made, slbInternetEnabled=True)
    assert after.outputs["connections"][0]["apiServerInternet"] == ""
    assert "slbInternetEnabled works at creation only" in account.remarks()[0]
    ALICLOUD.change(account, made, slbInternetEnabled=False)
    assert account.remarks() == [], "it says again what is"


def test_what_becomes_of_a_deleted_volumes_folder_is_said(account: SimulatedCloud) -> None:
    """alibaba-cloud-csi-driver, pkg/nas/subpath_controller.go, DeleteVolume."""
    files = {"protocolType": "NFS", "storageType": "Performance", "fileSystemType": "standard"}
    made = ALICLOUD.make(account, FILES, **files)
    assert "the driver leaves the folder" in account.remarks()[0]
    ALICLOUD.change(account, made, recycleBin={"status": "Enable", "reservedDays": 3})
    assert "never goes" in account.remarks()[0], "no controller removes it"
    before = ALICLOUD.whole(account, BEFORE_CLUSTER)
    addons = [{"name": "terway-eniip"}, {"name": "storage-operator"}]
    ALICLOUD.make(account, CLUSTER, **{**ALICLOUD.realistic[CLUSTER](before), "addons": addons})
    assert account.remarks() == []


def test_a_refused_call_for_the_kubeconfig_leaves_no_certificate_until_the_next_read(
    account: SimulatedCloud, tmp_path: Path
) -> None:
    """setCerts in terraform-provider-alicloud 2.0, service_alicloud_cs.go: an error of the call is logged, no more."""
    before = ALICLOUD.whole(account, BEFORE_CLUSTER)
    account.fault("throttling", CLUSTER, active=True)
    inputs, record = ALICLOUD.realistic[CLUSTER](before), None
    for _ in range(3):
        with contextlib.suppress(CloudError):
            record = ALICLOUD.make(account, CLUSTER, **inputs)
    assert record is not None
    assert record.outputs["certificateAuthorities"] == [{}]
    account.fault("throttling", CLUSTER, active=False)
    live = account.account.read(CLUSTER, record.id)
    assert live is not None
    assert live.outputs["certificateAuthorities"][0]["clusterCert"]
