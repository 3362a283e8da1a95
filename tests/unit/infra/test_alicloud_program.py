"""The program on Alibaba Cloud: what its switches switch."""

import inspect
import json
import re
from typing import Any

import pulumi
import pulumi_alicloud
import pytest
from support.program import ROOT, committed, run_program, stack_config

from llmplatform.testing import RecordingEngine

_SCALER = "alicloud:cs/autoscalingConfig:AutoscalingConfig"
_COLLECTION = "llmplatform:alicloud:LogCollection"
_POOL = "alicloud:cs/nodePool:NodePool"
_IN_ONE_ZONE = (
    "alicloud:nas/fileSystem:FileSystem",
    "alicloud:nas/mountTarget:MountTarget",
    "alicloud:vpc/natGateway:NatGateway",
    "alicloud:cr/vpcEndpointLinkedVpc:VpcEndpointLinkedVpc",
)
"""What a move to another zone replaces, data and all."""
_ADDON = "alicloud:cs/kubernetesAddon:KubernetesAddon"


def _with(**addons: Any) -> RecordingEngine:
    config = stack_config("dev-ack")
    return run_program({**config, "llmplatform:addons": {**config["llmplatform:addons"], **addons}}, "dev-ack")


def _addons(engine: RecordingEngine) -> set[str]:
    return {found.inputs["name"] for found in engine.all(_ADDON)}


def test_acks_autoscaler_takes_the_place_of_the_chart() -> None:
    engine = committed("dev-ack")
    assert engine.one(_SCALER)
    charts = {found.inputs["name"] for found in engine.all("kubernetes:helm.sh/v3:Release")}
    assert "cluster-autoscaler" not in charts, "two of them would undo each other's work"


def test_the_zones_can_be_written_in_another_order() -> None:
    config = stack_config("dev-ack")
    cloud = config["llmplatform:cloud"]
    turned = {**cloud, "zones": cloud["zones"][::-1], "home_zone": cloud["zones"][0]}
    before, after = run_program(config, "dev-ack"), run_program({**config, "llmplatform:cloud": turned}, "dev-ack")
    for type_ in _IN_ONE_ZONE:
        assert [found.inputs for found in after.all(type_)] == [found.inputs for found in before.all(type_)], type_


def test_logs_are_collected_once_the_collector_is_there() -> None:
    engine = committed("dev-ack")
    provider = engine.one("pulumi:providers:kubernetes")
    assert engine.named("models-stdout").provider.startswith(provider.urn)
    assert engine.waits_for(provider, engine.named("addons-loongcollector")), "it brings the kind"


def test_addons_with_pods_wait_for_every_pool_that_has_room_for_them_from_the_start() -> None:
    config = stack_config("dev-ack")
    pools = config["llmplatform:pools"]
    spare = {**pools["system"], "scaling": "auto", "min": 0, "max": 2}
    more = {"spare": spare, **pools, "second": {**spare, "min": 1}}
    engine = run_program({**config, "llmplatform:pools": more}, "dev-ack")
    for pool in ("system-j", "system-k", "second-j"):
        assert engine.waits_for(engine.named("addons-loongcollector"), engine.named(pool)), "it has a node"
    assert not engine.waits_for(engine.named("addons-loongcollector"), engine.named("spare-j")), "it has none"


def test_without_log_collection_the_control_plane_still_has_its_project() -> None:
    engine = _with(logs={"enabled": False})
    assert not engine.all(_COLLECTION)
    assert "loongcollector" not in _addons(engine)
    cluster = engine.one("alicloud:cs/managedKubernetes:ManagedKubernetes").inputs
    assert cluster["controlPlaneLogProject"] == engine.one("alicloud:log/project:Project").inputs["projectName"]


def test_the_older_kind_of_collection_can_be_asked_for() -> None:
    engine = _with(logs={"collection": "log_config"})
    assert engine.named("models-stdout").inputs["kind"] == "AliyunLogConfig"


def test_metrics_of_gpus_can_be_left_out() -> None:
    assert not _with(gpu_metrics={"enabled": False}).all("llmplatform:addons:GpuMetrics")


def test_a_private_registry_is_linked_to_the_network_and_pulled_from_without_a_password() -> None:
    engine = committed("prod-ack")
    link = engine.one("alicloud:cr/vpcEndpointLinkedVpc:VpcEndpointLinkedVpc")
    assert link.inputs["instanceId"] == stack_config("prod-ack")["llmplatform:mirrors"]["acr"]
    assert {"managed-aliyun-acr-credential-helper", "acr-credential-helper-webhook"} <= _addons(engine)
    assert all(engine.waits_for(pool, link) for pool in engine.all(_POOL))


def test_a_link_that_another_stack_has_made_is_not_made_again() -> None:
    config = stack_config("dev-ack")
    linked = {**config, "llmplatform:mirrors": {**config["llmplatform:mirrors"], "acr_link": "existing"}}
    engine = run_program(linked, "dev-ack")
    assert not engine.all("alicloud:cr/vpcEndpointLinkedVpc:VpcEndpointLinkedVpc")
    assert "managed-aliyun-acr-credential-helper" in _addons(engine)


@pytest.mark.parametrize("stack", ["dev-ack", "prod-ack"])
def test_credentials_of_the_registry_are_in_every_namespace_of_ours_and_in_no_other(stack: str) -> None:
    engine = committed(stack)
    spaces = {found.inputs["metadata"]["name"] for found in engine.all("kubernetes:core/v1:Namespace")}
    helper = engine.named("addons-managed-aliyun-acr-credential-helper").inputs["config"]
    assert set(json.loads(helper)["watchNamespace"].split(",")) == spaces


