"""What an account demands of everything that is made in it, and what EKS decides once or by itself."""

import json
from typing import Any, get_args

import botocore.loaders
import pytest
from support.aws_platform import ZONES, built, cluster, on, stack, whole, with_cluster
from support.program import run_program, stack_config
from support.stack_settings import dev, problems

from llmplatform.aws.cluster_addons import key_permissions, volume_tags
from llmplatform.aws.kubeconfig import kubeconfig
from llmplatform.aws.policies import document
from llmplatform.catalog.trees import merged
from llmplatform.specs.cluster import NewEksCluster
from llmplatform.testing import RecordingEngine

_ROLE = "aws:iam/role:Role"
_ADDON, _CLUSTER = "aws:eks/addon:Addon", "aws:eks/cluster:Cluster"
_ENTRY = "aws:eks/accessEntry:AccessEntry"
_POLICY = "aws:eks/accessPolicyAssociation:AccessPolicyAssociation"
KEY = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
DEPLOY = "arn:aws:iam::111122223333:role/deploy"


def _cluster(settings: Any, **wiring: Any) -> RecordingEngine:
    subnets = {zone: f"subnet-{zone}" for zone in settings.cloud.zones}
    return RecordingEngine().run(lambda: cluster(settings, subnets, **wiring).urn)


def configuration(addon: str, engine: RecordingEngine) -> dict[str, Any]:
    (found,) = [each for each in engine.all(_ADDON) if each.inputs["addonName"] == addon]
    return json.loads(found.inputs.get("configurationValues") or "{}")


def test_every_role_is_within_the_boundary_and_the_path_that_the_account_demands() -> None:
    boundary = "arn:aws:iam::111122223333:policy/boundary"
    roles = built(on(permissions_boundary=boundary, role_path="/platform/"), flow_logs=True).all(_ROLE)
    assert len(roles) > 5
    assert {(role.inputs["permissionsBoundary"], role.inputs["path"]) for role in roles} == {(boundary, "/platform/")}


def test_everything_that_keeps_data_is_encrypted_with_the_accounts_own_key() -> None:
    engine = built(on(data_key=KEY), flow_logs=True)
    assert {group.inputs["kmsKeyId"] for group in engine.all("aws:cloudwatch/logGroup:LogGroup")} == {KEY}
    for template in engine.all("aws:ec2/launchTemplate:LaunchTemplate"):
        assert {disk["ebs"]["kmsKeyId"] for disk in template.inputs["blockDeviceMappings"]} == {KEY}
    assert engine.named("storage-files").inputs["kmsKeyId"] == KEY
    policy = engine.named("addons-aws-ebs-csi-driver-key").inputs["policy"]
    assert policy == document(*key_permissions(KEY))
    # "you can … use the kms:GrantIsForAWSResource condition" (KMS developer guide): volumes are attached by a grant.
    grant = json.loads(policy)["Statement"][0]
    assert "kms:CreateGrant" in grant["Action"]
    assert grant["Condition"] == {"Bool": {"kms:GrantIsForAWSResource": "true"}}


def test_without_a_key_of_its_own_the_driver_has_no_rights_on_keys() -> None:
    assert not [found for found in whole().registered if found.name == "addons-aws-ebs-csi-driver-key"]


@pytest.mark.parametrize(
    ("zones", "wanted", "used"),
    [
        (("us-east-1a", "us-east-1b"), (), ("us-east-1a", "us-east-1b")),
        (("us-east-1a", "us-east-1b", "us-east-1c"), (), ("us-east-1a", "us-east-1b")),
        (("us-east-1a", "us-east-1b", "us-east-1c"), ("us-east-1b", "us-east-1c"), ("us-east-1b", "us-east-1c")),
    ],
)
def test_a_zone_more_leaves_the_control_plane_where_it_is(
    zones: tuple[str, ...], wanted: tuple[str, ...], used: tuple[str, ...]
) -> None:
    # UpdateClusterConfig: "Provided subnets belong to the AZs … But they should belong to the exact set of AZs … in
    # which subnets were provided during cluster creation."
    base = with_cluster(zones=wanted)
    settings = base.model_copy(update={"cloud": base.cloud.model_copy(update={"zones": zones})})
    inputs = _cluster(settings).one("aws:eks/cluster:Cluster").inputs
    assert inputs["vpcConfig"]["subnetIds"] == [f"subnet-{zone}" for zone in used]


