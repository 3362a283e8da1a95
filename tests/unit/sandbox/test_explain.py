"""Why a pod does not run, in one line."""

from dataclasses import replace
from typing import Any

import pytest
from support.sandboxes.fake_api_server import FakeApiServer
from support.sandboxes.fake_cloud import FakeCloud

from llmplatform_sandbox.explain import pending, workload_reasons
from llmplatform_sandbox.interfaces import Instance, NodeGroup, NodeTemplate, Release, Taint
from llmplatform_sandbox.kube.releases import new_record, write_revision

GPU = "nvidia.com/gpu"
TEMPLATE = NodeTemplate(
    labels={"eks.amazonaws.com/nodegroup": "gpu-spot", "pool": "gpu"},
    taints=[Taint(key=GPU, value="true", effect="NoSchedule")],
    resources={"cpu": "8", "memory": "32Gi", "pods": "50", GPU: "1"},
)
UNFIT = (
    "0/3 nodes are available: 1 node(s) had untolerated taint {a: b}, 2 Insufficient nvidia.com/gpu. "
    "preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling."
)


@pytest.fixture
def server() -> FakeApiServer:
    return FakeApiServer()


def pod(server: FakeApiServer, message: str = UNFIT, *, gpu: bool = True, **spec: Any) -> None:
    resources = {"limits": {GPU: "1"}} if gpu else {"requests": {"cpu": "1"}}
    spec = {
        "containers": [{"name": "c", "image": "i", "resources": resources}],
        "nodeSelector": {"pool": "gpu"},
        "tolerations": [{"key": GPU, "operator": "Exists"}],
        **spec,
    }
    conditions = [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}]
    status = {"phase": "Pending", "conditions": conditions if message else []}
    server.add("v1", "Pod", "llm", "apps", metadata={"labels": {"app": "llm"}}, spec=spec, status=status)


def pool(cloud: FakeCloud, *, target: int = 0, running: int = 0, maximum: int = 4, autoscaled: bool = True) -> None:
    group = NodeGroup(
        id="eks-gpu-1", name="gpu-spot", minimum=0, maximum=maximum, target=target, zones=["a"], autoscaled=autoscaled
    )
    cloud.groups.append(group)
    cloud.templates[group.id] = TEMPLATE
    # What a machine offers by itself does not name its GPUs: a device plugin does that.
    offered = {name: amount for name, amount in TEMPLATE.resources.items() if name != "nvidia.com/gpu"}
    for number in range(running):
        machine = Instance(
            id=f"i-{number}",
            group=group.id,
            zone="a",
            image="AL2023_x86_64_NVIDIA",
            template=replace(TEMPLATE, resources=offered),
            gpus=1,
        )
        cloud.machines.append(machine)


def release(server: FakeApiServer, chart: str, **values: Any) -> None:
    made = Release(name=chart, namespace="default", chart=chart, version="1", values=values)
    write_revision(server.kube, new_record(made, revision=1, app_version="", status="deployed"), owner="t")


def why(server: FakeApiServer, cloud: FakeCloud | None = None) -> str:
    (line,) = pending(server.kube, [cloud] if cloud else [])
    name, _, reason = line.partition(": ")
    assert name == "apps/llm"
    return reason


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (UNFIT, "no node fits: 1x untolerated taint {a: b}, 2x short of nvidia.com/gpu"),
        ("0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector. no claims, x.",
         "no node fits: 1x other labels than the pod asks for"),
        ("no nodes available to schedule pods", "there are no nodes"),
        ("something new", "something new"),
        ("", "not seen by the scheduler yet"),
    ],
)  # fmt: skip
def test_the_schedulers_sentence_is_shortened(server: FakeApiServer, message: str, reason: str) -> None:
    pod(server, message)
    assert why(server) == reason


def test_a_full_pool_is_named_with_its_bound(server: FakeApiServer) -> None:
    cloud = FakeCloud()
    pool(cloud, target=1, running=1, maximum=1)
    release(server, "gpu-operator")
    pod(server)
    assert why(server, cloud) == "pool gpu-spot is at its maximum of 1 node"


def test_a_shortage_is_said_in_the_clouds_words(server: FakeApiServer) -> None:
    cloud = FakeCloud()
    pool(cloud)
    cloud.short["eks-gpu-1"] = "eks-gpu-1: no spot capacity for g5.2xlarge in eu-west-1a"
    pod(server)
    assert why(server, cloud) == "pool gpu-spot: no spot capacity for g5.2xlarge in eu-west-1a"


def test_a_node_on_its_way_is_said(server: FakeApiServer) -> None:
    cloud = FakeCloud()
    pool(cloud, target=2)
    pod(server)
    assert why(server, cloud) == "pool gpu-spot: 2 more on the way"


