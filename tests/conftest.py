"""How tests are spread over workers: by file, or by folder where its files share a sandbox; long ones first."""

from pathlib import PurePosixPath

import pytest
from xdist.scheduler import LoadScopeScheduling

LONGEST = ("test_kills_eks", "test_kills_ack", "eks", "ack", "test_upgrades", "test_upgrades_ack", "test_cloud_faults")
"""Units of tests/sandbox that take minutes: a worker that took one of them last would keep all others waiting."""


def unit(nodeid: str) -> str:
    """What one worker runs as a whole."""
    file = PurePosixPath(nodeid.partition("::")[0])
    shared = file.parts[:2] == ("tests", "sandbox") and len(file.parts) > 3
    return str(file.parent if shared else file)


def turn(item: pytest.Item) -> int:
    """The place in the order of work."""
    place = PurePosixPath(unit(item.nodeid))
    if place.stem in LONGEST:
        return LONGEST.index(place.stem)
    folders = ("sandbox", "services", "upgrades")
    return len(LONGEST) + next((at for at, each in enumerate(folders) if each == place.parts[1]), len(folders))


class LongestFirst(LoadScopeScheduling):
    """Units in the order of collection."""

    def _split_scope(self, nodeid: str) -> str:
        return unit(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadScopeScheduling | None:
    if config.getvalue("dist") != "loadfile":
        return None
    # xdist would begin with the units that have the most tests.
    config.option.loadscopereorder = False
    return LongestFirst(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=turn)
