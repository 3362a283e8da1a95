"""Played controllers: volumes and load balancers."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml
from support.sandboxes.controller_rounds import release, step
from support.sandboxes.fake_api_server import FakeApiServer
from support.sandboxes.fake_cloud import FakeCloud

from llmplatform_sandbox.kube.definitions import Definition
from llmplatform_sandbox.loops import controllers

EBS = "aws-ebs-csi-driver"
ZONE = "topology.kubernetes.io/zone"


@pytest.fixture
def server() -> FakeApiServer:
    server = FakeApiServer()
    server.add("v1", "Node", "n1", metadata={"labels": {ZONE: "eu-west-1b"}})
    return server


def claim(
    server: FakeApiServer,
    *,
    mode: str = "WaitForFirstConsumer",
    node: str = "",
    provisioner: str = "ebs.csi.aws.com",
    access: str = "ReadWriteOnce",
    **storage_class: Any,
) -> None:
    server.add(
        "storage.k8s.io/v1", "StorageClass", "fast", provisioner=provisioner, volumeBindingMode=mode, **storage_class
    )
    annotations = {"volume.kubernetes.io/selected-node": node} if node else {}
    spec = {"storageClassName": "fast", "accessModes": [access], "resources": {"requests": {"storage": "5Gi"}}}
    server.add("v1", "PersistentVolumeClaim", "data", "apps", metadata={"annotations": annotations}, spec=spec)


def volumes(server: FakeApiServer) -> list[dict[str, Any]]:
    return [obj for key, obj in server.objects.items() if key[1] == "persistentvolumes"]


def test_a_claim_gets_a_disk_in_the_zone_of_its_pod(server: FakeApiServer) -> None:
    cloud = FakeCloud(EBS)
    claim(server, node="n1", reclaimPolicy="Delete")
    step(server, cloud)
    step(server, cloud)
    (volume,) = volumes(server)
    (disk,) = cloud.made("volume")
    assert disk.detail["zone"] == "eu-west-1b"
    assert disk.made_by.startswith("kubernetes/ebs.csi.aws.com apps/data")
    assert volume["spec"]["csi"]["volumeHandle"] == disk.id
    assert volume["spec"]["claimRef"]["name"] == "data", "the controller-manager binds by this reference"
    term = volume["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"][0]["matchExpressions"][0]
    assert (term["key"], term["values"]) == (ZONE, ["eu-west-1b"])


def test_the_controller_of_snapshots_brings_their_kinds(server: FakeApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    brought: dict[str, str] = {}

    def install(_kube: object, definitions: Sequence[Definition], *, upgrade: bool) -> None:
        assert not upgrade
        brought.update({one.name: yaml.safe_load(one.text)["spec"]["scope"] for one in definitions})

    monkeypatch.setattr(controllers, "install", install)
    step(server, FakeCloud(EBS))
    assert brought == {}, "the driver alone brings none"
    step(server, FakeCloud(EBS, "snapshot-controller"))
    # kubernetes-csi/external-snapshotter v8.6.0, client/config/crd: names and scopes.
    assert brought == {
        "volumesnapshotclasses.snapshot.storage.k8s.io": "Cluster",
        "volumesnapshotcontents.snapshot.storage.k8s.io": "Cluster",
        "volumesnapshots.snapshot.storage.k8s.io": "Namespaced",
    }


def test_a_claim_that_waits_for_a_pod_gets_nothing_before(server: FakeApiServer) -> None:
    cloud = FakeCloud(EBS)
    claim(server)
    step(server, cloud)
    assert (volumes(server), cloud.made("volume")) == ([], [])


def test_without_its_driver_a_claim_stays_pending(server: FakeApiServer) -> None:
    cloud = FakeCloud()
    claim(server, node="n1")
    step(server, cloud)
    assert cloud.made("volume") == []


def test_the_driver_may_come_from_a_chart_as_well(server: FakeApiServer) -> None:
    cloud = FakeCloud()
    release(server, EBS)
    claim(server, mode="Immediate")
    step(server, cloud)
    assert len(cloud.made("volume")) == 1


def test_a_round_that_was_killed_half_way_makes_no_second_disk(server: FakeApiServer) -> None:
    cloud = FakeCloud(EBS)
    claim(server, node="n1")
    step(server, cloud)
    server.objects.pop(next(key for key in server.objects if key[1] == "persistentvolumes"))
    step(server, cloud)
    assert len(cloud.made("volume")) == 1
    assert volumes(server)[0]["spec"]["csi"]["volumeHandle"] == cloud.made("volume")[0].id


@pytest.mark.parametrize(("policy", "left"), [("Delete", 0), ("Retain", 1)])
def test_a_released_volume_is_freed_as_its_policy_says(server: FakeApiServer, policy: str, left: int) -> None:
    cloud = FakeCloud(EBS)
    claim(server, node="n1", reclaimPolicy=policy)
    step(server, cloud)
    volumes(server)[0]["status"] = {"phase": "Released"}
    del server.objects[("v1", "persistentvolumeclaims", "apps", "data")]
    step(server, cloud)
    assert len(cloud.made("volume")) == left
    assert len(volumes(server)) == left


def test_a_slow_driver_frees_a_volume_a_while_after_its_release(server: FakeApiServer) -> None:
    cloud = FakeCloud(EBS)
    claim(server, node="n1", reclaimPolicy="Delete")
    step(server, cloud)
    cloud.struck = [("slow-volumes", "ebs.csi.aws.com")]
    now = datetime.now(UTC)
    for age, left in ((1, 1), (60, 0)):
        since = (now - timedelta(seconds=age)).isoformat()
        volumes(server)[0]["status"] = {"phase": "Released", "lastPhaseTransitionTime": since}
        step(server, cloud)
        assert len(cloud.made("volume")) == left


EFS, ADDON = "aws-efs-csi-driver", "aws:eks/addon:Addon"


@pytest.mark.parametrize(("configuration", "left"), [("", 1), ('{"controller":{"deleteAccessPointRootDir":true}}', 0)])
def test_weights_of_a_deleted_claim_stay_on_the_file_system_unless_the_driver_is_told(
    server: FakeApiServer, configuration: str, left: int
) -> None:
    cloud = FakeCloud(EFS)
    cloud.put("aws:efs/fileSystem:FileSystem", "fs-1")
    cloud.put(ADDON, "dev:efs", addonName=EFS, configurationValues=configuration)
    parameters = {"fileSystemId": "fs-1"}
    claim(server, mode="Immediate", provisioner="efs.csi.aws.com", access="ReadWriteMany", parameters=parameters)
    step(server, cloud)
    [directory] = cloud.made("efs-directory")
    assert directory.detail["fileSystemId"] == "fs-1"
    volumes(server)[0]["spec"]["persistentVolumeReclaimPolicy"] = "Delete"
    volumes(server)[0]["status"] = {"phase": "Released"}
    del server.objects[("v1", "persistentvolumeclaims", "apps", "data")]
    step(server, cloud)
    assert volumes(server) == []
    assert len(cloud.made("efs-directory")) == left


def test_a_volume_released_after_its_driver_has_gone_stays_as_an_orphan(server: FakeApiServer) -> None:
    cloud = FakeCloud(EBS)
    claim(server, node="n1")
    step(server, cloud)
    volumes(server)[0]["status"] = {"phase": "Released"}
    cloud.addons.clear()
    step(server, cloud)
    assert len(cloud.made("volume")) == 1, "removing the driver first is what leaks disks in a real account"


def test_an_access_mode_that_the_disk_does_not_have_is_not_served(server: FakeApiServer) -> None:
    cloud = FakeCloud(EBS)
    claim(server, node="n1", access="ReadWriteMany")
    step(server, cloud)
    assert cloud.made("volume") == []


def test_a_shared_volume_needs_a_file_system_of_the_account(server: FakeApiServer) -> None:
    cloud = FakeCloud("aws-efs-csi-driver")
    claim(
        server,
        mode="Immediate",
        provisioner="efs.csi.aws.com",
        access="ReadWriteMany",
        parameters={"fileSystemId": "fs-1"},
    )
    step(server, cloud)
    assert volumes(server) == []
    cloud.put("aws:efs/fileSystem:FileSystem", "fs-1")
    step(server, cloud)
    assert volumes(server)[0]["spec"]["csi"]["driver"] == "efs.csi.aws.com"
    assert "nodeAffinity" not in volumes(server)[0]["spec"]


def test_object_storage_takes_no_class_that_would_delete_its_volumes(server: FakeApiServer) -> None:
    """alibaba-cloud-csi-driver, pkg/oss/controllerserver.go, CreateVolume: "ReclaimPolicy must be Retain"."""
    cloud = FakeCloud("managed-csiprovisioner")
    cloud.name = "alicloud"
    cloud.put("alicloud:oss/bucket:Bucket", "models")
    oss = {"provisioner": "ossplugin.csi.alibabacloud.com", "mode": "Immediate", "parameters": {"bucket": "models"}}
    claim(server, access="ReadWriteMany", reclaimPolicy="Delete", **oss)
    step(server, cloud)
    assert volumes(server) == []
    server.add(
        "storage.k8s.io/v1", "StorageClass", "fast", provisioner=oss["provisioner"], volumeBindingMode="Immediate",
        parameters=oss["parameters"], reclaimPolicy="Retain",
    )  # fmt: skip
    step(server, cloud)
    assert len(volumes(server)) == 1


def test_a_volume_grows_where_its_class_allows_it(server: FakeApiServer) -> None:
    cloud = FakeCloud(EBS)
    claim(server, node="n1", allowVolumeExpansion=True)
    step(server, cloud)
    data = server.one("v1", "PersistentVolumeClaim", "data", "apps")
    assert data is not None
    data["spec"] |= {
        "volumeName": volumes(server)[0]["metadata"]["name"],
        "resources": {"requests": {"storage": "9Gi"}},
    }
    data["status"] = {"capacity": {"storage": "5Gi"}}
    step(server, cloud)
    assert data["status"]["capacity"] == {"storage": "9Gi"}
    assert volumes(server)[0]["spec"]["capacity"] == {"storage": "9Gi"}


# Load balancers


def service(server: FakeApiServer, annotations: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    metadata = {"annotations": annotations or {}}
    return server.add(
        "v1", "Service", "gw", "apps", metadata=metadata, spec={"type": "LoadBalancer", **spec}, status={}
    )


def test_a_service_gets_a_load_balancer_with_a_subnet_per_zone(server: FakeApiServer) -> None:
    cloud = FakeCloud()
    live = service(server)
    step(server, cloud)
    step(server, cloud)
    (balancer,) = cloud.made("load-balancer")
    assert balancer.detail["subnetIds"] == ["subnet-a", "subnet-b"]
    assert live["status"]["loadBalancer"]["ingress"] == [{"hostname": balancer.detail["dnsName"]}]
    assert live["metadata"]["finalizers"] == ["service.kubernetes.io/load-balancer-cleanup"]


def test_a_deleted_service_frees_its_load_balancer_and_goes(server: FakeApiServer) -> None:
    cloud = FakeCloud()
    service(server)
    step(server, cloud)
    server.kube.delete({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "gw", "namespace": "apps"}})
    assert server.one("v1", "Service", "gw", "apps"), "the finalizer holds it until the load balancer is gone"
    step(server, cloud)
    assert server.one("v1", "Service", "gw", "apps") is None
    assert cloud.made("load-balancer") == []


def test_a_service_that_becomes_internal_to_the_cluster_gives_its_load_balancer_back(server: FakeApiServer) -> None:
    cloud = FakeCloud()
    live = service(server)
    step(server, cloud)
    live["spec"]["type"] = "ClusterIP"
    step(server, cloud)
    assert cloud.made("load-balancer") == []
    assert live["metadata"]["finalizers"] == []
    assert not live["status"]["loadBalancer"].get("ingress")


@pytest.mark.parametrize(
    ("annotations", "spec", "chart", "subnets"),
    [
        ({"service.beta.kubernetes.io/aws-load-balancer-internal": "true"}, {}, False, ["subnet-private"]),
        ({"service.beta.kubernetes.io/aws-load-balancer-type": "external"}, {}, False, None),
        ({}, {"loadBalancerClass": "service.k8s.aws/nlb"}, False, None),
        ({}, {"loadBalancerClass": "service.k8s.aws/nlb"}, True, ["subnet-private"]),
        ({"service.beta.kubernetes.io/aws-load-balancer-scheme": "internet-facing"}, {}, True,
         ["subnet-a", "subnet-b"]),
        ({}, {"type": "ClusterIP"}, True, None),
    ],
)  # fmt: skip
def test_the_controller_that_is_there_and_responsible_answers(
    server: FakeApiServer, annotations: dict[str, str], spec: dict[str, Any], chart: bool, subnets: list[str] | None
) -> None:
    cloud = FakeCloud()
    if chart:
        release(server, "aws-load-balancer-controller")
    service(server, annotations, **spec)
    step(server, cloud)
    assert [one.detail["subnetIds"] for one in cloud.made("load-balancer")] == ([subnets] if subnets else [])
