"""DaemonSets of managed add-ons on tainted nodes, and what a node says of itself without them.

Source of the rows: aws/eks-node-monitoring-agent v1.7.0; aws/containers-roadmap#2567, DCGMError on tainted GPU nodes.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from support.sandboxes.cloud_account import SCOPE, cloud, make, whole_account
from support.sandboxes.fake_kube import FakeKube

from llmplatform_sandbox.cloud import SimulatedCloud
from llmplatform_sandbox.cloud.aws.node_health import ADDON, daemonsets
from llmplatform_sandbox.interfaces import Instance, NodeCondition, NodeTemplate
from llmplatform_sandbox.loops.nodes import NodesLoop

AGENT = "eks-node-monitoring-agent"
GPU_TOLERATION = {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}


@pytest.fixture
def account(tmp_path: Path) -> SimulatedCloud:
    """A GPU group whose nodes have the taint nvidia.com/gpu=present:NoSchedule."""
    account = cloud(tmp_path)
    whole_account(account, "aws:eks/nodeGroup:NodeGroup")
    return account


def install(account: SimulatedCloud, **values: Any) -> None:
    configured = {"configurationValues": json.dumps(values)} if values else {}
    make(account, ADDON, AGENT, clusterName="dev", addonName=AGENT, **configured)


def said(account: SimulatedCloud) -> list[tuple[str, bool, str]]:
    [instance] = account.instances()
    return [(one.type, one.healthy, one.reason) for one in instance.conditions]


def test_on_a_tainted_gpu_node_nothing_watches_the_gpus_and_the_node_says_that_they_are_broken(
    account: SimulatedCloud,
) -> None:
    install(account)
    assert said(account) == [("AcceleratedHardwareReady", False, "DCGMError")]
    [remark] = account.remarks()
    assert "dcgm-server does not tolerate nvidia.com/gpu" in remark


@pytest.mark.parametrize(
    "toleration", [GPU_TOLERATION, {"operator": "Exists"}, {"key": "nvidia.com/gpu", "value": "present"}]
)
def test_with_a_toleration_in_the_add_ons_configuration_they_are_fine(
    account: SimulatedCloud, toleration: dict[str, str]
) -> None:
    install(account, dcgmAgent={"tolerations": [toleration]})
    assert [healthy for _, healthy, _ in said(account)] == [True]
    assert account.remarks() == []


def test_another_toleration_does_not_help(account: SimulatedCloud) -> None:
    install(account, dcgmAgent={"tolerations": [{**GPU_TOLERATION, "effect": "NoExecute"}]})
    assert [healthy for _, healthy, _ in said(account)] == [False]


def test_without_the_add_on_and_without_the_taint_nothing_is_said(account: SimulatedCloud) -> None:
    assert said(account) == []
    [record] = account.account.store.all("aws:eks/nodeGroup:NodeGroup")
    account.account.update(record.type, record.id, {**record.inputs, "taints": []}, SCOPE)
    install(account)
    assert [healthy for _, healthy, _ in said(account)] == [True]


def test_every_row_says_where_it_was_read() -> None:
    assert [one.name for one in daemonsets() if not one.cites] == []


def test_no_two_want_the_same_port_of_a_node() -> None:
    ports = [port for one in daemonsets() for port in one.host_ports]
    assert len(ports) == len(set(ports))


class OneMachine:
    """As much of a cloud as the loop asks for."""

    def __init__(self) -> None:
        self.broken = True

    def instances(self) -> list[Instance]:
        found = NodeCondition(type="AcceleratedHardwareReady", healthy=not self.broken, reason="DCGMError", message="")
        template = NodeTemplate(labels={}, taints=[], resources={"cpu": "1"})
        return [Instance(id="i", group="g", zone="z", image="i", node="n", template=template, conditions=(found,))]

    def networked(self) -> bool:
        return True

    def owns(self, provider_id: str) -> bool:
        return True


def test_the_nodes_condition_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    kube, machine = FakeKube(), OneMachine()
    loop = NodesLoop(machine, kube)  # pyright: ignore[reportArgumentType]
    loop.step()
    statuses: list[list[tuple[str, str]]] = []
    for machine.broken in (True, False):
        loop.step()
        [node] = kube.list("v1", "Node")
        found = {one["type"]: one["status"] for one in node["status"]["conditions"]}
        statuses.append([("AcceleratedHardwareReady", found["AcceleratedHardwareReady"])])
    assert statuses == [[("AcceleratedHardwareReady", "False")], [("AcceleratedHardwareReady", "True")]]
