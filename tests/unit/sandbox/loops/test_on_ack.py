"""The loops on the simulated ACK: who owns GPUs there, what its managed controllers answer."""

from pathlib import Path
from typing import Any

import pytest
from support.sandboxes.alicloud_account import CLUSTER, MOUNT
from support.sandboxes.clouds import ALICLOUD
from support.sandboxes.fake_api_server import FakeApiServer

from llmplatform_sandbox.cloud import SimulatedCloud
from llmplatform_sandbox.interfaces import Release
from llmplatform_sandbox.loops.controllers import ControllersLoop
from llmplatform_sandbox.loops.gpus import gpu_fault

ADDRESS_TYPE = "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-address-type"


@pytest.fixture
def account(tmp_path: Path) -> SimulatedCloud:
    return ALICLOUD.open(tmp_path)


@pytest.fixture
def server() -> FakeApiServer:
    server = FakeApiServer()
    server.add("v1", "Node", "n1", metadata={"labels": {"topology.kubernetes.io/zone": "cn-hangzhou-i"}})
    return server


def release(chart: str, **values: Any) -> Release:
    return Release(name=chart, namespace="gpu", chart=chart, version="1", values=values)


@pytest.mark.parametrize("image", ["AliyunLinux3", "AliyunLinux3ContainerOptimized", "ContainerOS", "Ubuntu"])
def test_ack_brings_driver_and_device_plugin_on_every_image(image: str) -> None:
    assert gpu_fault([], [], image) == ""


@pytest.mark.parametrize("chart", ["gpu-operator", "nvidia-device-plugin"])
def test_a_second_device_plugin_beside_acks_takes_the_gpus_away(chart: str) -> None:
    assert "2 device plugins" in gpu_fault([release(chart)], [], "AliyunLinux3")


def test_an_operator_without_plugin_is_no_second_owner() -> None:
    assert gpu_fault([release("gpu-operator", devicePlugin={"enabled": False})], [], "AliyunLinux3") == ""


def claim(server: FakeApiServer, driver: str, size: str, access: str = "ReadWriteOnce", /, **parameters: str) -> None:
    server.add(
        "storage.k8s.io/v1",
        "StorageClass",
        "fast",
        provisioner=f"{driver}.csi.alibabacloud.com",
        volumeBindingMode="WaitForFirstConsumer" if driver == "diskplugin" else "Immediate",
        parameters=parameters,
    )
    spec = {"storageClassName": "fast", "accessModes": [access], "resources": {"requests": {"storage": size}}}
    chosen = {"volume.kubernetes.io/selected-node": "n1"}
    server.add("v1", "PersistentVolumeClaim", "data", "apps", metadata={"annotations": chosen}, spec=spec)


def volumes(server: FakeApiServer) -> list[dict[str, Any]]:
    return [obj for key, obj in server.objects.items() if key[1] == "persistentvolumes"]


def step(server: FakeApiServer, account: SimulatedCloud) -> None:
    ControllersLoop(server.kube, [account]).step()


@pytest.mark.parametrize(
    ("size", "parameters", "served"),
    [("20Gi", {}, True), ("5Gi", {}, False), ("5Gi", {"volumeSizeAutoAvailable": "true"}, True)],
)
def test_a_disk_has_twenty_gibibytes_at_least(
    account: SimulatedCloud, server: FakeApiServer, size: str, parameters: dict[str, str], served: bool
) -> None:
    ALICLOUD.whole(account, "alicloud:cs/kubernetesAddon:KubernetesAddon")
    claim(server, "diskplugin", size, **parameters)
    step(server, account)
    assert bool(volumes(server)) is served
    disks = [one for one in account.objects() if one.type == "volume"]
    assert [one.detail["zone"] for one in disks] == (["cn-hangzhou-i"] if served else [])


def test_without_the_provisioner_a_claim_stays_pending(account: SimulatedCloud, server: FakeApiServer) -> None:
    ALICLOUD.whole(account, CLUSTER)
    claim(server, "diskplugin", "20Gi")
    step(server, account)
    assert volumes(server) == []


def test_a_shared_volume_needs_a_mount_target_of_the_account(account: SimulatedCloud, server: FakeApiServer) -> None:
    made = ALICLOUD.whole(account, MOUNT)
    domain = made[MOUNT].outputs["mountTargetDomain"]
    claim(server, "nasplugin", "1Gi", "ReadWriteMany", server="nowhere.nas.aliyuncs.com:/volumes")
    step(server, account)
    assert volumes(server) == []
    claim(server, "nasplugin", "1Gi", "ReadWriteMany", server=f"{domain}:/volumes")
    step(server, account)
    assert volumes(server)[0]["spec"]["csi"]["driver"] == "nasplugin.csi.alibabacloud.com"


@pytest.mark.parametrize(("annotations", "address"), [({}, "203.0.113."), ({ADDRESS_TYPE: "intranet"}, "10.0.")])
def test_a_service_gets_an_address_where_it_asked_for_one(
    account: SimulatedCloud, server: FakeApiServer, annotations: dict[str, str], address: str
) -> None:
    ALICLOUD.whole(account, CLUSTER)
    spec = {"type": "LoadBalancer"}
    live = server.add("v1", "Service", "gw", "apps", metadata={"annotations": annotations}, spec=spec, status={})
    before = len(account.objects())
    step(server, account)
    step(server, account)
    assert live["status"]["loadBalancer"]["ingress"][0]["ip"].startswith(address)
    assert live["metadata"]["finalizers"] == ["service.k8s.alibaba/resources"]
    server.kube.delete({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "gw", "namespace": "apps"}})
    step(server, account)
    assert server.one("v1", "Service", "gw", "apps") is None
    assert len(account.objects()) == before
