"""A running ACK cluster goes from one Kubernetes minor to the next, then its nodes to another image: machines stay."""

from collections.abc import Iterator
from datetime import date

import pytest
from support.sandboxes.sandboxed import NAMESPACE, Config, Platform, changed, eventually, platform_of

from llmplatform.checks.rules import clusters

pytestmark = pytest.mark.sandbox

MODEL, POOL, REPLICAS = "qwen3-8b", "gpu", 2
SERVERS = "app.kubernetes.io/name=model-server"
IMAGE_ID = "aliyun_3_x64_20G_alibase_20261101.vhd"


def older_and_full(config: Config) -> None:
    """The older minor, and as many replicas as the pool can ever have machines."""
    config["cluster"]["kubernetes_version"] = "1.34"
    config["pools"][POOL] |= {"capacity": "on_demand", "min": REPLICAS, "max": REPLICAS}
    config["models"][MODEL]["replicas"] = REPLICAS


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with pytest.MonkeyPatch.context() as patch:
        # A day on which both minors are supported.
        patch.setattr(clusters, "today", lambda: date(2026, 9, 1))
        for platform in platform_of("dev-ack", tmp_path_factory.mktemp("upgrades-ack")):
            platform.edit(older_and_full)
            yield platform


def pods(platform: Platform) -> set[str]:
    with platform.kube() as kube:
        return {pod["metadata"]["uid"] for pod in kube.list("v1", "Pod", NAMESPACE, labelSelector=SERVERS)}


def test_control_plane_and_kubelets_are_upgraded_and_no_pod_is_touched(platform: Platform) -> None:
    platform.up()
    eventually(lambda: platform.available(MODEL), "the model serves")
    assert platform.kubelets() == {"v1.34.10-aliyun.1"}
    before, served = {one.id for one in platform.machines(POOL)}, pods(platform)
    platform.edit(lambda config: config["cluster"].update(kubernetes_version="1.35", upgrade=True))
    outcome = platform.up()
    order = [step.name for step in outcome.steps if step.op == "update" and step.type != "pulumi:pulumi:Stack"]
    assert (order[0], set(order[1:-1]), order[-1]) == ("llm-cluster", {"system-j", "system-k"}, "gpu-nodes"), order
    eventually(lambda: platform.kubelets() == {"v1.35.7-aliyun.1"}, "every kubelet says so")
    assert {one.id for one in platform.machines(POOL)} == before
    assert pods(platform) == served, "kubelets are exchanged in place"
    platform.edit(lambda config: config["cluster"].update(upgrade=False))
    pools = dict.fromkeys(("system-j", "system-k", "gpu-nodes"), "update")
    assert changed(platform.up()) == pools, "the request is taken out"
    assert pods(platform) == served


def test_a_label_touches_no_pod_and_a_patch_of_acks_own_is_no_change(platform: Platform) -> None:
    served = pods(platform)
    platform.edit(lambda config: config["pools"][POOL].update(labels={"team": "ml"}))
    assert changed(platform.up()) == {"gpu-nodes": "update"}
    assert pods(platform) == served


def test_another_image_takes_other_system_disks_and_the_model_answers_on(platform: Platform) -> None:
    before, served = {one.id for one in platform.machines(POOL)}, pods(platform)
    platform.edit(lambda config: config["pools"][POOL].update(image_id=IMAGE_ID, renew=True))
    with platform.sampled(MODEL, POOL) as samples:
        outcome = platform.up()
        eventually(lambda: platform.available(MODEL), "the model serves on the renewed nodes")
    assert changed(outcome) == {"gpu-nodes": "update"}, "the other pool is left alone"
    assert {one.id for one in platform.machines(POOL)} == before, "the machines stay, and with them their GPUs"
    assert {one.detail["imageId"] for one in platform.machines(POOL)} == {IMAGE_ID}
    assert not pods(platform) & served, "each node was drained"
    assert min(samples.ready) >= 1, f"ready endpoints, each second: {samples.ready}"
