"""The autoscaling loop over a simulated account and a cluster in memory."""

from pathlib import Path
from typing import Any

import pytest
from support.sandboxes.cloud_account import cloud, make, whole_account
from support.sandboxes.fake_kube import FakeKube

from llmplatform_sandbox.cloud import SimulatedCloud
from llmplatform_sandbox.interfaces import Release
from llmplatform_sandbox.loops import autoscaler as loop_module
from llmplatform_sandbox.loops import nodes as nodes_module
from llmplatform_sandbox.loops.autoscaler import AutoscalerLoop
from llmplatform_sandbox.loops.autoscaler_flags import flags_of
from llmplatform_sandbox.loops.nodes import NodesLoop

NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"
PRIORITIES = "100:\n  - .*gpu-spot-.*\n10:\n  - .*gpu-od-.*\n"
OPERATOR = Release(name="gpu-operator", namespace="gpu-operator", chart="gpu-operator", version="1", values={})


def autoscaler_release(**args: Any) -> Release:
    values = {"extraArgs": {"expander": "priority,least-waste", **args}}
    return Release(name="ca", namespace="kube-system", chart="cluster-autoscaler", version="9.59.0", values=values)


class World:
    """An account with a spot and an on-demand GPU group from zero, and the loops that act on it."""

    def __init__(self, folder: Path) -> None:
        self.cloud: SimulatedCloud = cloud(folder)
        made = whole_account(self.cloud, "aws:eks/cluster:Cluster")
        for addon in ("vpc-cni", "kube-proxy"):
            make(self.cloud, "aws:eks/addon:Addon", clusterName="dev", addonName=addon)
        base = {
            "clusterName": "dev",
            "nodeRoleArn": made["aws:iam/role:Role"].outputs["arn"],
            "subnetIds": [made["aws:ec2/subnet:Subnet"].id],
            "scalingConfig": {"minSize": 0, "maxSize": 2, "desiredSize": 0},
            "amiType": "AL2023_x86_64_NVIDIA",
            "instanceTypes": ["g5.2xlarge"],
            "labels": {"pool": "gpu", "k8s.amazonaws.com/accelerator": "nvidia-a10g"},
            "taints": [{"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"}],
        }
        make(self.cloud, NODE_GROUP, **base, nodeGroupName="gpu-spot", capacityType="SPOT")
        make(self.cloud, NODE_GROUP, **base, nodeGroupName="gpu-od", capacityType="ON_DEMAND")
        self.kube = FakeKube()
        self.kube.releases = [autoscaler_release(), OPERATOR]
        self.kube.add(
            "ConfigMap", "cluster-autoscaler-priority-expander", "kube-system", data={"priorities": PRIORITIES}
        )
        self.nodes = NodesLoop(self.cloud, self.kube)  # type: ignore[arg-type]
        self.autoscaler = AutoscalerLoop(self.cloud, self.kube, scale_down_after=0.0)  # type: ignore[arg-type]

    def pending(self, name: str = "server", **spec: Any) -> dict[str, Any]:
        asked = {"cpu": "4", "memory": "16Gi", "nvidia.com/gpu": "1"}
        waits = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
        body = {
            "containers": [{"name": "c", "resources": {"requests": asked}}],
            "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}],
            "nodeSelector": {"pool": "gpu"},
            **spec,
        }
        return self.kube.add("Pod", name, "models", spec=body, status={"phase": "Pending", "conditions": [waits]})

    def kubelets(self) -> None:
        """What KWOK does: nodes that it was handed get ready."""
        self.nodes.step()
        for node in self.kube.list("v1", "Node"):
            if node["metadata"]["annotations"]:
                self.kube.patch(node, {"status": {"conditions": [{"type": "Ready", "status": "True"}]}})

    def bind(self, pod: dict[str, Any]) -> None:
        [node] = [one for one in self.kube.list("v1", "Node") if one["status"]["allocatable"].get("nvidia.com/gpu")]
        pod["spec"]["nodeName"] = node["metadata"]["name"]
        pod["status"] = {"phase": "Running", "conditions": []}

    def targets(self) -> dict[str, int]:
        return {one.id.split("-")[2]: one.target for one in self.cloud.node_groups()}


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    for module in (loop_module, nodes_module):
        monkeypatch.setattr(module, "releases", lambda kube: kube.releases)
    monkeypatch.setattr(loop_module, "_BACKOFF_SECONDS", (0.0, 0.0))
    return World(tmp_path)


def test_a_pending_pod_gets_a_spot_node_and_no_second_one(world: World) -> None:
    world.pending()
    for _ in range(3):
        world.autoscaler.step()
    assert world.targets() == {"spot": 1, "od": 0}, "a node that is asked for already is counted"
    world.kubelets()
    world.autoscaler.step()
    assert world.targets() == {"spot": 1, "od": 0}, "a pod that fits on a node that is there needs no other"


def test_without_the_autoscalers_release_nothing_happens(world: World) -> None:
    world.kube.releases = [OPERATOR]
    world.pending()
    world.autoscaler.step()
    assert world.targets() == {"spot": 0, "od": 0}


