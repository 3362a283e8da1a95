"""Upgrades in the simulated clouds: which version may follow which, and how machines are renewed without others."""

from pathlib import Path
from typing import Any

import pytest
from support.sandboxes.alicloud_account import CLUSTER as ACK
from support.sandboxes.alicloud_account import NODE_POOL, Made, pool
from support.sandboxes.cloud_account import SCOPE, FakeControlPlane, cloud, whole_account
from support.sandboxes.clouds import ALICLOUD

from llmplatform_sandbox.cloud import SimulatedCloud, open_cloud
from llmplatform_sandbox.cloud.requests import CloudError

EKS, NODE_GROUP, ADDON = "aws:eks/cluster:Cluster", "aws:eks/nodeGroup:NodeGroup", "aws:eks/addon:Addon"
OLD, NEW = "1.34.10-aliyun.1", "1.35.7-aliyun.1"


@pytest.fixture
def control_plane() -> FakeControlPlane:
    return FakeControlPlane()


@pytest.fixture
def account(tmp_path: Path, control_plane: FakeControlPlane) -> SimulatedCloud:
    account = cloud(tmp_path, control_plane)
    whole_account(account, NODE_GROUP)
    return account


def change(account: SimulatedCloud, type_: str, **changes: Any) -> None:
    [record] = account.account.store.all(type_)
    account.account.update(type_, record.id, {**record.inputs, **changes}, SCOPE, changes)


def grown(account: SimulatedCloud, size: int) -> list[str]:
    """Nodes of the group, as many as that, the oldest first."""
    [group] = account.node_groups()
    account.resize(group.id, size)
    return [one.node for one in account.instances()]


def pooled(account: SimulatedCloud, control_plane: FakeControlPlane, strategy: str, size: int = 2) -> list[str]:
    """What an image change does to a group of machines, in order, old machines by number and new ones by letter."""
    names = {node: str(number) for number, node in enumerate(grown(account, size))}
    update = {"maxUnavailable": 1, "updateStrategy": strategy}
    control_plane.nodes.done.clear()
    change(account, NODE_GROUP, releaseVersion="1.35.9-20261201", updateConfig=update)
    for node in (node for _, node in control_plane.nodes.done if node not in names):
        names.setdefault(node, "abcdefgh"[len(names) - size])
    return [f"{what} {names[node]}" for what, node in control_plane.nodes.done]


@pytest.mark.parametrize(
    ("old", "wanted", "reason"),
    [
        ("1.33", "1.35", "from 1.33 to 1.35: go minor by minor; write 1.34 first"),
        ("1.35", "1.34", "from 1.35 to 1.34: a control plane never goes back; write 1.35"),
    ],
)
def test_eks_goes_one_minor_up_at_a_time_and_never_back(
    tmp_path: Path, control_plane: FakeControlPlane, old: str, wanted: str, reason: str
) -> None:
    account = cloud(tmp_path, control_plane)
    whole_account(account, EKS)
    [record] = account.account.store.all(EKS)
    account.account.amend(record, {"version": old})
    with pytest.raises(CloudError, match=reason):
        change(account, EKS, version=wanted)
    assert control_plane.upgrades == [], "the API server stays what it is"
    assert account.account.store.all(EKS)[0].outputs["version"] == old


def test_a_minor_more_is_the_control_planes(tmp_path: Path, control_plane: FakeControlPlane) -> None:
    account = cloud(tmp_path, control_plane)
    whole_account(account, EKS)
    [record] = account.account.store.all(EKS)
    account.account.amend(record, {"version": "1.34"})
    change(account, EKS, version="1.35")
    assert control_plane.upgrades == ["1.35"]


def test_nodes_are_never_ahead_of_their_control_plane(account: SimulatedCloud) -> None:
    [cluster] = account.account.store.all(EKS)
    account.account.amend(cluster, {"version": "1.34"})
    [group] = account.account.store.all(NODE_GROUP)
    account.account.amend(group, {"version": "1.34"})
    with pytest.raises(CloudError, match="upgrade the cluster first"):
        change(account, NODE_GROUP, version="1.35")


def test_kube_proxy_is_never_ahead_of_the_cluster(account: SimulatedCloud) -> None:
    inputs = {"clusterName": "dev", "addonName": "kube-proxy", "addonVersion": "v1.36.0-eksbuild.9"}
    with pytest.raises(CloudError, match="Addon version specified is not supported"):
        account.account.create(ADDON, "urn", inputs, SCOPE)


def test_the_minimal_strategy_drains_and_ends_a_machine_before_it_buys_the_next(
    account: SimulatedCloud, control_plane: FakeControlPlane
) -> None:
    assert pooled(account, control_plane, "MINIMAL") == ["drain 0", "joined a", "drain 1", "joined b"]
    assert len(account.instances()) == 2


def test_the_default_strategy_buys_two_machines_for_each_zone_first(
    account: SimulatedCloud, control_plane: FakeControlPlane
) -> None:
    done = pooled(account, control_plane, "DEFAULT")
    assert done[:4] == ["joined a", "joined b", "joined c", "joined d"], "scarce GPUs are not to be had twice"
    assert done[4:8] == ["cordon 0", "cordon 1", "drain 0", "drain 1"]
    assert len(account.instances()) == 2, "what was too much is given back"