def test_a_missing_autoscaler_is_said(server: FakeApiServer) -> None:
    cloud = FakeCloud()
    pool(cloud)
    pod(server)
    assert why(server, cloud) == "pool gpu-spot could grow, but no autoscaler is installed"
    release(server, "cluster-autoscaler")
    assert why(server, cloud) == "pool gpu-spot can grow; waiting for the autoscaler"


def test_a_pool_that_the_autoscaler_may_not_touch_is_said(server: FakeApiServer) -> None:
    cloud = FakeCloud()
    pool(cloud, autoscaled=False)
    pod(server)
    assert why(server, cloud) == "pool gpu-spot is not offered to the autoscaler"


def test_two_device_plugins_are_named(server: FakeApiServer) -> None:
    cloud = FakeCloud()
    pool(cloud, target=1, running=1)
    release(server, "gpu-operator")
    containers = [{"name": "p", "image": "nvcr.io/nvidia/k8s-device-plugin:v0.18.0"}]
    server.add("apps/v1", "DaemonSet", "plugin", "apps", spec={"template": {"spec": {"containers": containers}}})
    pod(server)
    reason = why(server, cloud)
    assert reason.startswith("its nodes offer no GPUs: 2 device plugins: ")
    assert "gpu-operator" in reason
    assert "DaemonSet apps/plugin" in reason


def test_a_pool_that_does_not_suit_is_not_mentioned(server: FakeApiServer) -> None:
    cloud = FakeCloud()
    pool(cloud, target=1, running=1, maximum=1)
    pod(server, tolerations=[])
    assert why(server, cloud).startswith("no node fits: ")


def test_what_the_pod_gate_found_is_passed_on(server: FakeApiServer) -> None:
    startable = {"type": "sandbox.llmplatform.dev/Startable", "status": "False", "message": 'secret "token" not found'}
    spec = {"nodeName": "n", "containers": [{"name": "c", "image": "i"}]}
    server.add("v1", "Pod", "llm", "apps", spec=spec, status={"phase": "Pending", "conditions": [startable]})
    assert why(server) == 'secret "token" not found'


def test_a_node_that_is_not_ready_is_named(server: FakeApiServer) -> None:
    server.add("v1", "Pod", "llm", "apps", spec={"nodeName": "n", "containers": []}, status={"phase": "Pending"})
    ready = {"type": "Ready", "status": "False", "message": "cni plugin not initialized"}
    server.add("v1", "Node", "n", status={"conditions": [ready]})
    assert why(server) == "its node n is not Ready: cni plugin not initialized"


@pytest.mark.parametrize(
    ("storage_class", "addons", "reason"),
    [
        (None, [], "claim data: StorageClass fast not found"),
        ("ebs.csi.aws.com", [],
         "claim data: no one serves ebs.csi.aws.com; install addon aws-ebs-csi-driver or chart aws-ebs-csi-driver"),
        ("ebs.csi.aws.com", ["aws-ebs-csi-driver"],
         "claim data: ebs.csi.aws.com has no access mode ReadWriteMany; use one of ReadWriteOnce, ReadWriteOncePod"),
        ("example.org/x", [], "claim data: nothing in the sandbox plays the provisioner example.org/x"),
    ],
)  # fmt: skip
def test_an_unbound_claim_is_explained(
    server: FakeApiServer, storage_class: str | None, addons: list[str], reason: str
) -> None:
    if storage_class:
        server.add("storage.k8s.io/v1", "StorageClass", "fast", provisioner=storage_class)
    spec = {"storageClassName": "fast", "accessModes": ["ReadWriteMany"]}
    server.add("v1", "PersistentVolumeClaim", "data", "apps", spec=spec)
    pod(server, "pod has unbound immediate PersistentVolumeClaims", gpu=False,
        volumes=[{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}])  # fmt: skip
    assert why(server, FakeCloud(*addons)) == reason


def test_a_deployment_whose_pods_are_refused_is_a_line_of_its_own(server: FakeApiServer) -> None:
    failure = {"type": "ReplicaFailure", "status": "True", "message": 'pods "llm-1" is forbidden: exceeded quota: gpus'}
    server.add("apps/v1", "Deployment", "llm", "apps", spec={}, status={"conditions": [failure]})
    assert why(server) == 'its pods are refused: pods "llm-1" is forbidden: exceeded quota: gpus'


def test_the_reasons_of_one_workload_leave_others_out(server: FakeApiServer) -> None:
    pod(server)
    for name, count in (("llm", 1), ("other", 0)):
        workload = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": "apps"}}
        selected = {**workload, "spec": {"selector": {"matchLabels": {"app": name}}}}
        assert len(workload_reasons(server.kube, selected)) == count


def test_nothing_pending_nothing_said(server: FakeApiServer) -> None:
    server.add("v1", "Pod", "llm", "apps", spec={}, status={"phase": "Running"})
    assert pending(server.kube) == []
