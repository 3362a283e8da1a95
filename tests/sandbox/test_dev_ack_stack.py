"""The platform's stack on ACK: spot nodes by ACK's own autoscaler, a stock-out, a zone that goes away, nothing left."""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.pace import eventually
from support.program import ROOT
from support.sandboxes.command_line import llmplatform

from llmplatform_sandbox.cloud import NoControlPlane, open_cloud
from llmplatform_sandbox.kube.client import Kube
from llmplatform_sandbox.lifecycle import Sandbox
from llmplatform_sandbox.paths import SandboxPaths, sandbox_paths
from llmplatform_sandbox.progress import silent

pytestmark = pytest.mark.sandbox

STACK, NAMESPACE, MODEL = "dev-ack", "models", "qwen3-8b"
HOME_ZONE = "cn-hangzhou-j"
GPU_TYPE, SPOT, ON_DEMAND = "ecs.gn7i-c16g1.4xlarge", "SpotAsPriceGo", "NoSpot"
GONE = "a group that is gone would make ACK refuse, or forget, the rest"
SECOND_POOL = """\
    batch:
      instance_types: [ecs.gn6i-c4g1.xlarge]
      capacity: spot_first
      max: 2
"""


@dataclass
class Platform:
    """A copy of the project, and its ACK stack in the sandbox."""

    folder: Path

    @property
    def paths(self) -> SandboxPaths:
        return sandbox_paths(self.folder, STACK)

    def run(self, *arguments: str) -> str:
        return llmplatform(*arguments, "--project", str(self.folder)).stdout

    def up(self) -> dict[str, Any]:
        return json.loads(self.run("sandbox", "up", STACK, "--json"))

    def status(self) -> dict[str, Any]:
        return json.loads(self.run("sandbox", "status", STACK, "--json"))

    def fault(self, *arguments: str) -> None:
        self.run("sandbox", "fault", *arguments, "--stack", STACK)

    def gpu_nodes(self) -> list[dict[str, Any]]:
        return [node for node in self.status()["nodes"] if node["instance_type"] == GPU_TYPE]

    def bought(self) -> list[str]:
        return sorted(node["capacity"] for node in self.gpu_nodes())

    def zones(self) -> set[str]:
        """Zones of the nodes that run the model."""
        where = {node["name"]: node["zone"] for node in self.status()["nodes"]}
        return {where.get(pod["spec"].get("nodeName", ""), "") for pod in self.pods()}

    @contextmanager
    def kube(self) -> Iterator[Kube]:
        client = Kube(Sandbox(self.folder, STACK, silent).control_plane().access())
        try:
            yield client
        finally:
            client.close()

    def told(self) -> tuple[list[str], dict[str, str]]:
        """Ids that the autoscaler's configuration names, the first to be filled first; and the groups that exist."""
        account = open_cloud("alicloud", self.paths.clouds / "alicloud", NoControlPlane(("1.35",)))
        scaler = account.autoscaler()
        assert scaler is not None
        named = [group for number in sorted(scaler.priorities, reverse=True) for group in scaler.priorities[number]]
        return named, {group.id: group.name for group in account.node_groups()}

    def groups(self) -> set[str]:
        return set(self.told()[1])

    def told_throughout(self, work: Callable[[], Any]) -> list[tuple[list[str], dict[str, str]]]:
        """What the autoscaler is told again and again while `work` goes on."""
        seen: list[tuple[list[str], dict[str, str]]] = []
        with ThreadPoolExecutor(1) as pool:
            doing = pool.submit(work)
            while not doing.done():
                seen.append(self.told())
                time.sleep(0.05)
        doing.result()
        return seen

    def pods(self) -> list[dict[str, Any]]:
        """Of the model's servers: the Job that fetched its weights is done."""
        with self.kube() as kube:
            return list(kube.list("v1", "Pod", NAMESPACE, labelSelector="app.kubernetes.io/name=model-server"))

    def scale(self, replicas: int) -> None:
        with self.kube() as kube:
            deployment = kube.get("apps/v1", "Deployment", MODEL, NAMESPACE)
            assert deployment is not None
            kube.patch(deployment, {"spec": {"replicas": replicas}})

    def serves(self) -> int:
        """Endpoints of the model's Service that are ready."""
        with self.kube() as kube:
            slices = kube.list("discovery.k8s.io/v1", "EndpointSlice", NAMESPACE)
        endpoints = [one for each in slices for one in each.get("endpoints") or []]
        return sum(1 for one in endpoints if one.get("conditions", {}).get("ready"))

    def running(self, replicas: int) -> bool:
        return [pod["status"]["phase"] for pod in self.pods()] == ["Running"] * replicas


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    folder = tmp_path_factory.mktemp("ack")
    for name in ("Pulumi.yaml", f"Pulumi.{STACK}.yaml"):
        shutil.copy(ROOT / name, folder)
    shutil.copytree(ROOT / "infra", folder / "infra", ignore=shutil.ignore_patterns("__pycache__"))
    platform = Platform(folder)
    try:
        yield platform
    finally:
        if platform.paths.exists():
            platform.run("sandbox", "down", STACK, "--force")


