"""A pool that ACK cannot give: it holds up nothing else, the update says how it is healed, and so it is."""

import re

import pytest
from support.sandboxes.sandboxed import Platform, changed, pulumi, refused
from support.sandboxes.stuck import FRIENDS, MODEL, OTHERS, add_pool, allow, allowed

pytestmark = pytest.mark.sandbox

KIND = "ecs.gn7i-c8g1.2xlarge"


@pytest.fixture(scope="module", autouse=True)
def serving(platform: Platform) -> None:
    platform.serve(MODEL)


def filled(platform: Platform) -> set[str]:
    """Names of the pools that ACK's autoscaler is told of."""
    objects = {one.id: one for one in platform.objects()}
    [config] = [one for one in objects.values() if one.type.endswith("autoscalingConfig:AutoscalingConfig")]
    told = {group for ids in config.detail["priorities"].values() for group in ids.split(",")}
    pools = [one for one in objects.values() if one.type.endswith("nodePool:NodePool")]
    return {one.detail["nodePoolName"] for one in pools if one.detail["scalingGroupId"] in told}


def batch(platform: Platform) -> dict[str, object]:
    [pool] = [one for one in platform.objects() if one.detail.get("nodePoolName") == "batch-nodes"]
    return dict(pool.detail)


def test_a_pool_that_fails_holds_up_no_change_of_what_is_not_its_own(platform: Platform) -> None:
    serves = {one.id for one in platform.machines("gpu")}
    add_pool(platform, KIND, {"max": 2})
    allow(platform, FRIENDS)
    said = refused(platform, "--continue-on-error")
    assert "OperationDenied.NoStock" in said, said
    assert re.search(r"node pool batch-nodes: .*pulumi up --refresh", said), said
    assert allowed(platform, FRIENDS), "the model's pool is not the one that is stuck"
    assert filled(platform) == {"gpu-spot", "gpu-on-demand"}
    assert {one.id for one in platform.machines("gpu")} == serves
    assert "containerdConfig" not in batch(platform), "it is told once the pool is there"


def test_the_next_run_does_the_rest_and_tells_the_autoscaler_of_the_pool(platform: Platform) -> None:
    allow(platform, OTHERS)
    said = pulumi(platform, "up", "--yes", "--skip-preview", "--suppress-progress")
    assert said.returncode == 0, "the pool is there, and ACK looks for its machines: " + said.stdout + said.stderr
    assert allowed(platform, OTHERS)
    assert filled(platform) == {"gpu-spot", "gpu-on-demand", "batch-nodes"}
    assert platform.machines("batch") == []


def test_the_command_heals_it(platform: Platform) -> None:
    platform.sandbox.fault("stockout", KIND, active=False)
    assert len(platform.machines("batch")) == 1, "ACK has tried on by itself"
    done = pulumi(platform, "up", "--refresh", "--yes", "--skip-preview", "--suppress-progress")
    assert done.returncode == 0, done.stdout + done.stderr
    assert batch(platform)["containerdConfig"]
    assert changed(platform.up()) == {}