def test_a_stock_out_takes_the_on_demand_group_and_its_end_spot_again(world: World) -> None:
    world.cloud.fault("spot-stockout", "g5.2xlarge", active=True)
    first = world.pending("first")
    world.autoscaler.step()
    assert world.targets() == {"spot": 0, "od": 1}
    world.kubelets()
    world.bind(first)
    world.cloud.fault("spot-stockout", "g5.2xlarge", active=False)
    world.pending("second")
    world.autoscaler.step()
    assert world.targets() == {"spot": 1, "od": 1}


def test_a_group_that_failed_is_left_alone_until_the_shortage_is_over(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop_module, "_BACKOFF_SECONDS", (60.0, 60.0))
    asked: list[str] = []
    resize = world.cloud.resize
    monkeypatch.setattr(world.cloud, "resize", lambda group, size: (asked.append(group), resize(group, size)))
    world.cloud.fault("spot-stockout", "g5.2xlarge", active=True)
    world.pending("first")
    world.autoscaler.step()
    world.pending("second")
    world.autoscaler.step()
    assert ["spot" in group for group in asked] == [True, False, False], "the back-off of the release's flags holds"
    world.cloud.fault("spot-stockout", "g5.2xlarge", active=False)
    world.pending("third")
    world.autoscaler.step()
    assert world.targets() == {"spot": 1, "od": 2}, "who ends a fault does not wait for a back-off to see it"


def test_a_full_pool_grows_no_further(world: World) -> None:
    for number in range(7):
        world.pending(f"p{number}")
    for _ in range(5):
        world.autoscaler.step()
    assert world.targets() == {"spot": 2, "od": 2}


@pytest.mark.parametrize(
    "spec",
    [
        {"tolerations": []},
        {"nodeSelector": {"pool": "other"}},
        {"containers": [{"resources": {"limits": {"cpu": "99"}}}]},
    ],
)
def test_a_pod_that_no_new_node_would_take_moves_nothing(world: World, spec: dict[str, Any]) -> None:
    world.pending(**spec)
    world.autoscaler.step()
    assert world.targets() == {"spot": 0, "od": 0}


def test_a_gpu_node_without_device_plugin_counts_as_starting_when_it_is_labelled(world: World) -> None:
    world.kube.releases = [autoscaler_release()]
    world.pending()
    for _ in range(4):
        world.autoscaler.step()
        world.kubelets()
    assert world.targets() == {"spot": 1, "od": 0}, "the accelerator label keeps the autoscaler from a second node"
    [node] = world.kube.list("v1", "Node")
    assert "nvidia.com/gpu" not in node["status"]["allocatable"]


def test_empty_nodes_go_down_to_the_minimum(world: World) -> None:
    pod = world.pending()
    world.autoscaler.step()
    world.kubelets()
    world.bind(pod)
    world.autoscaler.step()
    assert world.targets()["spot"] == 1, "a node with a pod is no empty node"
    del world.kube.objects[("Pod", "models", "server")]
    world.autoscaler.step()
    [node] = world.kube.list("v1", "Node")
    assert "ToBeDeletedByClusterAutoscaler" in {taint["key"] for taint in node["spec"]["taints"]}
    assert world.targets() == {"spot": 1, "od": 0}, "first the scheduler is kept away"
    world.autoscaler.step()
    assert world.targets() == {"spot": 0, "od": 0}
    world.nodes.step()
    assert world.kube.list("v1", "Node") == []


def test_a_node_that_is_needed_after_all_is_kept(world: World) -> None:
    world.cloud.resize(next(one.id for one in world.cloud.node_groups()), 1)
    world.kubelets()
    world.autoscaler.step()
    pod = world.pending()
    world.bind(pod)
    world.autoscaler.step()
    [node] = world.kube.list("v1", "Node")
    assert "ToBeDeletedByClusterAutoscaler" not in {taint["key"] for taint in node["spec"].get("taints", ())}
    world.autoscaler.step()
    assert world.targets()["spot"] == 1


def test_a_node_that_asks_to_stay_stays(world: World) -> None:
    world.cloud.resize(next(one.id for one in world.cloud.node_groups()), 1)
    world.kubelets()
    [node] = world.kube.list("v1", "Node")
    keep = {"cluster-autoscaler.kubernetes.io/scale-down-disabled": "true"}
    world.kube.patch(node, {"metadata": {"annotations": keep}})
    world.autoscaler.step()
    assert world.targets()["spot"] == 1


def test_scale_down_waits(tmp_path: Path, world: World) -> None:
    patient = AutoscalerLoop(world.cloud, world.kube, scale_down_after=60.0)  # type: ignore[arg-type]
    world.cloud.resize(next(one.id for one in world.cloud.node_groups()), 1)
    world.kubelets()
    patient.step()
    patient.step()
    assert world.targets()["spot"] == 1


def test_flags_come_from_the_release() -> None:
    flags = flags_of(
        autoscaler_release(**{"initial-node-group-backoff-duration": "1h30m", "scale-down-enabled": False})
    )
    assert flags.expanders == ["priority", "least-waste"]
    assert flags.backoff == 5400
    assert flags.scale_down is False


def test_broken_priorities_leave_the_choice_to_the_next_expander(world: World) -> None:
    world.kube.add("ConfigMap", "cluster-autoscaler-priority-expander", "kube-system", data={"priorities": "- x"})
    world.pending()
    world.autoscaler.step()
    assert sum(world.targets().values()) == 1