def test_a_control_plane_has_a_tier_of_its_own_when_the_stack_file_says_one() -> None:
    tiers = botocore.loaders.Loader().load_service_model("eks", "service-2")["shapes"]["ProvisionedControlPlaneTier"]
    assert list(get_args(get_args(NewEksCluster.model_fields["tier"].annotation)[0])) == tiers["enum"]
    assert "controlPlaneScalingConfig" not in _cluster(stack()).one(_CLUSTER).inputs, "a region may not have it"
    inputs = _cluster(with_cluster(tier="tier-xl")).one(_CLUSTER).inputs
    assert inputs["controlPlaneScalingConfig"] == {"tier": "tier-xl"}


@pytest.mark.parametrize(
    ("placement", "kind", "counted"),
    [("pack", "MostAllocated", ["nvidia.com/gpu"]), ("spread", "LeastAllocated", ["cpu", "memory"])],
)
def test_gpus_of_a_node_are_filled_before_the_next_when_that_is_asked_for(
    placement: str, kind: str, counted: list[str]
) -> None:
    # EKS user guide, "Advanced Kubernetes control plane configuration"; the scheduler's own default is the second.
    assert "kubeSchedulerConfig" not in _cluster(stack()).one(_CLUSTER).inputs
    inputs = _cluster(with_cluster(gpu_placement=placement)).one(_CLUSTER).inputs
    resources = [{"name": each, "weight": 1} for each in counted]
    strategy = {"type": kind, "resources": resources}
    assert inputs["kubeSchedulerConfig"] == {"nodeResourcesFit": {"scoringStrategy": strategy}}


def test_disks_have_snapshots_when_that_is_asked_for() -> None:
    config = stack_config("dev")
    kind = "kubernetes:snapshot.storage.k8s.io/v1:VolumeSnapshotClass"
    assert not run_program(config, "dev").all(kind)
    config["llmplatform:cluster"] = {**config["llmplatform:cluster"], "snapshots": True}
    engine = run_program(config, "dev")
    found, controller = engine.one(kind), engine.one(_ADDON, "addons-snapshot-controller")
    # kubernetes-csi/external-snapshotter v8.6.0, client/config/crd: the fields stand beside `metadata`.
    assert {key: found.inputs[key] for key in ("apiVersion", "kind", "driver", "deletionPolicy")} == {
        "apiVersion": "snapshot.storage.k8s.io/v1",
        "kind": "VolumeSnapshotClass",
        "driver": "ebs.csi.aws.com",
        "deletionPolicy": "Delete",
    }
    assert engine.waits_for(found, controller), "it brings the kind"


def test_a_setting_of_the_snapshots_controller_without_snapshots_is_refused() -> None:
    settings = dev()
    settings["cluster"]["addons"] = {"snapshot-controller": {"version": "v8.3.0-eksbuild.1"}}
    assert problems(settings) == [
        "cluster.addons.snapshot-controller: it is made with cluster.snapshots alone; write that, too"
    ]
    settings["cluster"]["snapshots"] = True
    assert problems(settings) == []


def test_the_watch_over_gpus_runs_on_the_nodes_that_have_some() -> None:
    # charts/eks-node-monitoring-agent/values.yaml of aws/eks-node-monitoring-agent: `dcgmAgent.tolerations: []`.
    (toleration,) = configuration("eks-node-monitoring-agent", whole())["dcgmAgent"]["tolerations"]
    for group in whole().all("aws:eks/nodeGroup:NodeGroup"):
        for taint in group.inputs["taints"]:
            assert toleration["operator"] == "Exists"
            assert toleration.get("key", taint["key"]) == taint["key"], "without a key it bears every taint"
            effect = toleration.get("effect", "NoSchedule")
            assert effect.replace("NoSchedule", "NO_SCHEDULE") == taint["effect"], "without an effect it bears each"


