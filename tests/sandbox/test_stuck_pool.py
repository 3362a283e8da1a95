"""A pool that cannot be had: it holds up nothing else, each run says how it is healed, and so it is."""

import json
import re
from collections.abc import Iterator

import pytest
from support.sandboxes.sandboxed import NAMESPACE, Platform, changed, eventually, platform_of, pulumi, refused

pytestmark = pytest.mark.sandbox

MODEL = "qwen3-8b"
KIND = "g6.2xlarge"
FRIENDS, OTHERS = "10.99.0.0/16", "10.98.0.0/16"
"""Ranges that a model's servers call."""


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    for platform in platform_of("dev", tmp_path_factory.mktemp("stuck")):
        platform.up()
        eventually(lambda one=platform: one.available(MODEL), "the model serves")
        yield platform


def allow(platform: Platform, cidr: str) -> None:
    platform.edit(lambda config: config["models"][MODEL].update(egress=[{"cidr": cidr}]))


def allowed(platform: Platform, cidr: str) -> bool:
    with platform.kube() as kube:
        return cidr in json.dumps(list(kube.list("networking.k8s.io/v1", "NetworkPolicy", NAMESPACE)))


def order(platform: Platform) -> str:
    """In which order the autoscaler fills the groups; it names them by expressions, whose escapes are left out."""
    with platform.kube() as kube:
        found = kube.get("v1", "ConfigMap", "cluster-autoscaler-priority-expander", "kube-system")
    assert found is not None
    return found["data"]["priorities"].replace("\\", "")


def test_a_group_that_fails_holds_up_no_change_of_what_is_not_its_own(platform: Platform) -> None:
    serves = {one.id for one in platform.machines("gpu")}
    batch = {"instance_types": [KIND], "capacity": "on_demand", "min": 1, "max": 1}
    platform.sandbox.fault("stockout", KIND, active=True)
    platform.edit(lambda config: config["pools"].update(batch=batch))
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
