"""Objects of a simulated account: what depends on what, what is made along, what survives."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.sandboxes.cloud_account import SCOPE, FakeControlPlane, cloud, make, whole_account

from llmplatform_sandbox.cloud import SimulatedCloud
from llmplatform_sandbox.cloud.requests import CloudError, NotReady
from llmplatform_sandbox.cloud.store import Record

CLUSTER, NODE_GROUP, ADDON = "aws:eks/cluster:Cluster", "aws:eks/nodeGroup:NodeGroup", "aws:eks/addon:Addon"
VPC, SUBNET, GROUP = "aws:ec2/vpc:Vpc", "aws:ec2/subnet:Subnet", "aws:ec2/securityGroup:SecurityGroup"


@pytest.fixture
def account(tmp_path: Path) -> SimulatedCloud:
    return cloud(tmp_path)


def update(account: SimulatedCloud, record: Record, **changes: Any) -> Record:
    return account.account.update(record.type, record.id, {**record.inputs, **changes}, SCOPE)


def test_managed_policies_exist_beyond_the_account(account: SimulatedCloud) -> None:
    make(account, "aws:iam/role:Role", name="r", assumeRolePolicy="{}")
    arn = "arn:aws:iam::111122223333:policy/none"
    with pytest.raises(CloudError, match="NoSuchEntity"):
        make(account, "aws:iam/rolePolicyAttachment:RolePolicyAttachment", role="r", policyArn=arn)
    make(
        account,
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        role="r",
        policyArn="arn:aws:iam::aws:policy/ReadOnlyAccess",
    )


def test_a_role_with_a_policy_attached_cannot_be_deleted(account: SimulatedCloud) -> None:
    make(account, "aws:iam/role:Role", name="r", assumeRolePolicy="{}")
    make(account, "aws:iam/rolePolicy:RolePolicy", name="p", role="r", policy="{}")
    with pytest.raises(CloudError, match="DeleteConflict"):
        account.account.delete("aws:iam/role:Role", "r")


def test_a_nat_gateway_needs_an_internet_gateway_first(account: SimulatedCloud) -> None:
    made = whole_account(account, SUBNET)
    address = make(account, "aws:ec2/eip:Eip", domain="vpc")
    with pytest.raises(CloudError, match=r"Gateway\.NotAttached"):
        make(account, "aws:ec2/natGateway:NatGateway", subnetId=made[SUBNET].id, allocationId=address.id)


def test_what_a_cloud_adds_beneath_a_property_of_the_program_survives_an_update(account: SimulatedCloud) -> None:
    cluster = whole_account(account, CLUSTER)[CLUSTER]
    group = cluster.outputs["vpcConfig"]["clusterSecurityGroupId"]
    assert update(account, cluster, tags={"owner": "b"}).outputs["vpcConfig"]["clusterSecurityGroupId"] == group


def test_a_cluster_gets_the_real_control_plane_and_interfaces_of_its_own(tmp_path: Path) -> None:
    control_plane = FakeControlPlane()
    account = cloud(tmp_path, control_plane)
    made = whole_account(account, CLUSTER)
    outputs = made[CLUSTER].outputs
    assert outputs["endpoint"] == "https://127.0.0.1:6443"
    assert outputs["certificateAuthority"] == {"data": "UEVN"}
    assert outputs["identities"][0]["oidcs"][0]["issuer"].startswith("https://oidc.eks.eu-west-1.")
    assert control_plane.service_cidr == "172.20.0.0/16", "the API server hands out the cluster's own service range"
    own = [one for one in account.objects() if one.made_by == "aws Cluster dev"]
    assert [one.type for one in own] == [GROUP, "network-interface", "network-interface"]
    assert outputs["vpcConfig"]["clusterSecurityGroupId"] == own[0].id


def test_subnets_of_one_zone_are_too_few_for_a_cluster(account: SimulatedCloud) -> None:
    made = whole_account(account, "aws:iam/role:Role")
    config = {"subnetIds": [made[SUBNET].id]}
    with pytest.raises(CloudError, match="two different AZs"):
        make(account, CLUSTER, name="x", roleArn=made["aws:iam/role:Role"].outputs["arn"], vpcConfig=config)


def test_a_log_group_that_eks_made_outlives_the_cluster(account: SimulatedCloud) -> None:
    made = whole_account(account, "aws:iam/role:Role")
    config = {"subnetIds": [made[SUBNET].id, made["aws:ec2/subnet:Subnet#b"].id]}
    role = made["aws:iam/role:Role"].outputs["arn"]
    make(account, CLUSTER, name="other", roleArn=role, vpcConfig=config, enabledClusterLogTypes=["api"])
    account.account.delete(CLUSTER, "other")
    left = [one for one in account.objects() if one.id == "/aws/eks/other/cluster"]
    assert left, "EKS leaves a log group without retention behind"


def test_a_security_group_that_others_hold_survives_its_cluster_and_blocks_the_vpc(account: SimulatedCloud) -> None:
    made = whole_account(account, CLUSTER)
    held = made[CLUSTER].outputs["vpcConfig"]["clusterSecurityGroupId"]
    account.add_object("network-interface", "kubernetes/lb", {"subnetId": made[SUBNET].id, "securityGroups": [held]})
    account.account.delete(CLUSTER, "dev")
    assert any(one.id == held for one in account.objects())


def test_an_addon_with_a_deployment_is_degraded_without_nodes(account: SimulatedCloud) -> None:
    whole_account(account, CLUSTER)
    with pytest.raises(NotReady, match="coredns: DEGRADED"):
        make(account, ADDON, clusterName="dev", addonName="coredns")
    assert "coredns" in list(account.installed()), "it exists all the same, as in EKS"


def test_networking_addons_need_no_node(account: SimulatedCloud) -> None:
    whole_account(account, CLUSTER)
    make(account, ADDON, clusterName="dev", addonName="vpc-cni")
    make(account, ADDON, clusterName="dev", addonName="kube-proxy")
    assert set(account.installed()) == {"vpc-cni", "kube-proxy"}


def test_a_changed_launch_template_has_another_version(account: SimulatedCloud) -> None:
    made = make(account, "aws:ec2/launchTemplate:LaunchTemplate", name="t")
    assert update(account, made, description="new").outputs["latestVersion"] == 2


def test_other_subnets_move_an_endpoints_interfaces(account: SimulatedCloud) -> None:
    made = whole_account(account, "aws:ec2/vpcEndpoint:VpcEndpoint")
    endpoint = made["aws:ec2/vpcEndpoint:VpcEndpoint"]
    assert len(endpoint.outputs["networkInterfaceIds"]) == 2
    after = update(account, endpoint, subnetIds=[made[SUBNET].id])
    assert len(after.outputs["networkInterfaceIds"]) == 1
    account.account.delete(SUBNET, made["aws:ec2/subnet:Subnet#b"].id)


def test_default_tags_reach_tags_all_and_the_resources_own_win(account: SimulatedCloud) -> None:
    made = make(account, VPC, cidrBlock="10.0.0.0/16", tags={"owner": "me", "a": "b"})
    assert made.outputs["tagsAll"] == {"owner": "me", "a": "b"}


def test_a_load_balancer_has_an_interface_in_every_subnet_of_the_cluster(account: SimulatedCloud) -> None:
    whole_account(account, CLUSTER)
    before = len(account.objects())
    made = account.add_object("load-balancer", "kubernetes/gateway", {})
    assert len(account.objects()) == before + 3
    account.remove_object(made)
    assert len(account.objects()) == before


def test_a_failed_create_leaves_nothing_behind(account: SimulatedCloud) -> None:
    made = whole_account(account, "aws:ec2/subnet:Subnet#b")
    before = account.objects()
    with pytest.raises(CloudError):
        make(
            account,
            "aws:ec2/vpcEndpoint:VpcEndpoint",
            vpcId=made[VPC].id,
            serviceName="com.amazonaws.eu-west-1.s3",
            vpcEndpointType="Interface",
            subnetIds=[made[SUBNET].id, "subnet-0"],
        )
    assert account.objects() == before, "half an endpoint would be an orphan"


def test_the_file_is_private_and_sound(tmp_path: Path) -> None:
    cloud(tmp_path)
    file = tmp_path / "cloud.sqlite"
    assert file.stat().st_mode & 0o077 == 0
    assert sqlite3.connect(file).execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_deleted_secret_keeps_its_name_for_the_recovery_window(account: SimulatedCloud) -> None:
    type_ = "aws:secretsmanager/secret:Secret"
    for days, name in ((0, "free"), (7, "kept")):
        account.account.delete(type_, make(account, type_, name=name, recoveryWindowInDays=days).id)
    make(account, type_, name="free")
    with pytest.raises(CloudError, match="already scheduled for deletion: kept"):
        make(account, type_, name="kept")


def test_an_id_that_two_types_share_removes_only_what_was_meant(account: SimulatedCloud) -> None:
    made = whole_account(account)
    policy = made["aws:s3/bucketPolicy:BucketPolicy"]
    account.remove_object(policy.id)
    assert account.account.read("aws:s3/bucket:Bucket", policy.id) is not None, "objects of the program stay"
    assert account.account.read(policy.type, policy.id) is not None
    account.remove_object(policy.id, policy.made_by)
    assert account.account.read(policy.type, policy.id) is None
    assert account.account.read("aws:s3/bucket:Bucket", policy.id) is not None, "the bucket has the same id"


def test_a_cluster_that_bootstraps_its_addons_has_a_network(account: SimulatedCloud) -> None:
    made = whole_account(account, CLUSTER)
    assert "vpc-cni" not in account.installed()
    account.account.amend(made[CLUSTER], {"bootstrapSelfManagedAddons": True})
    assert {"vpc-cni", "kube-proxy"} <= set(account.installed())


def test_a_process_that_is_killed_while_it_creates_leaves_whole_objects(tmp_path: Path) -> None:
    script = """
import sys
from pathlib import Path
from support.sandboxes.cloud_account import cloud, whole_account
account = cloud(Path(sys.argv[1]))
made = whole_account(account, "aws:ec2/subnet:Subnet#b")
subnets = [record.id for key, record in made.items() if "Subnet" in key]
while True:
    account.add_object("load-balancer", "test", {"subnetIds": subnets})
    print("made", flush=True)
"""
    tests = str(Path(__file__).parents[3])
    command, environment = [sys.executable, "-c", script, str(tmp_path)], {**os.environ, "PYTHONPATH": tests}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        for _ in range(20):
            process.stdout.readline()
        process.kill()
    kinds = [one.type for one in cloud(tmp_path).objects()]
    assert kinds.count("load-balancer") >= 20, "what was accepted before the kill stays"
    assert kinds.count("network-interface") == 2 * kinds.count("load-balancer"), "all of an object or nothing"