def test_a_volume_that_is_deleted_takes_its_files_along() -> None:
    # docs/parameters.md of aws-efs-csi-driver: off by default, and the directory stays.
    assert configuration("aws-efs-csi-driver", whole())["controller"]["deleteAccessPointRootDir"] is True


def test_volumes_of_pods_carry_the_tags_by_which_they_are_found_and_booked() -> None:
    tags = configuration("aws-ebs-csi-driver", whole())["controller"]["extraVolumeTags"]
    assert tags == {"llmplatform:environment": "dev", "llmplatform:owner": "ml"}
    assert volume_tags({"a=b": "x", "team": "a,b", "cost": "1"}) == {"cost": "1"}, "the driver splits at both"


def test_an_addon_has_the_version_and_the_configuration_that_a_stack_file_asks_for() -> None:
    wanted = {
        "vpc-cni": {"version": "v1.21.0-eksbuild.4", "configuration": {"env": {"WARM_PREFIX_TARGET": "2"}}},
        "coredns": {"version": "v1.13.1-eksbuild.1"},
    }
    engine = built(with_cluster(addons=wanted))
    versions = {each.inputs["addonName"]: each.inputs.get("addonVersion") for each in engine.all(_ADDON)}
    assert versions["vpc-cni"] == "v1.21.0-eksbuild.4"
    assert versions["coredns"] == "v1.13.1-eksbuild.1"
    assert configuration("vpc-cni", engine) == {
        "enableNetworkPolicy": "true",
        "env": {"ENABLE_PREFIX_DELEGATION": "true", "WARM_PREFIX_TARGET": "2"},
    }


def test_configurations_are_joined_mapping_by_mapping() -> None:
    assert merged({"a": {"b": 1, "c": 2}, "d": [1]}, {"a": {"b": 3}, "d": [2], "e": 4}) == {
        "a": {"b": 3, "c": 2}, "d": [2], "e": 4,
    }  # fmt: skip