@pytest.mark.parametrize("stack", ["dev-ack", "prod-ack"])
def test_objects_in_the_cluster_come_after_its_nodes_and_addons(stack: str) -> None:
    engine = committed(stack)
    provider = engine.one("pulumi:providers:kubernetes")
    open_to_all = [pool for pool in engine.all(_POOL) if not pool.inputs.get("taints")]
    assert open_to_all, "add-ons run there"
    for earlier in (*open_to_all, *engine.all(_ADDON)):
        assert engine.waits_for(provider, earlier), f"{earlier.name} is gone before what runs on it"
    for tainted in (pool for pool in engine.all(_POOL) if pool not in open_to_all):
        assert not engine.waits_for(provider, tainted), f"{tainted.name} would hold up every object when it is stuck"


@pytest.mark.parametrize("stack", ["dev-ack", "prod-ack"])
def test_the_account_is_named_so_that_nothing_has_to_be_looked_up(stack: str) -> None:
    wanted = stack_config(stack)["llmplatform:cloud"]
    account = committed(stack).one("pulumi:providers:alicloud").inputs
    assert {key: account[key] for key in ("accountId", "accountType", "region")} == {
        "accountId": wanted["account_id"],
        "accountType": wanted["account_type"],
        "region": wanted["region"],
    }


def _of_cloud(**changes: Any) -> RecordingEngine:
    config = stack_config("prod-ack")
    config["llmplatform:cloud"] |= changes
    return run_program(config, "prod-ack")


def test_what_can_be_in_a_resource_group_is_put_into_the_one_of_the_settings() -> None:
    """Which can: the provider's own schema, by the arguments of its SDK."""
    engine = _of_cloud(resource_group_id="rg-acfmxazb4ph6aiy")
    clouds = [found for found in engine.registered if found.custom and found.type.startswith("alicloud:")]
    into = {found.type for found in clouds if found.inputs.get("resourceGroupId") == "rg-acfmxazb4ph6aiy"}
    can = {type_ for type_ in {found.type for found in clouds} if "resource_group_id" in _arguments(type_)}
    # Computed alone: terraform-provider-alicloud v2.0.0-beta3, resource_alicloud_route_table.go.
    assert into == can - {"alicloud:vpc/routeTable:RouteTable"}
    assert not [found.name for found in committed("prod-ack").registered if "resourceGroupId" in found.inputs]


def _arguments(type_: str) -> set[str]:
    _, module, _, name = re.split("[:/]", type_)
    return set(inspect.signature(getattr(getattr(pulumi_alicloud, module), f"{name}Args").__init__).parameters)


def test_a_profile_of_the_aliyun_cli_is_used_by_the_provider_and_for_logins() -> None:
    """ack-ram-tool, global flags: --profile-name. A profile may take a role, of another account too."""
    engine = _of_cloud(profile="platform-prod")
    assert engine.one("pulumi:providers:alicloud").inputs["profile"] == "platform-prod"
    config = json.loads(engine.one("pulumi:providers:kubernetes").inputs["kubeconfig"])
    arguments = config["users"][0]["user"]["exec"]["args"]
    assert arguments[arguments.index("--profile-name") + 1] == "platform-prod"
    assert "--profile-name" not in json.dumps(committed("prod-ack").one("pulumi:providers:kubernetes").inputs)


@pytest.mark.parametrize("name", ["ALICLOUD_ACCESS_KEY", "ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABACLOUD_ACCESS_KEY_ID"])
def test_an_access_key_that_the_provider_would_take_before_the_profile_is_refused(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """terraform-provider-alicloud v2.0.0-beta3, provider.go: DefaultFunc of access_key, and providerConfigure."""
    monkeypatch.setenv(name, "LTAI-of-another-account")
    with pytest.raises(pulumi.RunError, match=f"^cloud.profile: .* in the place of platform-prod; unset {name}, or"):
        _of_cloud(profile="platform-prod")
    assert _of_cloud().one("pulumi:providers:alicloud")


def test_prod_is_protected_and_spread_over_three_zones_with_a_gateway_each() -> None:
    engine = committed("prod-ack")
    assert len(engine.all("alicloud:vpc/natGateway:NatGateway")) == 3
    for kind in ("vpc/network:Network", "cs/managedKubernetes:ManagedKubernetes", "log/project:Project"):
        assert any(found.protect for found in engine.all(f"alicloud:{kind}")), kind


_POLICY_OF = {
    "cr/": "AliyunContainerRegistryFullAccess",
    "cs/": "AliyunCSFullAccess",
    "ecs/eip": "AliyunEIPFullAccess",
    "kms/": "AliyunKMSFullAccess",
    "log/": "AliyunLogFullAccess",
    "nas/": "AliyunNASFullAccess",
    "oss/": "AliyunOSSFullAccess",
    "ram/": "AliyunRAMFullAccess",
    "rds/": "AliyunRDSFullAccess",
    "vpc/natGateway": "AliyunNATGatewayFullAccess",
    "vpc/snatEntry": "AliyunNATGatewayFullAccess",
    "vpc/": "AliyunVPCFullAccess",
}
"""Beginning of a resource's type to the system policy that covers its service. RAM user guide, system policies."""


@pytest.mark.parametrize("stack", ["dev-ack", "prod-ack"])
def test_the_caller_is_told_of_the_policy_for_every_resource(stack: str) -> None:
    types = {found.type for found in committed(stack).registered if found.type.startswith("alicloud:")}
    page = (ROOT / "docs/clouds.md").read_text(encoding="utf-8")
    for type_ in sorted(types):
        within = type_.removeprefix("alicloud:")
        policy = next((policy for start, policy in _POLICY_OF.items() if within.startswith(start)), None)
        assert policy, f"{type_}: no policy is known to cover it"
        assert f"`{policy}`" in page, type_