def test_one_command_brings_the_model_up_on_spot_nodes_that_the_autoscaler_made(platform: Platform) -> None:
    found = platform.up()
    assert found["pending"] == []
    assert SPOT in platform.bought(), "made by the autoscaling loop: the spot pool began at 0"
    with platform.kube() as kube:
        deployment = kube.get("apps/v1", "Deployment", MODEL, NAMESPACE)
    assert deployment is not None
    conditions = {each["type"]: each["status"] for each in deployment["status"]["conditions"]}
    assert conditions["Available"] == "True"
    assert {node["gpus"] for node in platform.gpu_nodes()} == {1}, "ACK owns the device plugin"
    assert found["remarks"] == [], "nothing was accepted and then done otherwise"


def test_a_second_run_changes_nothing(platform: Platform) -> None:
    changes = platform.up()["changes"]
    assert set(changes) == {"same"}, changes


def test_only_the_cloud_that_the_program_uses_is_there(platform: Platform) -> None:
    assert [folder.name for folder in platform.paths.clouds.iterdir()] == ["alicloud"]


def test_the_autoscaler_fills_spot_groups_first(platform: Platform) -> None:
    named, names = platform.told()
    assert set(named) <= set(names), GONE
    assert "spot" in names[named[0]]


def test_the_autoscaler_is_never_told_of_a_pool_that_is_gone(platform: Platform) -> None:
    stack_file = platform.folder / f"Pulumi.{STACK}.yaml"
    text, before = stack_file.read_text(), platform.groups()
    stack_file.write_text(text.replace("  llmplatform:models:\n", SECOND_POOL + "  llmplatform:models:\n"))
    seen = platform.told_throughout(platform.up)
    added = platform.groups() - before
    assert len(added) == 2, "one spot group and one on-demand group"
    assert added <= set(platform.told()[0]), "a group that is not named is never filled"
    stack_file.write_text(text)
    seen += platform.told_throughout(platform.up)
    assert platform.groups() == before
    wrong = [set(named) - set(names) for named, names in seen if not set(named) <= set(names)]
    assert wrong == [], GONE
    assert any(added <= set(named) for named, _ in seen), "looked at while both were there"


def test_without_spot_machines_the_next_pod_lands_on_demand_and_afterwards_on_spot_again(platform: Platform) -> None:
    before = platform.bought()
    platform.fault("spot-stockout", GPU_TYPE)
    platform.scale(4)
    eventually(lambda: platform.bought() == sorted([*before, ON_DEMAND]), "the on-demand pool takes its place")
    eventually(lambda: platform.running(4), "the fourth pod runs")
    assert "OperationDenied.NoStock" in str(platform.status()["shortages"])
    platform.fault("spot-stockout", GPU_TYPE, "--clear")
    platform.scale(5)
    eventually(lambda: platform.bought() == sorted([*before, ON_DEMAND, SPOT]), "with spot back, spot is filled first")
    eventually(lambda: platform.running(5), "the fifth pod runs")
    platform.scale(3)
    eventually(lambda: platform.running(3), "three are left")


def test_the_standby_zone_goes_away_and_the_service_answers_throughout(platform: Platform) -> None:
    zones = platform.zones()
    assert len(zones) == 2, "replicas are spread over the zones to begin with"
    # Not the home zone: the weights lie there, and a server that starts elsewhere would wait for them.
    (lost,) = zones - {HOME_ZONE}
    platform.fault("zone-outage", lost)
    sampled: list[int] = []

    def moved() -> bool:
        sampled.append(platform.serves())
        return platform.running(3) and lost not in platform.zones()

    eventually(moved, "the pods of the lost zone run in the other", every=1)
    sampled.append(platform.serves())
    assert min(sampled) >= 1, f"ready endpoints, each second: {sampled}"
    assert {node["zone"] for node in platform.status()["nodes"]} == zones - {lost}
    platform.fault("zone-outage", lost, "--clear")


def test_up_and_down_leave_nothing(platform: Platform) -> None:
    platform.up()
    assert "everything is gone" in platform.run("sandbox", "down", STACK)