def test_no_pod_on_the_hosts_network_can_change_interfaces() -> None:
    engine = whole()
    (attached,) = [
        each
        for each in engine.all("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
        if each.inputs["policyArn"].endswith("AmazonEKS_CNI_Policy")
    ]
    assert attached.name == "main-vpc-cni-rights"
    (association,) = engine.named("main-vpc-cni").inputs.get("podIdentityAssociations") or [{}]
    # EKS user guide, "Configure Amazon VPC CNI plugin to use pod identity": the service account is aws-node.
    assert association["serviceAccount"] == "aws-node"
    for group in engine.all("aws:eks/nodeGroup:NodeGroup"):
        assert engine.waits_for(group, attached), "nodes give their interfaces back with it"


def test_a_principal_can_have_less_than_everything() -> None:
    reader, editor = (f"arn:aws:iam::111122223333:role/{name}" for name in ("reader", "editor"))
    wanted = [
        {"principal": reader, "may": "view"},
        {"principal": editor, "may": "edit", "namespaces": ["models"]},
    ]
    engine = _cluster(with_cluster(access=wanted))
    found = {each.inputs["principalArn"]: each.inputs for each in engine.all(_POLICY)}
    assert found[reader]["policyArn"].endswith("/AmazonEKSViewPolicy")
    assert found[reader]["accessScope"] == {"type": "cluster"}
    assert found[editor]["policyArn"].endswith("/AmazonEKSEditPolicy")
    assert found[editor]["accessScope"] == {"type": "namespace", "namespaces": ["models"]}
    scopes = botocore.loaders.Loader().load_service_model("eks", "service-2")["shapes"]["AccessScopeType"]["enum"]
    assert {each["accessScope"]["type"] for each in found.values()} <= set(scopes)


def test_logs_are_those_that_are_asked_for_and_exist() -> None:
    known = botocore.loaders.Loader().load_service_model("eks", "service-2")["shapes"]["LogType"]["enum"]
    assert set(_cluster(stack()).one("aws:eks/cluster:Cluster").inputs["enabledClusterLogTypes"]) == set(known)
    engine = _cluster(with_cluster(logs=[]))
    assert engine.one("aws:eks/cluster:Cluster").inputs["enabledClusterLogTypes"] == []
    assert engine.all("aws:cloudwatch/logGroup:LogGroup"), "what was logged stays until the cluster goes"


def test_roles_for_service_accounts_are_there_for_others_who_ask() -> None:
    kind = "aws:iam/openIdConnectProvider:OpenIdConnectProvider"
    assert not _cluster(stack()).all(kind)
    inputs = _cluster(with_cluster(oidc_provider=True)).one(kind).inputs
    # EKS user guide, "Create an IAM OIDC provider for your cluster".
    assert inputs["clientIdLists"] == ["sts.amazonaws.com"]
    assert inputs["url"].startswith("https://oidc.eks.us-east-1.amazonaws.com/id/")


def test_a_client_logs_in_with_the_profile_and_the_role_of_the_settings() -> None:
    cloud = on(profile="prod", assume_role=DEPLOY).cloud
    command = json.loads(kubeconfig("llm", cloud, "https://x", "Q0E="))["users"][0]["user"]["exec"]["args"]
    # AWS CLI reference, `eks get-token`: --role-arn; --profile is a global option.
    assert command == [
        "--profile", "prod", "--region", "us-east-1", "eks", "get-token", "--cluster-name", "llm", "--output", "json",
        "--role-arn", DEPLOY,
    ]  # fmt: skip
    plain = json.loads(kubeconfig("llm", stack().cloud, "https://x", "Q0E="))["users"][0]["user"]["exec"]["args"]
    assert not {"--profile", "--role-arn"} & set(plain)


@pytest.mark.parametrize(
    ("section", "setting", "value", "problem"),
    [
        (
            "cluster",
            "zones",
            ["us-east-1a"],
            "cluster.zones: EKS wants its control plane in two zones; name another one, or none",
        ),
        (
            "cluster",
            "zones",
            ["us-east-1a", "us-east-1c"],
            "cluster.zones[1]: 'us-east-1c' is not a zone of the environment; use 'us-east-1a'…",
        ),
        (
            "cloud",
            "data_key",
            KEY.replace("us-east-1", "eu-west-1"),
            "cloud.data_key: it is of region 'eu-west-1'; name one of 'us-east-1'",
        ),
        (
            "cloud",
            "permissions_boundary",
            "arn:aws:iam::999922223333:policy/boundary",
            "cloud.permissions_boundary: it is of account 999922223333, and cloud.account_id is 111122223333; name…",
        ),
        (
            "cloud",
            "assume_role",
            DEPLOY,
            f"cluster.admins: '{DEPLOY}' (cloud.assume_role) makes the cluster, and is not let in; add it",
        ),
        (
            "cluster",
            "access",
            [{"principal": "arn:aws:iam::111122223333:role/platform-admin", "may": "view"}],
            "cluster.access[0].principal: 'arn:aws:iam::111122223333:role/platform-admin' has an entry already…",
        ),
        (
            "cluster",
            "addons",
            {"coredns": {"version": "latest"}},
            "cluster.addons.coredns.version: 'latest' is not valid; write a version like v1.35.3-eksbuild.25",
        ),
    ],
)
def test_what_an_account_does_not_have_is_refused(section: str, setting: str, value: Any, problem: str) -> None:
    raw = dev()
    raw[section][setting] = value
    (found,) = problems(raw)
    assert found.startswith(problem.removesuffix("…"))


def test_a_shape_of_the_account_that_is_right_is_taken() -> None:
    raw = dev()
    raw["cloud"] |= {"permissions_boundary": "arn:aws:iam::aws:policy/PowerUserAccess", "data_key": KEY, "profile": "p"}
    raw["cluster"] |= {"zones": list(reversed(ZONES)), "logs": ["audit"]}
    assert problems(raw) == []
