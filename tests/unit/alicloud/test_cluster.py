"""The ACK cluster, who gets in, and how one logs in."""

import json
from typing import Any

import pulumi
import pytest
from pulumi_alicloud.cs.outputs import ManagedKubernetesCertificateAuthority
from support.alicloud_platform import ADDON, ZONES, cluster, stack, whole

from llmplatform import alicloud
from llmplatform.alicloud.cluster import NODE_ADDONS
from llmplatform.alicloud.endpoint import certificate_of
from llmplatform.catalog import versions
from llmplatform.specs.cluster import ExistingAckCluster, NewAckCluster
from llmplatform.specs.stack import AlicloudStack
from llmplatform.testing import RecordingEngine

_CLUSTER = "alicloud:cs/managedKubernetes:ManagedKubernetes"
_PERMISSION = "alicloud:cs/kubernetesPermission:KubernetesPermission"
_NODES = {zone: f"vsw-nodes-{zone}" for zone in ZONES}
_PODS = {zone: f"vsw-pods-{zone}" for zone in ZONES}


def _settings(protection: str = "none", **changes: Any) -> AlicloudStack:
    base = stack()
    spec = NewAckCluster.model_validate({**base.cluster.model_dump(), **changes})
    environment = base.environment.model_copy(update={"protection": protection})
    return base.model_copy(update={"cluster": spec, "environment": environment})


def _made(
    settings: AlicloudStack | None = None,
    *,
    preview: bool = False,
    outputs: dict[str, Any] | None = None,
    may_warn: bool = False,
) -> RecordingEngine:
    def program() -> dict[str, object]:
        made = cluster(settings or _settings(), _NODES, _PODS)
        return {"name": made.cluster_name, "kubeconfig": made.kubeconfig, "issuer": made.identity_issuer}

    return RecordingEngine(preview=preview, outputs=outputs or {}, may_warn=may_warn).run(program)


def _inputs(**changes: Any) -> dict[str, Any]:
    return _made(_settings(**changes)).one(_CLUSTER).inputs


def test_it_is_a_pro_cluster_of_an_exact_version() -> None:
    inputs = _inputs()
    assert inputs["clusterSpec"] == "ack.pro.small", "encryption of secrets wants a Pro cluster"
    assert inputs["version"] == versions.ACK["1.35"].releases[0]


def test_a_release_in_the_settings_wins_over_the_catalogs() -> None:
    assert _inputs(release="1.35.2-aliyun.1")["version"] == "1.35.2-aliyun.1"


def test_nodes_and_pods_have_vswitches_of_their_own() -> None:
    inputs = _inputs()
    assert inputs["vswitchIds"] == list(_NODES.values())
    assert inputs["podVswitchIds"] == list(_PODS.values())


def test_nothing_reaches_it_or_leaves_it_by_a_default_of_the_providers() -> None:
    inputs = _inputs()
    assert inputs["slbInternetEnabled"] is False, "the provider's default opens the API to the internet"
    assert inputs["newNatGateway"] is False, "the network has one"


def test_a_range_that_ack_cannot_enforce_is_refused() -> None:
    with pytest.raises(ValueError, match=r"0\.0\.0\.0/0, or no range"):
        _made(_settings(endpoint={"public_cidrs": ["203.0.113.0/24"]}))


def test_the_proxy_mode_is_not_the_deprecated_one() -> None:
    assert _inputs()["proxyMode"] == "iptables"


def test_service_accounts_can_act_in_the_cloud() -> None:
    assert _inputs()["enableRrsa"] is True
    assert _made().result["issuer"].startswith("https://oidc-ack-cn-hangzhou."), "roles trust the cluster's issuer"


def test_secrets_are_encrypted_with_a_key_of_an_instance_that_outlives_a_slip_by_a_month() -> None:
    engine = _made(_settings("full"))
    key = engine.one("alicloud:kms/key:Key").inputs
    assert (key["keySpec"], key["pendingWindowInDays"], key["deletionProtection"]) == ("Aliyun_AES_256", 30, "Enabled")
    assert key["dkmsInstanceId"] == "kst-hzz0123456789", (
        "KMS, Manage keys: outside an instance a region has one key in all"
    )
    inputs = engine.one(_CLUSTER).inputs
    assert inputs["encryptionProviderKey"] == "main-secrets-id"
    assert inputs["disableEncryption"] is False, "the provider takes the key only with this beside it"


def test_a_key_that_exists_is_used_and_left_alone() -> None:
    engine = _made(_settings(secrets_key={"kind": "existing", "id": "key-hzz65f1c2d3e4f5a6b7c8"}))
    assert engine.one(_CLUSTER).inputs["encryptionProviderKey"] == "key-hzz65f1c2d3e4f5a6b7c8"
    assert not engine.all("alicloud:kms/key:Key")


def test_without_a_key_none_is_made_and_none_is_named() -> None:
    engine = _made(_settings(secrets_key=None))
    assert not engine.all("alicloud:kms/key:Key")
    assert not {"encryptionProviderKey", "disableEncryption"} & engine.one(_CLUSTER).inputs.keys()


