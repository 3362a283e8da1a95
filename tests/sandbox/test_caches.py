"""Caches of both clouds on the real engine: a change changes what it says, and nothing else."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.sandboxes.sandboxed import Platform, changed, destroy

from llmplatform_sandbox.processes import end_engines

pytestmark = pytest.mark.sandbox
PROJECT = Path(__file__).parent / "projects" / "caches"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    folder = tmp_path_factory.mktemp("caches") / "caches"
    shutil.copytree(PROJECT, folder, ignore=shutil.ignore_patterns(".sandbox", "__pycache__"))
    platform = Platform(folder, "dev")
    try:
        platform.up()
        yield platform
    finally:
        end_engines(platform.sandbox.paths)
        platform.sandbox.stop()


def update(platform: Platform, **settings: dict[str, Any]) -> dict[str, str]:
    """What an update with other settings, by cloud, changes."""
    file = platform.folder / "Pulumi.dev.yaml"
    document = yaml.safe_load(file.read_text())
    for cloud, values in settings.items():
        document["config"][f"caches:{cloud}"].update(values)
    file.write_text(yaml.safe_dump(document))
    outcome = platform.up()
    assert platform.errors == []
    return changed(outcome)


def test_a_second_run_changes_nothing(made: Platform) -> None:
    assert update(made) == {}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"aws": {"replicas": 2}}, {"cache-group": "update"}),
        ({"aws": {"backup_days": 14}}, {"cache-group": "update"}),
        ({"aws": {"node_type": "cache.m7g.large"}}, {"cache-group": "update"}),
        (
            {"aws": {"eviction": "allkeys-lru"}, "alicloud": {"eviction": "allkeys-lru"}},
            {"cache-parameters": "update", "tair-instance": "update"},
        ),
        ({"alicloud": {"node_type": "tair.rdb.2g"}}, {"tair-instance": "update"}),
    ],
    ids=["replicas", "backups", "node type", "eviction", "class"],
)
def test_a_change_is_made_in_place(
    made: Platform, settings: dict[str, dict[str, Any]], expected: dict[str, str]
) -> None:
    assert update(made, **settings) == expected, "a replacement would lose all data"


def test_a_rotation_makes_one_password_and_gives_it_to_one_user(made: Platform) -> None:
    found = update(made, aws={"password_version": 2}, alicloud={"password_version": 2})
    assert found.keys() == {"cache-password-a", "cache-user", "tair-password-a", "tair-app-a"}
    assert (found["cache-user"], found["tair-app-a"]) == ("update", "update")


def test_no_password_is_plain_in_the_state(made: Platform) -> None:
    (state,) = (made.folder / ".sandbox/dev/backend/.pulumi/stacks/caches").glob("dev.json")
    text = state.read_text()
    assert "cache-password-a" in text
    assert re.findall(r'"(?:password|accountPassword|result)": ?"[^"]+"', text) == []


def test_nothing_is_left(made: Platform) -> None:
    assert destroy(made).returncode == 0
    assert [one.type for one in made.objects()] == []