def test_a_pod_that_its_budget_keeps_fails_the_update_and_the_next_one_goes_on(
    account: SimulatedCloud, control_plane: FakeControlPlane
) -> None:
    first, second = grown(account, 2)
    control_plane.nodes.stuck = {second}
    update = {"maxUnavailable": 1, "updateStrategy": "MINIMAL"}
    with pytest.raises(CloudError, match=r"PodEvictionFailure.*models/chat"):
        change(account, NODE_GROUP, releaseVersion="1.35.9-20261201", updateConfig=update)
    nodes = {one.node for one in account.instances()}
    assert second in nodes, "no pod is evicted"
    assert first not in nodes
    control_plane.nodes.stuck = set()
    change(account, NODE_GROUP, releaseVersion="1.35.9-20261201", updateConfig=update)
    assert nodes - {second} <= {one.node for one in account.instances()}, "what is new already is left alone"
    assert {one.kubelet for one in account.instances()} == {"v1.35.9"}


# ACK


@pytest.fixture
def ack(tmp_path: Path, control_plane: FakeControlPlane) -> SimulatedCloud:
    account = open_cloud("alicloud", tmp_path, control_plane, patience=0.1)
    made: Made = ALICLOUD.whole(account, ACK)
    account.account.amend(made[ACK], {"version": OLD})
    ALICLOUD.make(account, NODE_POOL, **pool(made, upgradePolicy={"kubernetesVersion": OLD}))
    [group] = account.node_groups()
    account.resize(group.id, 2)
    control_plane.nodes.done.clear()
    return account


def upgrade(account: SimulatedCloud, type_: str, **changes: Any) -> None:
    [record] = account.account.store.all(type_)
    account.account.update(type_, record.id, {**record.inputs, **changes}, ALICLOUD.scope, changes)


def test_ack_upgrades_the_control_plane_alone_where_it_is_told_to(
    ack: SimulatedCloud, control_plane: FakeControlPlane
) -> None:
    upgrade(ack, ACK, version=NEW, upgradePolicy={"controlPlaneOnly": True})
    assert control_plane.upgrades == ["1.35"]
    assert {one.kubelet for one in ack.instances()} == {f"v{OLD}"}


def test_ack_upgrades_all_nodes_along_where_nothing_is_said(ack: SimulatedCloud) -> None:
    upgrade(ack, ACK, version=NEW)
    assert {one.kubelet for one in ack.instances()} == {f"v{NEW}"}


def test_ack_exchanges_kubelets_in_place_after_the_control_plane(
    ack: SimulatedCloud, control_plane: FakeControlPlane
) -> None:
    before = {one.id for one in ack.instances()}
    with pytest.raises(CloudError, match="upgrade the control plane first"):
        upgrade(ack, NODE_POOL, upgradePolicy={"kubernetesVersion": NEW})
    upgrade(ack, ACK, version=NEW, upgradePolicy={"controlPlaneOnly": True})
    upgrade(ack, NODE_POOL, upgradePolicy={"kubernetesVersion": NEW})
    assert {one.kubelet for one in ack.instances()} == {f"v{NEW}"}
    assert {one.id for one in ack.instances()} == before
    assert control_plane.nodes.done == [], "nothing is drained"


def test_ack_exchanges_system_disks_one_machine_after_the_other(
    ack: SimulatedCloud, control_plane: FakeControlPlane
) -> None:
    before = {one.id for one in ack.instances()}
    nodes = [one.node for one in ack.instances()]
    policy = {"kubernetesVersion": OLD, "imageId": "aliyun_3_x64_20G_20261101.vhd", "useReplace": True}
    upgrade(ack, NODE_POOL, upgradePolicy=policy, rollingPolicy={"maxParallelism": 1})
    assert [what for what, _ in control_plane.nodes.done] == ["drain", "restart", "joined"] * 2
    assert sorted({node for _, node in control_plane.nodes.done}) == sorted(nodes)
    assert {one.id for one in ack.instances()} == before, "the machine stays, and with it its GPU"


def test_a_policy_that_stays_upgrades_again_at_every_change_of_its_pool(
    ack: SimulatedCloud, control_plane: FakeControlPlane
) -> None:
    """resource_alicloud_cs_kubernetes_node_pool.go (v2.0.0-beta3), Update: `d.GetOk("upgrade_policy")`."""
    policy = {"imageId": "aliyun_3_x64_20G_20261101.vhd", "useReplace": True}
    upgrade(ack, NODE_POOL, upgradePolicy=policy)
    control_plane.nodes.done.clear()
    upgrade(ack, NODE_POOL, labels=[{"key": "team", "value": "ml"}])
    assert [what for what, _ in control_plane.nodes.done].count("drain") == 2, "for one label"
    control_plane.nodes.done.clear()
    [record] = ack.account.store.all(NODE_POOL)
    without = {key: value for key, value in record.inputs.items() if key != "upgradePolicy"}
    ack.account.update(NODE_POOL, record.id, without, ALICLOUD.scope)
    assert control_plane.nodes.done == [], "it is taken out without an upgrade"


@pytest.mark.parametrize(("now", "wanted"), [(NEW, OLD), (NEW, "1.35.2-aliyun.1")])
def test_ack_never_goes_back(ack: SimulatedCloud, now: str, wanted: str) -> None:
    [cluster] = ack.account.store.all(ACK)
    ack.account.amend(cluster, {"version": now})
    with pytest.raises(CloudError, match="ErrUpgradeVersionNotSupported"):
        upgrade(ack, ACK, version=wanted)
