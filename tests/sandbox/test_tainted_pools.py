"""Pools with taints: nodes that have them from the start, models that tolerate them, and no other pods on them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.sandboxes.sandboxed import NAMESPACE, Config, Platform, changed, platform_of

pytestmark = pytest.mark.sandbox

MODEL = "qwen3-8b"
TAINTS = [{"key": "team", "value": "search"}, {"key": "example.org/evicts", "effect": "NoExecute"}]
BATCH = {
    "dev": {"instance_types": ["m7i.xlarge"], "min": 2, "max": 2, "taints": [{"key": "batch"}]},
    "dev-ack": {"instance_types": ["ecs.g7.xlarge"], "min": 2, "max": 2, "taints": [{"key": "batch"}]},
}


@pytest.fixture(params=sorted(BATCH))
def platform(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Platform]:
    yield from platform_of(request.param, tmp_path)


def nodes(platform: Platform, pool: str) -> dict[str, dict[str, Any]]:
    with platform.kube() as kube:
        found = kube.list("v1", "Node", labelSelector=f"llmplatform.dev/pool={pool}")
    return {node["metadata"]["name"]: node for node in found}


def owners(pod: dict[str, Any]) -> list[dict[str, Any]]:
    return pod["metadata"].get("ownerReferences") or []


def test_a_tainted_pool_comes_up_and_serves_and_takes_no_other_pods(platform: Platform) -> None:
    def edit(config: Config) -> None:
        config["pools"]["gpu"]["taints"] = TAINTS
        config["pools"]["batch"] = BATCH[platform.stack]
        config["models"][MODEL]["tolerations"] = [{"key": each["key"]} for each in TAINTS]
        config["addons"]["monitoring"] = {"enabled": False}

    platform.edit(edit)
    made = platform.up()
    assert platform.errors == []
    assert platform.available(MODEL)
    gpu, batch = nodes(platform, "gpu"), nodes(platform, "batch")
    assert len(batch) == 2
    for node in gpu.values():
        taints = {(each["key"], each.get("value", ""), each["effect"]) for each in node["spec"]["taints"]}
        assert taints >= {
            ("nvidia.com/gpu", "present", "NoSchedule"),
            ("team", "search", "NoSchedule"),
            ("example.org/evicts", "", "NoExecute"),
        }
        assert all(
            condition["status"] == "True"
            for condition in node["status"]["conditions"]
            if condition["type"] == "AcceleratedHardwareReady"
        ), "what looks after its GPUs runs there"
    with platform.kube() as kube:
        pods = list(kube.list("v1", "Pod"))
    servers = [pod for pod in pods if pod["metadata"]["labels"].get("app.kubernetes.io/name") == "model-server"]
    assert servers
    assert {pod["spec"].get("nodeName") for pod in servers} <= set(gpu)
    assert {pod["metadata"]["namespace"] for pod in servers} == {NAMESPACE}
    others = [pod for pod in pods if "DaemonSet" not in [each["kind"] for each in owners(pod)]]
    assert not {pod["spec"].get("nodeName") for pod in others} & set(batch), "no pod has asked for these nodes"
    assert made.steps
    assert changed(platform.up()) == {}
