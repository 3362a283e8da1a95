"""Up, destroyed and up again, while the clouds do late, and by themselves, what they do in real accounts."""

import re
import time

import pytest
from support.sandboxes.sandboxed import Config, Platform, destroy, eventually, refused

from llmplatform_sandbox.cloud.aws.late_actors import GUARDDUTY, LAG, LOG_GROUP
from llmplatform_sandbox.interfaces import CloudObject

pytestmark = pytest.mark.sandbox

MODEL, KEY = "qwen3-8b", "aws:kms/key:Key"
LATE = {"late-log-group": "all", "slow-volumes": "ebs.csi.aws.com", "foreign-endpoint": "all"}


@pytest.fixture(scope="module", autouse=True)
def late(platform: Platform) -> None:
    def wanted(config: Config) -> None:
        config["pools"].pop("batch", None)
        config["models"][MODEL]["replicas"] = 1

    platform.edit(wanted)
    platform.up()
    for kind, target in LATE.items():
        platform.sandbox.fault(kind, target, active=True)


def left(platform: Platform) -> list[CloudObject]:
    return [one for one in platform.objects() if not one.made_by.startswith("urn:")]


def guards(platform: Platform) -> list[CloudObject]:
    return [one for one in platform.objects() if one.made_by == GUARDDUTY]


def test_an_endpoint_of_the_clouds_own_stops_the_end_and_one_sentence_says_what_to_do(platform: Platform) -> None:
    assert len(guards(platform)) == 2
    stopped = destroy(platform)
    assert stopped.returncode != 0
    assert "delete this endpoint and its group by hand" in stopped.stdout
    for one in reversed(guards(platform)):
        platform.sandbox.clouds()["aws"].remove_object(one.id, GUARDDUTY)


def test_then_it_ends_and_no_disk_stays(platform: Platform) -> None:
    ended = destroy(platform)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    eventually(lambda: any(one.type == LOG_GROUP for one in left(platform)), "EKS writes its last lines")
    assert {one.type for one in left(platform)} == {LOG_GROUP}, "a driver that goes before its disks leaves them"
    [key] = platform.sandbox.clouds()["aws"].kept()
    assert re.match(r"Key \S+: it can be restored for 30 days", key), "it waits for its end"


def test_the_log_group_that_eks_has_made_is_named_and_without_it_all_comes_up_again(platform: Platform) -> None:
    platform.sandbox.fault("foreign-endpoint", "all", active=False)
    [group] = left(platform)
    assert f"The specified log group already exists: {group.id}" in refused(platform)
    platform.sandbox.clouds()["aws"].remove_object(group.id, group.made_by)
    platform.up()
    eventually(lambda: platform.available(MODEL), "the model serves again")
    assert len([one for one in platform.objects() if one.type == KEY]) == 1, (
        "the key in its waiting period blocks nothing"
    )


def test_who_switches_the_logs_off_first_leaves_no_group(platform: Platform) -> None:
    """The way of docs/taking-down.md, step 2."""
    platform.edit(lambda config: config["cluster"].update(logs=[]))
    platform.up()
    ended = destroy(platform)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    time.sleep(2 * LAG)
    assert platform.objects() == []
