"""Instances as nodes, and who offers their GPUs."""

import ipaddress
from pathlib import Path
from typing import Any

import pytest
from support.sandboxes.cloud_account import cloud, make, whole_account
from support.sandboxes.fake_kube import FakeKube

from llmplatform_sandbox.cloud import SimulatedCloud
from llmplatform_sandbox.interfaces import Release
from llmplatform_sandbox.loops import nodes as nodes_module
from llmplatform_sandbox.loops.gpus import device_plugin_owners, gpu_fault
from llmplatform_sandbox.loops.nodes import NodesLoop

NVIDIA, PLAIN, BOTTLEROCKET = "AL2023_x86_64_NVIDIA", "AL2023_x86_64_STANDARD", "BOTTLEROCKET_x86_64_NVIDIA"


def release(chart: str, **values: Any) -> Release:
    return Release(name=chart, namespace="gpu", chart=chart, version="1", values=values)


OPERATOR = release("gpu-operator", driver={"enabled": False}, toolkit={"enabled": False})
BARE = release("gpu-operator", devicePlugin={"enabled": False})
PLUGIN = release("nvidia-device-plugin")
CONTAINER = {"image": "nvcr.io/nvidia/k8s-device-plugin:v0.17.0"}
DAEMONSET = {
    "metadata": {"name": "plugin", "namespace": "x"},
    "spec": {"template": {"spec": {"containers": [CONTAINER]}}},
}


@pytest.mark.parametrize(
    ("releases", "daemonsets", "image", "count"),
    [
        ([], [], NVIDIA, 0),
        ([OPERATOR], [], NVIDIA, 1),
        ([BARE], [], NVIDIA, 0),
        ([PLUGIN], [], NVIDIA, 1),
        ([OPERATOR, PLUGIN], [], NVIDIA, 2),
        ([], [DAEMONSET], NVIDIA, 1),
        ([], [], BOTTLEROCKET, 1),
        ([OPERATOR], [], BOTTLEROCKET, 2),
        ([BARE], [], BOTTLEROCKET, 1),
    ],
)
def test_owners_of_the_device_plugin(releases: list[Release], daemonsets: list[Any], image: str, count: int) -> None:
    assert len(device_plugin_owners(releases, daemonsets, image)) == count
    assert (gpu_fault(releases, daemonsets, image) == "") is (count == 1), "exactly one owner offers GPUs"


def test_two_owners_are_both_named() -> None:
    fault = gpu_fault([OPERATOR, PLUGIN], [], NVIDIA)
    assert "gpu/gpu-operator" in fault
    assert "gpu/nvidia-device-plugin" in fault


def test_an_image_without_driver_needs_one_from_the_operator() -> None:
    assert "no NVIDIA driver" in gpu_fault([OPERATOR], [], PLAIN)
    assert gpu_fault([release("gpu-operator")], [], PLAIN) == ""


@pytest.fixture
def account(tmp_path: Path) -> SimulatedCloud:
    account = cloud(tmp_path)
    whole_account(account, "aws:eks/nodeGroup:NodeGroup")
    return account


@pytest.fixture
def kube(monkeypatch: pytest.MonkeyPatch) -> FakeKube:
    monkeypatch.setattr(nodes_module, "releases", lambda kube: kube.releases)
    return FakeKube()


def step(account: SimulatedCloud, kube: FakeKube) -> list[dict[str, Any]]:
    NodesLoop(account, kube).step()  # type: ignore[arg-type]
    return kube.list("v1", "Node")


def test_a_node_stays_not_ready_until_its_network_is_there(account: SimulatedCloud, kube: FakeKube) -> None:
    make(account, "aws:eks/addon:Addon", clusterName="dev", addonName="eks-pod-identity-agent")
    [node] = step(account, kube)
    assert node["metadata"]["annotations"] == {}, "no kubelet is simulated for it yet"
    assert node["status"]["conditions"][0]["status"] == "False"
    make(account, "aws:eks/addon:Addon", clusterName="dev", addonName="kube-proxy")
    [node] = step(account, kube)
    assert node["metadata"]["annotations"] == {"kwok.x-k8s.io/node": "fake"}


def test_a_node_says_where_it_is_and_what_it_has(account: SimulatedCloud, kube: FakeKube) -> None:
    [instance] = account.instances()
    [node] = step(account, kube)
    assert node["spec"]["providerID"] == f"aws:///eu-west-1a/{instance.id}"
    assert node["metadata"]["labels"]["kubernetes.io/hostname"] == node["metadata"]["name"]
    assert node["spec"]["taints"] == [{"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}]
    assert node["status"]["allocatable"]["cpu"] == "7910m"
    addresses = {each["type"]: each["address"] for each in node["status"]["addresses"]}
    subnets = [each.inputs["cidrBlock"] for each in account.objects() if each.type == "aws:ec2/subnet:Subnet"]
    address = ipaddress.ip_address(addresses["InternalIP"])
    [network] = [found for each in subnets if address in (found := ipaddress.ip_network(each))]
    kept = {network[0], network[1], network[2], network[3], network[-1]}
    assert address not in kept, "AWS keeps a subnet's first four addresses and its last (VPC user guide, subnet sizing)"


def test_gpus_come_and_go_with_their_device_plugin(account: SimulatedCloud, kube: FakeKube) -> None:
    [node] = step(account, kube)
    assert "nvidia.com/gpu" not in node["status"]["allocatable"]
    kube.releases = [OPERATOR]
    [node] = step(account, kube)
    assert node["status"]["allocatable"]["nvidia.com/gpu"] == "1"
    kube.releases = [OPERATOR, PLUGIN]
    [node] = step(account, kube)
    assert "nvidia.com/gpu" not in node["status"]["capacity"], "two plugins fight over the same devices"


def test_taints_of_others_are_left_alone(account: SimulatedCloud, kube: FakeKube) -> None:
    [node] = step(account, kube)
    foreign = {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}
    kube.patch(node, {"spec": {"taints": [foreign, {"key": "stale", "effect": "NoSchedule"}]}})
    [node] = step(account, kube)
    assert node["spec"]["taints"] == [
        {"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"},
        foreign,
    ]


def test_a_terminated_instance_takes_its_node_and_pods_along(account: SimulatedCloud, kube: FakeKube) -> None:
    [node] = step(account, kube)
    kube.add("Pod", "lost", "models", spec={"nodeName": node["metadata"]["name"]})
    kube.add("Pod", "kept", "models", spec={"nodeName": "elsewhere"})
    account.terminate(account.instances()[0].id)
    assert step(account, kube) == []
    assert [pod["metadata"]["name"] for pod in kube.list("v1", "Pod")] == ["kept"]


def test_a_pod_that_was_bound_to_a_node_while_it_went_is_ended_too(account: SimulatedCloud, kube: FakeKube) -> None:
    loop = NodesLoop(account, kube)  # type: ignore[arg-type]
    loop.step()
    [node] = kube.list("v1", "Node")
    account.terminate(account.instances()[0].id)
    loop.step()
    kube.add("Pod", "late", "models", spec={"nodeName": node["metadata"]["name"]})
    loop.step()
    assert kube.list("v1", "Pod") == [], "until the garbage collector came, minutes later, it would be Pending"


def test_a_node_without_an_owner_is_left_alone(account: SimulatedCloud, kube: FakeKube) -> None:
    kube.add("Node", "by-hand", spec={})
    assert len(step(account, kube)) == 2
