"""Add-ons of an ACK cluster with pods of their own: the collector, the registry's helper, and what they wait for."""

import json

import pytest
from support.alicloud_platform import ADDON, whole

from llmplatform import alicloud
from llmplatform.testing import RecordingEngine, Registered


def test_addons_with_pods_wait_for_a_node_and_not_for_one_another() -> None:
    engine = whole()
    addons = [found for found in engine.all(ADDON) if found.name.startswith("addons-")]
    assert {found.inputs["name"] for found in addons} == {
        "metrics-server", "ack-pod-identity-webhook", "loongcollector", "managed-aliyun-acr-credential-helper",
        "acr-credential-helper-webhook",
    }  # fmt: skip
    for addon in addons:
        assert engine.waits_for(addon, engine.named("system-j"))
        assert not [other for other in addons if other is not addon and engine.waits_for(addon, other)]


def _addons(log_project: str | None = None, registry: str | None = None) -> list[Registered]:
    def program() -> str:
        args = alicloud.ClusterAddonsArgs(
            cluster_id="c1",
            log_project=log_project,
            registry=registry,
            pulling=("monitoring", "models"),
            region="cn-hangzhou",
        )
        alicloud.ClusterAddons("addons", args)
        return ""

    return RecordingEngine().run(program).all(ADDON)


def test_the_collector_reports_to_our_project_and_makes_none_of_its_own() -> None:
    (collector,) = [found for found in _addons("dev-logs-1a2b3c") if found.inputs["name"] == "loongcollector"]
    assert json.loads(collector.inputs["config"])["sls_project_name"] == "dev-logs-1a2b3c"


def test_there_is_no_collector_without_a_project_and_no_helper_without_a_registry() -> None:
    assert {found.inputs["name"] for found in _addons()} == {"metrics-server", "ack-pod-identity-webhook"}


def test_pods_pull_from_the_registry_without_a_stored_password() -> None:
    """Container Registry user guide, "Use the passwordless component": keys of the managed edition."""
    made = {found.inputs["name"]: found.inputs for found in _addons(registry="cri-1")}
    assert json.loads(made["managed-aliyun-acr-credential-helper"]["config"]) == {
        "AcrInstanceInfo": [{"instanceId": "cri-1", "regionId": "cn-hangzhou"}],
        "watchNamespace": "models,monitoring",
        "serviceAccount": "*",
        "expiringThreshold": "15m",
        "enableRRSA": False,
    }
    assert "aliyun-acr-credential-helper" not in made, "of the two editions one alone can be installed"


def test_a_service_account_has_its_credentials_before_the_first_pod_uses_it() -> None:
    """The same page, FAQ: a chart makes account and Deployment at once."""
    assert "acr-credential-helper-webhook" in {found.inputs["name"] for found in _addons(registry="cri-1")}


def test_a_registry_without_a_namespace_that_pulls_from_it_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="needs the namespaces"):
        alicloud.ClusterAddonsArgs(cluster_id="c1", log_project=None, registry="cri-1", region="cn-hangzhou")


def test_configurations_are_spelled_as_the_provider_reads_them_back() -> None:
    """Go's json.Marshal in resource_alicloud_cs_kubernetes_addon.go: compact, with sorted keys."""
    for found in [*whole().all(ADDON), *_addons(log_project="p", registry="cri-1")]:
        config = found.inputs.get("config")
        if config is not None:
            assert config == json.dumps(json.loads(config), sort_keys=True, separators=(",", ":")), found.name


def test_nodes_start_when_their_registry_can_be_reached_and_are_gone_before_the_link() -> None:
    engine = whole()
    link = engine.one("alicloud:cr/vpcEndpointLinkedVpc:VpcEndpointLinkedVpc")
    assert (link.inputs["moduleName"], link.inputs["enableCreateDnsRecordInPvzt"]) == ("Registry", False)
    assert all(engine.waits_for(pool, link) for pool in engine.all("alicloud:cs/nodePool:NodePool"))
    assert engine.waits_for(link, engine.named("core-nodes-cn-hangzhou-j")), "a vSwitch with a link cannot be deleted"


def test_the_device_plugin_is_left_to_ack() -> None:
    names = {found.inputs["name"] for found in whole().all(ADDON)}
    assert not [name for name in names if "nvidia" in name or "gpu" in name], "ACK puts it on nodes with GPUs itself"
