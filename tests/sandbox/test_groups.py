"""Replicas over several nodes: whole groups on nodes that their pods fill, in the real API server and scheduler.

The pods are those of LeaderWorkerSet's published rules (loops/groups.py of the sandbox); its controller does not run.
"""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.sandboxes.sandboxed import NAMESPACE, Config, Platform, eventually, platform_of

pytestmark = pytest.mark.sandbox

MACHINES = {"dev": ("g6.12xlarge", "us-east-1a"), "dev-ack": ("ecs.ebmgn7i.32xlarge", "cn-hangzhou-j")}
"""Nodes of four GPUs."""
DOMAIN = "leaderworkerset.sigs.k8s.io"
GROUP = ("leaderworkerset.x-k8s.io/v1", "LeaderWorkerSet")
MODELS = {
    "two": {"source": "Qwen/Qwen2.5-32B-Instruct", "tensor_parallel": 4, "pipeline_parallel": 2},
    "four": {"source": "Qwen/Qwen2.5-72B-Instruct", "tensor_parallel": 4, "pipeline_parallel": 4},
}


@pytest.fixture(params=sorted(MACHINES))
def platform(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Platform]:
    yield from platform_of(request.param, tmp_path, charts=True)


def pods(platform: Platform) -> dict[str, list[dict[str, Any]]]:
    """The pods of each group, the leader first."""
    with platform.kube() as kube:
        found = kube.list("v1", "Pod", NAMESPACE, labelSelector=f"{DOMAIN}/name")
    groups: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for pod in sorted(found, key=lambda each: each["metadata"]["name"]):
        labels = pod["metadata"]["labels"]
        groups[f"{labels[f'{DOMAIN}/name']}-{labels[f'{DOMAIN}/group-index']}"].append(pod)
    return groups


def serving(platform: Platform, model: str) -> bool:
    with platform.kube() as kube:
        found = kube.get(*GROUP, model, NAMESPACE) or {}
    conditions = {each["type"]: each["status"] for each in found.get("status", {}).get("conditions", [])}
    return conditions.get("Available") == "True"


def scale(platform: Platform, model: str) -> dict[str, Any]:
    """What an autoscaler reads of a set."""
    with platform.kube() as kube:
        return kube.request("GET", kube.kind(*GROUP).path(NAMESPACE, model, "scale"))["status"]


def place(pod: dict[str, Any]) -> dict[str, str]:
    return {each["name"]: each["value"] for each in pod["spec"]["containers"][0]["env"] if each["name"][:4] == "LWS_"}


def test_groups_of_two_and_four_nodes_serve_and_begin_anew_as_a_whole(platform: Platform) -> None:
    machine, zone = MACHINES[platform.stack]

    def edit(config: Config) -> None:
        config["models"].clear()
        for name, model in MODELS.items():
            engine = {"kind": "sglang"} if name == "four" else {}
            usual = {"pool": "gpu", "context_length": 8192, "weights": {"cache": "shared"}}
            config["models"][name] = {**usual, **model, **({"engine": engine} if engine else {})}
        gpu = config["pools"]["gpu"]
        gpu.update(instance_types=[machine], zones=[zone], capacity="on_demand", min=0, max=6)
        config["addons"].update(monitoring={"enabled": False}, lws={"enabled": True})

    platform.edit(edit)
    platform.up()
    assert platform.errors == []
    assert all(serving(platform, name) for name in MODELS)
    assert {name: scale(platform, name) for name in MODELS} == {
        name: {"replicas": 1, "selector": f"{DOMAIN}/name={name},{DOMAIN}/worker-index=0"} for name in MODELS
    }, "autoscalers ask this of the definition"
    groups = pods(platform)
    assert {name: len(group) for name, group in groups.items()} == {"two-0": 2, "four-0": 4}
    for name, group in groups.items():
        for number, pod in enumerate(group):
            assert place(pod) == {
                "LWS_LEADER_ADDRESS": f"{name}.{name}.{NAMESPACE}",
                "LWS_GROUP_SIZE": str(len(group)),
                "LWS_WORKER_INDEX": str(number),
            }
    nodes = [pod["spec"]["nodeName"] for group in groups.values() for pod in group]
    assert len(set(nodes)) == 6, "each pod fills a node"
    assert len(platform.machines("gpu")) == 6
    with platform.kube() as kube:
        label = {"labelSelector": "kubernetes.io/service-name=four"}
        slices = kube.list("discovery.k8s.io/v1", "EndpointSlice", NAMESPACE, **label)
        behind = [each["targetRef"]["name"] for one in slices for each in one["endpoints"]]
        assert behind == ["four-0"], "clients reach the leader alone"
        kube.delete(groups["four-0"][2])
    before = {pod["metadata"]["uid"] for pod in groups["four-0"]}
    eventually(lambda: _anew(platform, before), "the whole group has begun anew")
    eventually(lambda: serving(platform, "four"), "the group serves again")
    assert [pod["metadata"]["uid"] for pod in pods(platform)["two-0"]] == [
        pod["metadata"]["uid"] for pod in groups["two-0"]
    ], "the other model's group stays"


def _anew(platform: Platform, before: set[str]) -> bool:
    now = {pod["metadata"]["uid"] for pod in pods(platform)["four-0"]}
    return len(now) == 4 and not now & before
