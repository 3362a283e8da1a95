"""A pool that cannot be had: it holds up nothing else, each run says how it is healed, and so it is."""

import re

import pytest
from support.sandboxes.sandboxed import Platform, changed, pulumi, refused
from support.sandboxes.stuck import FRIENDS, MODEL, OTHERS, add_pool, allow, allowed

pytestmark = pytest.mark.sandbox

KIND = "g6.2xlarge"


@pytest.fixture(scope="module", autouse=True)
def serving(platform: Platform) -> None:
    platform.serve(MODEL)


def order(platform: Platform) -> str:
    """In which order the autoscaler fills the groups; it names them by expressions, whose escapes are left out."""
    with platform.kube() as kube:
        found = kube.get("v1", "ConfigMap", "cluster-autoscaler-priority-expander", "kube-system")
    assert found is not None
    return found["data"]["priorities"].replace("\\", "")


def test_a_group_that_fails_holds_up_no_change_of_what_is_not_its_own(platform: Platform) -> None:
    serves = {one.id for one in platform.machines("gpu")}
    add_pool(platform, KIND, {"max": 1})
    allow(platform, FRIENDS)
    said = refused(platform, "--continue-on-error")
    assert "AsgInstanceLaunchFailures" in said, said
    assert allowed(platform, FRIENDS), "the model's pool is not the one that is stuck"
    assert "gpu-spot" in order(platform)
    assert "batch" not in order(platform)
    assert {one.id for one in platform.machines("gpu")} == serves


def test_each_later_run_does_all_that_can_be_done_and_says_how_the_group_is_healed(platform: Platform) -> None:
    allow(platform, OTHERS)
    said = refused(platform)
    assert re.search(r"pulumi up --replace 'urn:[^']+::batch-nodes'", said), said
    assert allowed(platform, OTHERS), "without a flag: the group is there, and takes no change"
    assert "batch" in order(platform)


def test_the_command_heals_it(platform: Platform) -> None:
    platform.sandbox.fault("stockout", KIND, active=False)
    command = re.search(r"pulumi (up --replace) '(urn:[^']+)'", refused(platform))
    assert command
    done = pulumi(platform, *command[1].split(), command[2], "--yes", "--skip-preview", "--suppress-progress")
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(platform.machines("batch")) == 1
    assert changed(platform.up()) == {}
