"""The EKS cluster, who gets in, and how."""

import json
from typing import Any

import pytest
from support.aws_platform import TAGS, ZONES, cluster, stack, whole

from llmplatform import aws
from llmplatform.aws.access import principal_key
from llmplatform.specs.cluster import ExistingEksCluster, NewEksCluster
from llmplatform.specs.stack import AwsStack
from llmplatform.testing import RecordingEngine

_CLUSTER = "aws:eks/cluster:Cluster"
_ADDON = "aws:eks/addon:Addon"
_SUBNETS = {zone: f"subnet-{zone}" for zone in ZONES}


def _settings(protection: str = "none", **changes: Any) -> AwsStack:
    base = stack()
    assert isinstance(base.cluster, NewEksCluster)
    spec = NewEksCluster.model_validate({**base.cluster.model_dump(), **changes})
    environment = base.environment.model_copy(update={"protection": protection})
    return base.model_copy(update={"cluster": spec, "environment": environment})


def _made(settings: AwsStack | None = None, *, preview: bool = False) -> RecordingEngine:
    def program() -> dict[str, object]:
        made = cluster(settings or _settings(), _SUBNETS)
        return {"name": made.cluster_name, "joinable": made.joinable_name, "kubeconfig": made.kubeconfig}

    return RecordingEngine(preview=preview).run(program)


def test_the_creator_of_the_cluster_is_no_administrator_as_such() -> None:
    access = _made().one(_CLUSTER).inputs["accessConfig"]
    assert access == {"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": False}


def test_each_administrator_has_an_entry_and_a_policy_of_their_own() -> None:
    engine = _made()
    entries = engine.all("aws:eks/accessEntry:AccessEntry")
    policies = engine.all("aws:eks/accessPolicyAssociation:AccessPolicyAssociation")
    arns = {"arn:aws:iam::111122223333:role/deploy", "arn:aws:iam::111122223333:user/ops/ada"}
    assert {found.inputs["principalArn"] for found in entries} == arns
    assert {found.inputs["principalArn"] for found in policies} == arns
    assert {found.inputs["policyArn"] for found in policies} == {
        "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
    }


def test_a_policy_waits_for_its_entry() -> None:
    engine = _made()
    for policy in engine.all("aws:eks/accessPolicyAssociation:AccessPolicyAssociation"):
        entry = engine.one("aws:eks/accessEntry:AccessEntry", policy.name)
        assert engine.waits_for(policy, entry), "EKS associates policies only with principals that have an entry"


def test_adding_an_administrator_leaves_the_others_alone() -> None:
    first = "arn:aws:iam::111122223333:role/first"
    more = [first, "arn:aws:iam::111122223333:role/added"]
    before = {found.urn for found in _made(_settings(admins=[first])).registered}
    after = {found.urn for found in _made(_settings(admins=more[::-1])).registered}
    assert before < after, "names follow from the principal and not from its place in the list"


def test_two_principals_of_one_name_have_different_keys() -> None:
    keys = {principal_key(f"arn:aws:iam::111122223333:{kind}/deploy") for kind in ("role", "user", "role/ci")}
    assert len(keys) == 3


def test_the_kubeconfig_holds_no_token() -> None:
    config = json.loads(_made().result["kubeconfig"])
    (user,) = config["users"]
    assert set(user["user"]) == {"exec"}, "a token would be in the state, and stale after 15 minutes"
    assert user["user"]["exec"]["args"] == [
        "--region", "us-east-1", "eks", "get-token", "--cluster-name", "dev-main", "--output", "json",
    ]  # fmt: skip


def test_a_login_waits_until_every_administrator_is_admitted() -> None:
    import pulumi

    class User(pulumi.CustomResource):
        def __init__(self, config: pulumi.Input[str]) -> None:
            super().__init__("test:index:User", "user", {"config": config})

    engine = RecordingEngine().run(lambda: User(cluster(_settings(), _SUBNETS).kubeconfig).urn)
    user = engine.named("user")
    for policy in engine.all("aws:eks/accessPolicyAssociation:AccessPolicyAssociation"):
        assert engine.waits_for(user, policy), "before that the API server answers 401; on the way down, 401 again"


