"""What an upgrade reaches first, and how it goes through the nodes, on both clouds."""

from typing import Any

import pytest
from support.alicloud_platform import stack as ack_stack
from support.program import run_program, stack_config

from llmplatform.testing import RecordingEngine

POOLS = {"prod": "aws:eks/nodeGroup:NodeGroup", "prod-ack": "alicloud:cs/nodePool:NodePool"}
CLUSTERS = {"prod": "aws:eks/cluster:Cluster", "prod-ack": "alicloud:cs/managedKubernetes:ManagedKubernetes"}
GROUPS = ["gpu-large-on-demand", "gpu-large-spot"]
NEW_RELEASE, IMAGE_ID = "1.35.7-20260801", "aliyun_3_x64_20G_alibase_20261101.vhd"


def registered(stack: str, **pool: Any) -> RecordingEngine:
    config = stack_config(stack)
    config["llmplatform:pools"]["gpu-large"] |= pool
    return run_program(config, stack, may_warn="renew" in pool)


@pytest.mark.parametrize("stack", POOLS)
def test_pools_with_gpus_come_after_those_without_and_all_after_the_control_plane(stack: str) -> None:
    engine = registered(stack)
    [cluster] = engine.all(CLUSTERS[stack])
    gpus = [found for found in engine.all(POOLS[stack]) if found.name.startswith("gpu-")]
    systems = [found for found in engine.all(POOLS[stack]) if found.name.startswith("system-")]
    assert len(gpus) == 4
    assert systems
    for system in systems:
        assert engine.waits_for(system, cluster)
        assert all(engine.waits_for(gpu, system) for gpu in gpus), "what breaks a node is seen before it breaks a GPU's"
        assert not engine.waits_for(system, gpus[0])


def test_kube_proxy_is_of_the_clusters_minor_and_there_before_the_nodes_follow() -> None:
    engine = registered("prod")
    proxy = engine.named("llm-kube-proxy")
    assert proxy.inputs["addonVersion"].startswith("v1.35.")
    assert all(engine.waits_for(pool, proxy) for pool in engine.all(POOLS["prod"]))


def test_no_node_group_of_eks_needs_a_machine_more_while_it_is_renewed() -> None:
    for group in registered("prod").all(POOLS["prod"]):
        assert group.inputs["updateConfig"] == {"maxUnavailable": 1, "updateStrategy": "MINIMAL"}, group.name


def upgraded(**changes: Any) -> RecordingEngine:
    config = stack_config("prod-ack")
    config["llmplatform:cluster"] |= {"upgrade": True, **changes}
    return run_program(config, "prod-ack", may_warn=True)


def test_acks_control_plane_goes_alone_and_its_pools_follow_one_node_at_a_time() -> None:
    engine = upgraded()
    [cluster] = engine.all(CLUSTERS["prod-ack"])
    assert cluster.inputs["upgradePolicy"] == {"controlPlaneOnly": True}
    assert "version" not in cluster.ignore_changes
    for pool in engine.all(POOLS["prod-ack"]):
        assert pool.inputs["upgradePolicy"] == {"kubernetesVersion": cluster.inputs["version"]}, "in place: no drain"
        assert pool.inputs["rollingPolicy"]["maxParallelism"] == 1


def test_nothing_is_upgraded_on_ack_without_a_request() -> None:
    """terraform-provider-alicloud 2.0, upgrade_policy of a pool: a policy that stays upgrades again at every change.

    And of a cluster's version: ACK raises patches by itself and refuses to go back.
    """
    engine = registered("prod-ack", image_id=IMAGE_ID)
    assert not [pool.name for pool in engine.all(POOLS["prod-ack"]) if "upgradePolicy" in pool.inputs]
    [cluster] = engine.all(CLUSTERS["prod-ack"])
    assert "version" in cluster.ignore_changes


def test_a_release_of_the_node_image_is_that_of_its_pool_alone() -> None:
    groups = registered("prod", image_release=NEW_RELEASE).all(POOLS["prod"])
    releases = {group.name: group.inputs["releaseVersion"] for group in groups}
    assert sorted(name for name, release in releases.items() if release == NEW_RELEASE) == GROUPS


def test_an_image_id_of_ack_exchanges_the_system_disks_of_its_pool_alone_when_that_is_asked_for() -> None:
    engine = registered("prod-ack", image_id=IMAGE_ID, renew=True)
    pools = {pool.name: pool.inputs for pool in engine.all(POOLS["prod-ack"])}
    for large in map(pools.pop, GROUPS):
        assert large["imageId"] == large["upgradePolicy"]["imageId"] == IMAGE_ID
        assert large["upgradePolicy"]["useReplace"] is True
    assert all("imageId" not in pool and "upgradePolicy" not in pool for pool in pools.values())


def test_an_exact_version_of_ack_is_that_of_control_plane_and_nodes() -> None:
    assert ack_stack().cluster.kubernetes_version == "1.35"
    engine = upgraded(release="1.35.2-aliyun.1")
    [cluster] = engine.all(CLUSTERS["prod-ack"])
    versions = {pool.inputs["upgradePolicy"]["kubernetesVersion"] for pool in engine.all(POOLS["prod-ack"])}
    assert {cluster.inputs["version"]} == versions == {"1.35.2-aliyun.1"}
