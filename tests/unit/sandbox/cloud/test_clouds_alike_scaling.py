"""The autoscaling and node loops on both simulated clouds: spot first, on demand when there is none, a lost zone."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from support.sandboxes.clouds import Case, on_each_cloud
from support.sandboxes.fake_kube import FakeKube

from llmplatform_sandbox.cloud import SimulatedCloud
from llmplatform_sandbox.cloud.store import Record
from llmplatform_sandbox.interfaces import Release
from llmplatform_sandbox.loops import autoscaler as loop_module
from llmplatform_sandbox.loops import nodes as nodes_module
from llmplatform_sandbox.loops.autoscaler import AutoscalerLoop
from llmplatform_sandbox.loops.nodes import NodesLoop

pytestmark = on_each_cloud

GPU = "nvidia.com/gpu"
Made = Mapping[str, Record]


class World:
    """An account with a spot and an on-demand GPU pool from zero, spot preferred, and the loops that act on it."""

    def __init__(self, case: Case, folder: Path) -> None:
        self.case, self.kube = case, FakeKube()
        self.cloud: SimulatedCloud = case.open(folder)
        made = case.whole(self.cloud, case.cluster)
        prepare, scaler = _PREPARATION[case.package]
        switch, spot, on_demand = case.spot
        base = prepare(self, made)
        for name, value in (("gpu-spot", spot), ("gpu-od", on_demand)):
            case.make(self.cloud, case.pool, name, **base, **{case.pool_name: name, switch: value})
        scaler(self, made)
        self.nodes = NodesLoop(self.cloud, self.kube)  # type: ignore[arg-type]
        self.autoscaler = AutoscalerLoop(self.cloud, self.kube, scale_down_after=60.0)  # type: ignore[arg-type]

    def pending(self, name: str) -> dict[str, Any]:
        waits = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
        body = {
            "containers": [{"name": "c", "resources": {"requests": {"cpu": "4", GPU: "1"}}}],
            "tolerations": [{"key": GPU, "operator": "Exists"}],
            "nodeSelector": {"pool": "gpu"},
        }
        return self.kube.add("Pod", name, "models", spec=body, status={"phase": "Pending", "conditions": [waits]})

    def kubelets(self) -> None:
        """What KWOK does: nodes that it was handed get ready."""
        self.nodes.step()
        for node in self.kube.list("v1", "Node"):
            if node["metadata"]["annotations"]:
                self.kube.patch(node, {"status": {"conditions": [{"type": "Ready", "status": "True"}]}})

    def bind(self, pod: dict[str, Any]) -> None:
        taken = {one["spec"].get("nodeName") for one in self.kube.list("v1", "Pod")}
        nodes = [
            one["metadata"]["name"] for one in self.kube.list("v1", "Node") if one["status"]["allocatable"].get(GPU)
        ]
        pod["spec"]["nodeName"] = next(name for name in nodes if name not in taken)
        pod["status"] = {"phase": "Running", "conditions": []}

    def run(self, name: str) -> None:
        """A pod comes, gets its node and runs."""
        pod = self.pending(name)
        self.autoscaler.step()
        self.kubelets()
        self.bind(pod)

    def targets(self) -> dict[str, int]:
        return {one.name: one.target for one in self.cloud.node_groups()}


def _prepare_aws(world: World, made: Made) -> dict[str, Any]:
    for addon in ("vpc-cni", "kube-proxy"):
        world.case.make(world.cloud, "aws:eks/addon:Addon", clusterName="dev", addonName=addon)
    return {
        "clusterName": "dev",
        "nodeRoleArn": made["aws:iam/role:Role"].outputs["arn"],
        "subnetIds": [made[world.case.subnet].id, made[f"{world.case.subnet}#b"].id],
        "scalingConfig": {"minSize": 0, "maxSize": 4, "desiredSize": 0},
        "amiType": "AL2023_x86_64_NVIDIA",
        "instanceTypes": [world.case.types[0]],
        "labels": {"pool": "gpu", "k8s.amazonaws.com/accelerator": "nvidia-a10g"},
        "taints": [{"key": GPU, "value": "present", "effect": "NO_SCHEDULE"}],
    }


def _scaler_of_aws(world: World, made: Made) -> None:
    """A release of the chart, and the program's own ConfigMap."""
    args = {"extraArgs": {"expander": "priority,least-waste"}}
    world.kube.releases = [
        Release(name="ca", namespace="kube-system", chart="cluster-autoscaler", version="9", values=args),
        Release(name="gpu", namespace="gpu", chart="gpu-operator", version="1", values={}),
    ]
    text = "100:\n  - .*gpu-spot-.*\n10:\n  - .*gpu-od-.*\n"
    world.kube.add("ConfigMap", "cluster-autoscaler-priority-expander", "kube-system", data={"priorities": text})