def test_the_api_is_private_unless_ranges_are_named() -> None:
    private = _made().one(_CLUSTER).inputs["vpcConfig"]
    assert (private["endpointPrivateAccess"], private["endpointPublicAccess"]) == (True, False)
    public = _made(_settings(endpoint={"public_cidrs": ["203.0.113.0/24"]})).one(_CLUSTER).inputs["vpcConfig"]
    assert (public["endpointPublicAccess"], public["publicAccessCidrs"]) == (True, ["203.0.113.0/24"])


def test_connected_networks_reach_the_private_api_before_the_first_login() -> None:
    import pulumi

    class User(pulumi.CustomResource):
        def __init__(self, config: pulumi.Input[str]) -> None:
            super().__init__("test:index:User", "user", {"config": config})

    settings = _settings(endpoint={"private_cidrs": ["10.250.0.0/16", "192.168.0.0/24"]})
    config = {"endpointPrivateAccess": True, "clusterSecurityGroupId": "sg-cluster"}
    engine = RecordingEngine(outputs={_CLUSTER: {"vpcConfig": config}})
    engine.run(lambda: User(cluster(settings, _SUBNETS).kubeconfig).urn)
    rules = engine.all("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")
    assert [found.name for found in rules] == ["main-api-from-10.250.0.0-16", "main-api-from-192.168.0.0-24"]
    assert [found.inputs["cidrIpv4"] for found in rules] == ["10.250.0.0/16", "192.168.0.0/24"]
    for rule in rules:
        keys = ("securityGroupId", "ipProtocol", "fromPort", "toPort")
        assert [rule.inputs[key] for key in keys] == ["sg-cluster", "tcp", 443, 443]
        assert engine.waits_for(engine.named("user"), rule), "a user of the VPN could not log in"
    assert not _made().all("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")


def test_all_control_plane_logs_are_kept_as_long_as_asked() -> None:
    engine = _made(_settings(log_retention_days=7))
    made = engine.one(_CLUSTER)
    group = engine.one("aws:cloudwatch/logGroup:LogGroup")
    assert len(made.inputs["enabledClusterLogTypes"]) == 5
    assert group.inputs["name"] == f"/aws/eks/{made.inputs['name']}/cluster", "that is where EKS writes"
    assert group.inputs["retentionInDays"] == 7
    assert engine.waits_for(made, group), "EKS would make the group itself, without an end to its retention"


def test_secrets_are_encrypted_with_a_key_that_rotates() -> None:
    engine = _made()
    key = engine.one("aws:kms/key:Key")
    assert key.inputs["enableKeyRotation"] is True
    encryption = engine.one(_CLUSTER).inputs["encryptionConfig"]
    assert encryption["resources"] == ["secrets"]
    assert encryption["provider"]["keyArn"].endswith("key/main-secrets")


def test_extended_support_is_never_bought_by_accident() -> None:
    assert _made().one(_CLUSTER).inputs["upgradePolicy"] == {"supportType": "STANDARD"}


def test_addons_of_the_nodes_are_managed_and_not_bootstrapped() -> None:
    engine = _made()
    assert engine.one(_CLUSTER).inputs["bootstrapSelfManagedAddons"] is False
    assert {found.inputs["addonName"] for found in engine.all(_ADDON)} == {
        "vpc-cni", "kube-proxy", "eks-pod-identity-agent",
    }  # fmt: skip


def test_the_cni_enforces_network_policies() -> None:
    configuration = json.loads(_made().named("main-vpc-cni").inputs["configurationValues"])
    assert configuration["enableNetworkPolicy"] == "true", "without it every NetworkPolicy is a dead letter"


def test_nodes_join_after_the_network_addons_and_leave_before_them() -> None:
    engine = whole()
    group = engine.named("a10g-spot")
    for addon in ("vpc-cni", "kube-proxy", "eks-pod-identity-agent"):
        assert engine.waits_for(group, engine.named(f"main-{addon}")), f"a node needs {addon} to become ready"


def test_no_pool_looks_replaced_in_a_preview_that_replaces_an_addon() -> None:
    def program() -> dict[str, object]:
        return {"joinable": cluster(_settings(), _SUBNETS).joinable_name}

    assert RecordingEngine(preview=True).run(program).result == {"joinable": "dev-main"}, (
        "the name is known while ids are not"
    )


