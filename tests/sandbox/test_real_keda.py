"""The real KEDA and a real Prometheus beside the dev stack: a model's servers follow replayed series, and nodes follow.

Pod and node are simulated; the HorizontalPodAutoscaler is the control plane's own controller.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from support.sandboxes.replayed import Load, exported, prometheus
from support.sandboxes.sandboxed import NAMESPACE, Platform, changed, platform_of

from llmplatform_sandbox.controllers.table import CONTROLLERS
from llmplatform_sandbox.paths import cache_folder

(KEDA,) = (each.tool for each in CONTROLLERS if each.chart == "keda")
pytestmark = [
    pytest.mark.sandbox,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(
        not (cache_folder() / KEDA.folder_name).exists(),
        reason="KEDA has 2,600 packages: `llmplatform sandbox tools --controllers keda` builds it once",
    ),
]

MODEL, GPU_TYPE = "qwen3-8b", "g5.2xlarge"
SCALING: dict[str, Any] = {
    "requests": 10,
    "kv_cache": 0.8,
    "max_replicas": 5,
    # The same rules as by default, in less time.
    "scale_down": {"window_seconds": 15, "percent_per_minute": 50},
}


@dataclass
class Scene:
    """A platform with KEDA, and the load of its model."""

    platform: Platform
    load: Load
    began: float = field(default_factory=time.monotonic)

    def replicas(self) -> int:
        return int(self.platform.deployment(MODEL)["spec"]["replicas"])

    def kinds(self) -> list[str]:
        nodes = self.platform.sandbox.snapshot().nodes
        return sorted(node.capacity for node in nodes if node.instance_type == GPU_TYPE)

    def say(self, what: str, should: str) -> None:
        passed = time.monotonic() - self.began
        print(f"{passed:6.0f} s  {self.replicas()} servers, nodes {self.kinds()}  {what}: should be {should}")

    def until(self, replicas: int, what: str, *, within: float = 240.0) -> None:
        """Wait for a number of servers, each on a node of its own."""
        deadline, seen = time.monotonic() + within, -1
        while True:
            now = self.replicas()
            self.load.servers = max(1, now)
            if now != seen:
                self.say(what, str(replicas))
                seen = now
            ready = int(self.platform.deployment(MODEL)["status"].get("readyReplicas", 0))
            if now == ready == replicas:
                return
            assert time.monotonic() < deadline, f"{what}: {now} servers, {ready} ready, and not {replicas}"
            time.sleep(1)

    def stays(self, replicas: int, seconds: float, what: str) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            assert self.replicas() == replicas, what
            time.sleep(1)
        self.say(what, str(replicas))


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    load = Load(MODEL, NAMESPACE)
    folder = tmp_path_factory.mktemp("prometheus")
    with exported(load) as port, prometheus(folder, port) as address, pytest.MonkeyPatch.context() as patch:
        patch.setenv("LLMPLATFORM_SANDBOX_PROMETHEUS", address)
        for platform in platform_of("dev", tmp_path_factory.mktemp("platform")):
            platform.edit(lambda config: config["models"][MODEL].update(scaling=SCALING))
            platform.sandbox.up(controllers=["keda"])
            yield Scene(platform, load)


def test_servers_and_nodes_follow_the_load(scene: Scene) -> None:
    scene.load.requests = 5
    scene.until(1, "5 requests for servers of 10")
    scene.load.requests = 15
    scene.until(2, "15 requests")
    assert scene.kinds() == ["SPOT", "SPOT"]


def test_without_spot_machines_further_nodes_are_bought_on_demand(scene: Scene) -> None:
    scene.platform.sandbox.fault("spot-stockout", GPU_TYPE, active=True)
    scene.load.requests = 45
    scene.until(5, "45 requests, and no spot machine")
    assert scene.kinds() == ["ON_DEMAND"] * 3 + ["SPOT"] * 2
    scene.platform.sandbox.fault("spot-stockout", GPU_TYPE, active=False)


def test_a_ceiling_holds_whatever_the_load(scene: Scene) -> None:
    scene.load.requests = 500
    scene.stays(5, 40, "500 requests at the ceiling")


def test_another_setting_does_not_reset_the_number(scene: Scene) -> None:
    scene.platform.edit(lambda config: config["models"][MODEL].update(context_length=8192))
    assert f"{MODEL}-deployment" in changed(scene.platform.up())
    assert scene.replicas() == 5, "the program would begin with one again"
    assert changed(scene.platform.up()) == {}


def test_metrics_that_vanish_remove_no_server(scene: Scene) -> None:
    scene.load.requests = None
    scene.stays(5, 100, "no metrics")
    with scene.platform.kube() as kube:
        found = kube.get("keda.sh/v1alpha1", "ScaledObject", MODEL, NAMESPACE)
    assert found is not None
    conditions = {each["type"]: each["status"] for each in found["status"]["conditions"]}
    assert conditions["Fallback"] == "True", "it stays because of the fallback, not by chance"


def test_a_full_cache_keeps_servers_that_requests_do_not_need(scene: Scene) -> None:
    scene.load.requests, scene.load.cache = 5, 0.7
    scene.stays(5, 45, "5 requests, and caches full to 0.7 of 0.8")


def test_servers_go_when_the_load_has_gone_and_so_do_their_nodes(scene: Scene) -> None:
    scene.load.requests, scene.load.cache = 12, 0.1
    scene.until(2, "12 requests")
    scene.load.requests = 0
    scene.until(1, "no requests")
    deadline = time.monotonic() + 240
    while len(scene.kinds()) > 1:
        assert time.monotonic() < deadline, "nodes stay without servers"
        time.sleep(1)
    scene.say("nodes after a minute without a server", "1 node")


def test_nothing_is_left_when_it_is_taken_down(scene: Scene) -> None:
    scene.platform.sandbox.down()
    assert not scene.platform.sandbox.paths.exists()