def _prepare_alicloud(world: World, made: Made) -> dict[str, Any]:
    return {
        "clusterId": made[world.case.cluster].id,
        "vswitchIds": [made[world.case.subnet].id, made[f"{world.case.subnet}#b"].id],
        "scalingConfig": {"enable": True, "minSize": 0, "maxSize": 4},
        "imageType": "AliyunLinux3ContainerOptimized",
        "instanceTypes": [world.case.types[0]],
        "systemDiskCategory": "cloud_essd",
        "systemDiskSize": 200,
        "labels": [{"key": "pool", "value": "gpu"}],
        "taints": [{"key": GPU, "value": "present", "effect": "NoSchedule"}],
    }


def _scaler_of_alicloud(world: World, made: Made) -> None:
    """ACK's own, with the groups by their ids; nothing is installed in the cluster."""
    spot, on_demand = (one.id for one in world.cloud.node_groups())
    world.case.make(
        world.cloud,
        "alicloud:cs/autoscalingConfig:AutoscalingConfig",
        clusterId=made[world.case.cluster].id,
        expander="priority",
        priorities={"100": spot, "10": on_demand},
    )


_PREPARATION: Mapping[str, tuple[Callable[[World, Made], dict[str, Any]], Callable[[World, Made], None]]] = {
    "aws": (_prepare_aws, _scaler_of_aws),
    "alicloud": (_prepare_alicloud, _scaler_of_alicloud),
}
"""Package → what pools need, and what scales them."""


@pytest.fixture
def world(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    for module in (loop_module, nodes_module):
        monkeypatch.setattr(module, "releases", lambda kube: kube.releases)
    monkeypatch.setattr(loop_module, "_BACKOFF_SECONDS", (0.0, 0.0))
    return World(case, tmp_path)


def test_a_pending_pod_gets_a_spot_node_with_gpus_and_no_second_one(world: World) -> None:
    world.pending("server")
    for _ in range(3):
        world.autoscaler.step()
    world.kubelets()
    world.autoscaler.step()
    assert world.targets() == {"gpu-spot": 1, "gpu-od": 0}
    [node] = world.kube.list("v1", "Node")
    assert node["status"]["allocatable"][GPU] == "1", "exactly one device plugin offers it"


def test_a_stock_out_takes_the_on_demand_pool_and_its_end_spot_again(world: World) -> None:
    kind = world.case.types[0]
    world.cloud.fault("spot-stockout", kind, active=True)
    world.run("first")
    assert world.targets() == {"gpu-spot": 0, "gpu-od": 1}
    world.cloud.fault("spot-stockout", kind, active=False)
    world.pending("second")
    world.autoscaler.step()
    assert world.targets() == {"gpu-spot": 1, "gpu-od": 1}


def test_pods_of_a_lost_zone_get_nodes_in_the_other(world: World) -> None:
    world.run("first")
    world.run("second")
    lost, kept = world.case.zones
    assert {one.zone for one in world.cloud.instances()} == {lost, kept}
    world.cloud.fault("zone-outage", lost, active=True)
    world.kubelets()
    survivors = [pod for pod in world.kube.list("v1", "Pod") if pod["spec"].get("nodeName")]
    assert len(survivors) == 1, "the pods of a machine that vanished go with it"
    world.run("in-its-place")
    assert {one.zone for one in world.cloud.instances()} == {kept}
    assert sum(world.targets().values()) == 2


def test_a_terminated_machine_takes_its_node_along(world: World) -> None:
    world.run("server")
    [machine] = world.cloud.instances()
    world.cloud.terminate(machine.id)
    world.nodes.step()
    assert world.kube.list("v1", "Node") == []


def test_a_node_of_another_cloud_is_left_alone(world: World) -> None:
    foreign = {"aws": "cn-hangzhou.i-1", "alicloud": "aws:///eu-west-1a/i-1"}[world.case.package]
    world.kube.add("Node", "foreign", spec={"providerID": foreign})
    world.nodes.step()
    assert [one["metadata"]["name"] for one in world.kube.list("v1", "Node")] == ["foreign"]