def test_logs_of_control_plane_and_audit_go_to_the_project_of_the_environment() -> None:
    inputs = _inputs(log_retention_days=90)
    assert inputs["controlPlaneLogProject"] == inputs["auditLogConfig"]["slsProjectName"] == "dev-logs-1a2b3c"
    assert inputs["controlPlaneLogTtl"] == "90", "the provider wants text"
    assert inputs["auditLogConfig"]["enabled"] is True
    assert len(inputs["controlPlaneLogComponents"]) == 5


def test_balancers_that_a_cluster_would_leave_behind_go_with_it_and_logs_stay() -> None:
    options = {each["resourceType"]: each["deleteMode"] for each in _inputs()["deleteOptions"]}
    assert options == dict.fromkeys(("SLB", "ALB"), "delete"), "the log project is not the cluster's to delete"


def test_minors_are_not_raised_behind_the_stack_files_back() -> None:
    assert _inputs()["operationPolicy"] == {"clusterAutoUpgrade": {"enabled": False}}


def test_what_ack_does_by_itself_it_does_in_the_window_of_the_settings() -> None:
    """terraform-provider-alicloud, cs_managed_kubernetes, maintenance_window: its example's spelling."""
    assert "maintenanceWindow" not in _inputs()
    window = {"days": ["Sunday", "Monday", "Sunday"], "start": "02:30+08:00", "hours": 4}
    assert _inputs(maintenance=window)["maintenanceWindow"] == {
        "enable": True,
        "maintenanceTime": "2025-01-01T02:30:00.000+08:00",
        "duration": "4h",
        "weeklyPeriod": "Monday,Sunday",
    }


def test_what_nodes_need_is_there_at_birth_and_managed_afterwards() -> None:
    engine = _made()
    cluster_ = engine.one(_CLUSTER)
    born = {each["name"]: each for each in cluster_.inputs["addons"]}
    managed = {found.inputs["name"]: found for found in engine.all(ADDON)}
    assert managed.keys() == set(NODE_ADDONS)
    assert {name: each.get("config") for name, each in born.items() if not each.get("disabled")} == {
        name: found.inputs.get("config") for name, found in managed.items()
    }, "an add-on that differs would be changed at once"
    assert "addons" in cluster_.ignore_changes, "the list acts only at birth: a diff would do nothing, for ever"
    assert all(found.inputs["clusterId"] == "main-cluster-id" for found in managed.values())


def test_a_zone_that_came_later_is_told_of_and_changes_nothing_of_the_cluster() -> None:
    """terraform-provider-alicloud v2.0.0-beta3, cs_managed_kubernetes, pod_vswitch_ids: only works for Create."""
    engine = _made(outputs={_CLUSTER: {"podVswitchIds": [_PODS["cn-hangzhou-j"]]}})
    assert "podVswitchIds" in engine.one(_CLUSTER).ignore_changes, "the state keeps those that Terway has"
    assert "vswitchIds" in engine.one(_CLUSTER).ignore_changes, "other ones restart the control plane"
    assert [line for line in engine.told if "pods there share the nodes' addresses" in line]
    assert not _made().told


def test_a_tier_that_no_update_changes_is_warned_of_until_it_is_what_the_file_says() -> None:
    """terraform-provider-alicloud v2.0.0-beta3: migrateCluster goes from standard to Pro alone; Read has the tier."""
    grown = _settings(tier="ack.pro.xlarge")
    engine = _made(grown, outputs={_CLUSTER: {"clusterSpec": "ack.pro.small"}}, may_warn=True)
    assert "clusterSpec" in engine.one(_CLUSTER).ignore_changes, "else each update would have the same difference again"
    assert "cluster.tier: the cluster is ack.pro.small, and the file says ack.pro.xlarge" in engine.warnings[0]
    assert not _made(grown).warnings


def test_lists_that_ack_answers_in_its_own_order_are_no_change() -> None:
    """terraform-provider-alicloud v2.0.0-beta3: both are lists, which Read fills as the service answers."""
    assert {"vswitchIds", "controlPlaneLogComponents"} <= set(_made().one(_CLUSTER).ignore_changes)


def test_the_clusters_events_go_to_the_project_of_the_environment() -> None:
    found = _made().named("main-ack-node-problem-detector").inputs["config"]
    assert json.loads(found) == {"sls_project_name": "dev-logs-1a2b3c"}, "else ACK makes a project, which stays"


def test_no_ingress_is_installed_unasked() -> None:
    assert {"name": "nginx-ingress-controller", "disabled": True} in _inputs()["addons"], "it makes a load balancer"


def test_the_cni_enforces_network_policies() -> None:
    configuration = json.loads(_made().named("main-terway-eniip").inputs["config"])
    assert configuration["NetworkPolicy"] == "true", "without it every NetworkPolicy is a dead letter"


