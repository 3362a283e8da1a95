"""A running EKS cluster goes from one Kubernetes minor to the next, then to another image: the model answers on."""

from collections.abc import Iterator
from datetime import date

import pytest
from support.sandboxes.sandboxed import Config, Platform, changed, eventually, platform_of

from llmplatform.checks.rules import clusters
from llmplatform_sandbox.errors import SandboxError

pytestmark = pytest.mark.sandbox

MODEL, POOL, REPLICAS = "qwen3-8b", "gpu", 2
RELEASE = "1.35.7-20260801"


def full_pool(config: Config) -> None:
    """As many replicas as the pool can ever have machines."""
    config["pools"][POOL] |= {"capacity": "on_demand", "min": REPLICAS, "max": REPLICAS}
    config["models"][MODEL]["replicas"] = REPLICAS


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with pytest.MonkeyPatch.context() as patch:
        # A day on which both minors are supported.
        patch.setattr(clusters, "today", lambda: date(2026, 9, 1))
        for platform in platform_of("dev", tmp_path_factory.mktemp("upgrades")):
            platform.edit(full_pool)
            platform.edit(lambda config: config["cluster"].update(kubernetes_version="1.34"))
            yield platform


def test_a_cluster_of_the_older_minor_comes_up(platform: Platform) -> None:
    platform.up()
    eventually(lambda: platform.available(MODEL), "the model serves")
    assert platform.kubelets() == {"v1.34.7"}
    with platform.kube() as kube:
        assert kube.request("GET", "/version")["emulationMinor"] == "34", "the API server is of that minor, too"


def test_control_plane_addons_and_pools_are_upgraded_in_this_order_while_the_model_answers(platform: Platform) -> None:
    platform.edit(lambda config: config["cluster"].update(kubernetes_version="1.35"))
    with platform.sampled(MODEL, POOL) as samples:
        outcome = platform.up()
        eventually(lambda: platform.available(MODEL), "the model serves on its new nodes")
    order = [step.name for step in outcome.steps if step.op == "update" and step.type != "pulumi:pulumi:Stack"]
    # The groups of the system pool's zones go side by side.
    assert order[:2] == ["llm-cluster", "llm-kube-proxy"], order
    assert sorted(order[2:4]) == ["system-a", "system-b"], order
    assert order[4:] == ["gpu-nodes", "autoscaler-release"], order
    assert set(changed(outcome).values()) == {"update"}, "nothing is replaced"
    assert platform.kubelets() == {"v1.35.7"}
    assert min(samples.ready) >= 1, f"ready endpoints, each second: {samples.ready}"
    assert max(samples.machines) <= REPLICAS, f"no machine more than before, each second: {samples.machines}"


def test_another_node_image_rolls_through_a_full_gpu_pool_while_the_model_answers(platform: Platform) -> None:
    before = {one.id for one in platform.machines(POOL)}
    platform.edit(lambda config: config["pools"][POOL].update(image_release=RELEASE))
    with platform.sampled(MODEL, POOL) as samples:
        outcome = platform.up()
        eventually(lambda: platform.available(MODEL), "the model serves on its new nodes")
    assert changed(outcome) == {"gpu-nodes": "update"}, "the other pool is left alone"
    assert not before & {one.id for one in platform.machines(POOL)}, "every machine is a new one"
    assert min(samples.ready) >= 1, f"ready endpoints, each second: {samples.ready}"
    assert max(samples.machines) <= REPLICAS, f"no machine more than before, each second: {samples.machines}"


def test_going_back_is_refused_in_a_sentence_and_nothing_is_changed(platform: Platform) -> None:
    platform.edit(lambda config: config["cluster"].update(kubernetes_version="1.34"))
    platform.edit(lambda config: config["pools"][POOL].pop("image_release"))
    with pytest.raises(SandboxError):
        platform.up()
    assert any("a control plane never goes back; write 1.35" in error for error in platform.errors), platform.errors
    assert platform.kubelets() == {"v1.35.7"}