def test_the_roles_policy_outlives_the_cluster() -> None:
    engine = _made()
    attachment = engine.one("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "main-control-plane")
    assert engine.waits_for(engine.one(_CLUSTER), attachment), "without it EKS leaves interfaces behind in the subnets"


@pytest.mark.parametrize(("protection", "protected"), [("full", True), ("none", False)])
def test_cluster_key_and_logs_are_protected_when_the_environment_is(protection: str, protected: bool) -> None:
    engine = _made(_settings(protection))
    made = engine.one(_CLUSTER)
    assert made.protect is protected
    assert made.inputs["deletionProtection"] is protected
    assert engine.one("aws:kms/key:Key").protect is protected
    assert engine.one("aws:cloudwatch/logGroup:LogGroup").protect is protected


def test_two_clusters_live_in_one_stack() -> None:
    def program() -> None:
        cluster(_settings(), _SUBNETS, "blue")
        cluster(_settings(), _SUBNETS, "green")

    names = {found.inputs["name"] for found in RecordingEngine().run(program).all(_CLUSTER)}
    assert names == {"dev-blue", "dev-green"}


def test_addons_with_pods_wait_for_a_node_and_not_for_one_another() -> None:
    engine = whole()
    addons = [found for found in engine.all(_ADDON) if found.name.startswith("addons-")]
    assert {found.inputs["addonName"] for found in addons} == {
        "coredns", "metrics-server", "eks-node-monitoring-agent", "aws-ebs-csi-driver", "aws-efs-csi-driver",
    }  # fmt: skip
    for addon in addons:
        assert engine.waits_for(addon, engine.named("system-a")), "without a node EKS gives up on it"
        others = [other for other in addons if other is not addon and engine.waits_for(addon, other)]
        assert not others, "a chain would only be slower"


@pytest.mark.parametrize("driver", ["ebs", "efs"])
def test_a_storage_driver_gives_its_volumes_back_before_it_loses_its_rights(driver: str) -> None:
    engine = whole()
    addon = engine.one(_ADDON, f"addons-aws-{driver}-csi-driver")
    attachment = engine.one("aws:iam/rolePolicyAttachment:RolePolicyAttachment", f"addons-aws-{driver}-csi-driver")
    assert engine.waits_for(addon, attachment)
    (association,) = addon.inputs["podIdentityAssociations"]
    assert association["serviceAccount"] == f"{driver}-csi-controller-sa"


def test_an_existing_cluster_is_used_without_a_change() -> None:
    spec = ExistingEksCluster(
        kind="existing",
        name="theirs",
        kubernetes_version="1.35",
        endpoint_url="https://0123.gr7.us-east-1.eks.amazonaws.com",
        certificate_authority="LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t",
        security_group_id="sg-0123456789abcdef0",
    )

    def program() -> dict[str, object]:
        made = aws.ExistingCluster("theirs", aws.ExistingClusterArgs(spec=spec, cloud=stack().cloud))
        return {"name": made.cluster_name, "kubeconfig": made.kubeconfig, "group": made.security_group_id}

    engine = RecordingEngine().run(program)
    assert [found for found in engine.registered if found.custom] == []
    assert engine.result["group"] == "sg-0123456789abcdef0"
    server = json.loads(engine.result["kubeconfig"])["clusters"][0]["cluster"]["server"]
    assert server == "https://0123.gr7.us-east-1.eks.amazonaws.com"


def test_everything_that_takes_tags_carries_those_of_the_environment() -> None:
    engine = whole()
    untagged = {
        found.type
        for found in engine.registered
        if found.type.startswith("aws:") and not TAGS.items() <= found.inputs.get("tags", {}).items()
    }
    assert untagged == _TAKES_NO_TAGS, "cost and ownership are read from tags"


_TAKES_NO_TAGS = {
    "aws:autoscaling/tag:Tag",
    "aws:ec2/route:Route",
    "aws:ec2/routeTableAssociation:RouteTableAssociation",
    "aws:efs/backupPolicy:BackupPolicy",
    "aws:efs/fileSystemPolicy:FileSystemPolicy",
    "aws:efs/mountTarget:MountTarget",
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
    "aws:iam/rolePolicy:RolePolicy",
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
    "aws:s3/bucketPolicy:BucketPolicy",
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    "aws:s3/bucketVersioning:BucketVersioning",
}
