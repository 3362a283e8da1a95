"""A new cluster in an existing network: up, no change, down; the network stays as it was."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support import existing_things
from support.sandboxes.sandboxed import Platform, platform_of

pytestmark = pytest.mark.sandbox

NETWORK = (":Vpc", ":Network", ":Subnet", ":Switch")


@pytest.fixture
def platform(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Platform]:
    for made in platform_of(request.param, tmp_path):
        existing_things.write(tmp_path, made.stack, cluster=False)
        yield made


def networks(platform: Platform) -> dict[str, tuple[str, object]]:
    """Id of everything that the network is made of → who made it, and with what."""
    return {one.id: (one.made_by, one.inputs) for one in platform.objects() if one.type.endswith(NETWORK)}


@pytest.mark.parametrize("platform", ["dev", "dev-ack"], indirect=True)
def test_a_new_cluster_comes_up_in_a_network_that_exists_and_leaves_it_as_it_was(platform: Platform) -> None:
    seeded = {each["id"]: each["properties"] for each in existing_things.SEEDS[platform.stack](False)["resources"]}
    made = platform.up()
    assert platform.errors == []
    assert platform.sandbox.snapshot().pending == ()
    found = networks(platform)
    assert set(found) == set(seeded), "it makes no network beside the one that it was given"
    assert not {id_ for id_, (by, _) in found.items() if by.startswith("urn:")}
    assert {step.type.rpartition(":")[2] for step in made.steps} >= {"ExistingNetwork", "Cluster"}
    assert set(platform.up().changes) == {"same"}
    assert networks(platform) == found, "tags or settings of the network were changed"
    down = platform.sandbox.down()
    assert down.orphans == ()
    assert down.outcome.changes == {"delete": made.changes["create"]}, "what it made is gone, and nothing else"