def test_each_administrator_has_a_permission_of_their_own() -> None:
    permissions = {found.name: found.inputs for found in _made().all(_PERMISSION)}
    assert {each["uid"] for each in permissions.values()} == {"301234567890123456", "201234567890123456"}
    (role,) = permissions["main-admin-role-301234567890123456"]["permissions"]
    assert role == {"cluster": "main-cluster-id", "roleType": "cluster", "roleName": "admin", "isRamRole": True}
    (user,) = permissions["main-admin-user-201234567890123456"]["permissions"]
    assert user["isRamRole"] is False


def test_the_kubeconfig_fetches_a_certificate_for_this_cluster() -> None:
    config = json.loads(_made().result["kubeconfig"])
    run = config["users"][0]["user"]["exec"]
    assert run["command"] == "ack-ram-tool"
    assert run["args"][:4] == ["credential-plugin", "get-credential", "--cluster-id", "main-cluster-id"]
    assert run["args"][4:6] == ["--region-id", "cn-hangzhou"], "the tool's default region is only right by chance"


@pytest.mark.parametrize(
    ("cidrs", "server"), [((), "https://10.40.192.5:6443"), (("0.0.0.0/0",), "https://203.0.113.9:6443")]
)
def test_the_kubeconfig_names_the_address_that_can_be_reached(cidrs: tuple[str, ...], server: str) -> None:
    config = json.loads(_made(_settings(endpoint={"public_cidrs": cidrs})).result["kubeconfig"])
    assert config["clusters"][0]["cluster"]["server"] == server


def test_ranges_for_a_cluster_that_was_made_without_a_public_endpoint_are_refused() -> None:
    """terraform-provider-alicloud 2.0: slb_internet_enabled is for Create alone; connections are as ACK has them."""
    private = {_CLUSTER: {"connections": [{"apiServerInternet": "", "apiServerIntranet": "https://10.40.192.5:6443"}]}}
    for preview in (True, False):
        with pytest.raises(
            pulumi.RunError, match="the cluster has no public endpoint, which ACK gives when a cluster is made"
        ):
            _made(_settings(endpoint={"public_cidrs": ["0.0.0.0/0"]}), preview=preview, outputs=private)


def test_an_endpoint_that_stays_open_though_the_file_closes_it_is_warned_of() -> None:
    open_ = [{"apiServerInternet": "https://203.0.113.9:6443", "apiServerIntranet": "https://10.40.192.5:6443"}]
    engine = _made(outputs={_CLUSTER: {"connections": open_}}, may_warn=True)
    assert "open to the internet all the same" in engine.warnings[0]
    assert json.loads(engine.result["kubeconfig"])["clusters"][0]["cluster"]["server"] == "https://10.40.192.5:6443"


def test_the_clients_certificate_and_key_that_ack_hands_out_stay_encrypted() -> None:
    made = _made().one(_CLUSTER)
    assert made.secret_outputs == ("certificateAuthorities",), "they are an administrator's, for three years"
    assert "Y2xpZW50" not in _made().result["kubeconfig"]


@pytest.mark.parametrize(("protection", "protected"), [("full", True), ("none", False)])
def test_ack_itself_refuses_to_delete_a_protected_cluster(protection: str, protected: bool) -> None:
    made = _made(_settings(protection)).one(_CLUSTER)
    assert (made.protect, made.inputs["deletionProtection"]) == (protected, protected)


def test_every_addon_has_a_line_in_the_catalog() -> None:
    assert {found.inputs["name"] for found in whole().all(ADDON)} <= set(versions.ACK_ADDONS)


def test_an_existing_cluster_is_used_without_a_change() -> None:
    spec = ExistingAckCluster(
        kind="existing",
        id="c" + "1" * 32,
        kubernetes_version="1.35",
        endpoint_url="https://10.0.0.5:6443",
        certificate_authority="LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t",
        security_group_id="sg-bp1a2b3c4d5e6f7g8h9i",
    )

    def program() -> dict[str, object]:
        made = alicloud.ExistingCluster("theirs", alicloud.ExistingClusterArgs(spec=spec, cloud=stack().cloud))
        return {"id": made.joinable_id, "provider": made.identity_provider_arn, "kubeconfig": made.kubeconfig}

    engine = RecordingEngine().run(program)
    assert [found for found in engine.registered if found.custom] == []
    assert engine.result["id"] == spec.id
    assert engine.result["provider"] == f"acs:ram::1111222233334444:oidc-provider/ack-rrsa-{spec.id}"
    assert json.loads(engine.result["kubeconfig"])["clusters"][0]["cluster"]["server"] == "https://10.0.0.5:6443"


@pytest.mark.parametrize("answer", [[], [{}], [{"cluster_cert": ""}]])
def test_a_certificate_that_was_not_told_is_a_failure_and_not_an_empty_one(answer: list[dict[str, str]]) -> None:
    """setCerts in terraform-provider-alicloud 2.0, service_alicloud_cs.go: an error of the call is logged, no more."""
    told = [ManagedKubernetesCertificateAuthority(**each) for each in answer]
    with pytest.raises(pulumi.RunError, match="run 'pulumi refresh'"):
        certificate_of(told)
