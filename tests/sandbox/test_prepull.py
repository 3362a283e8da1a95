"""Images are fetched on every node of a pool with `prepull`, and on no other."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.sandboxes.sandboxed import NAMESPACE, Config, Platform, eventually, platform_of

pytestmark = pytest.mark.sandbox

POOL = "gpu"


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    yield from platform_of("dev", tmp_path)


def on_its_pool_alone(platform: Platform) -> bool:
    """Whether a pod that fetches runs on each node of the pool, and none elsewhere."""
    with platform.kube() as kube:
        (wanted,) = kube.list("apps/v1", "DaemonSet", NAMESPACE)
        nodes = kube.list("v1", "Node", labelSelector=f"llmplatform.dev/pool={POOL}")
        pods = kube.list("v1", "Pod", NAMESPACE, labelSelector="app.kubernetes.io/name=prepull")
    running = {pod["spec"]["nodeName"] for pod in pods if pod["status"].get("phase") == "Running"}
    return bool(nodes) and (running, wanted["status"]["desiredNumberScheduled"]) == (
        {node["metadata"]["name"] for node in nodes},
        len(nodes),
    )


def test_images_are_fetched_on_the_nodes_of_a_pool_and_on_no_other(platform: Platform) -> None:
    def edit(config: Config) -> None:
        config["pools"][POOL]["prepull"] = True
        config["addons"]["monitoring"] = {"enabled": False}

    platform.edit(edit)
    platform.serve("qwen3-8b")
    assert platform.errors == []
    eventually(lambda: on_its_pool_alone(platform), "images are fetched on each node of the pool, and on no other")
