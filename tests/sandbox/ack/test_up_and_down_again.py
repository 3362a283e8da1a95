"""Up, destroyed and up again on ACK, while keys wait for their end and disks go late.

A region has one default key outside a KMS instance: KMS user guide, "Manage keys".
"""

from collections.abc import Iterator

import pytest
from support.sandboxes.sandboxed import IN_AN_INSTANCE, Config, Platform, destroy, refused

from llmplatform_sandbox.cloud.alicloud.names import KEY
from llmplatform_sandbox.cloud.requests import CloudError

pytestmark = pytest.mark.sandbox

MODEL, OTHERS = "qwen3-8b", "another team"
SLOW = "diskplugin.csi.alibabacloud.com"


def own_keys(platform: Platform) -> set[str]:
    return {one.id for one in platform.objects() if one.type == KEY}


@pytest.fixture(scope="module", autouse=True)
def late(platform: Platform) -> Iterator[None]:
    def wanted(config: Config) -> None:
        # A pool that keeps a machine while it is deleted is another story: docs/taking-down.md.
        config["pools"]["gpu"]["min"] = 0
        config["pools"].pop("batch", None)
        config["models"][MODEL]["replicas"] = 1

    platform.edit(wanted)
    platform.up()
    platform.sandbox.fault("slow-volumes", SLOW, active=True)
    yield
    platform.sandbox.fault("slow-volumes", SLOW, active=False)


@pytest.fixture(scope="module")
def default(platform: Platform) -> str:
    """The region's default key, which its owners have just given up."""
    cloud = platform.sandbox.clouds()["alicloud"]
    key = cloud.add_object(KEY, OTHERS, {"pendingWindowInDays": 30})
    cloud.remove_object(key, OTHERS)
    return key


def test_a_default_key_that_waits_for_its_end_holds_the_only_place(platform: Platform, default: str) -> None:
    with pytest.raises(CloudError, match=f"{default}, which waits for its end, is the one default key of this region"):
        platform.sandbox.clouds()["alicloud"].add_object(KEY, OTHERS, {"pendingWindowInDays": 30})


def test_the_end_leaves_nothing_but_the_key_that_waits(platform: Platform) -> None:
    [own] = own_keys(platform)
    ended = destroy(platform)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert platform.objects() == [], "a driver that goes before its disks leaves them"
    assert f"Key {own}: it can be restored for 7 days" in "\n".join(platform.sandbox.clouds()["alicloud"].kept())


def test_to_name_the_key_that_waits_stops_in_one_sentence_that_says_what_to_do(
    platform: Platform, default: str
) -> None:
    platform.edit(lambda config: config["cluster"].update(secrets_key={"kind": "existing", "id": default}))
    way = "take its deletion back (CancelKeyDeletion), or name another"
    assert f"the key {default} does not exist or waits for its end; {way}" in refused(platform)


def test_with_a_key_in_an_instance_all_comes_up_again(platform: Platform) -> None:
    platform.edit(lambda config: config["cluster"].update(secrets_key=IN_AN_INSTANCE))
    platform.serve(MODEL)
    assert len(own_keys(platform)) == 1
