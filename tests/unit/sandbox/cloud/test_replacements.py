"""What a change replaces: every row of every cloud's facts, as the engine asks for it, and what a reader is told."""

from collections.abc import Callable
from typing import Any

import pytest
from pulumi.automation.events import EngineEvent
from support.sandboxes.cloud_account import FakeControlPlane

from llmplatform_sandbox.cloud import open_cloud, schema
from llmplatform_sandbox.cloud.facts import load, why_replaced
from llmplatform_sandbox.progress import Event, Output
from llmplatform_sandbox.providers.base import Diff
from llmplatform_sandbox.providers.cloud import CloudProvider
from llmplatform_sandbox.recorder import Recorder

CLOUDS = ("aws", "alicloud")
TYPES = [name for cloud in CLOUDS for name, facts in sorted(load(cloud).types.items()) if facts.registered]
ROWS = [(name, path) for cloud in CLOUDS for name, facts in sorted(load(cloud).types.items()) for path in facts.replace]
SWITCH = "alicloud:vpc/switch:Switch"

Compare = Callable[[str, dict[str, Any], dict[str, Any]], Diff]


@pytest.fixture(scope="module")
def compare(tmp_path_factory: pytest.TempPathFactory) -> Compare:
    providers: dict[str, CloudProvider] = {}
    for cloud in CLOUDS:
        account = open_cloud(cloud, tmp_path_factory.mktemp(cloud), FakeControlPlane(), patience=0.1)
        providers[cloud] = CloudProvider(lambda account=account: account)
    return lambda type_, old, new: providers[type_.partition(":")[0]].diff(type_, "id", old, {}, new)


def at(path: str, value: Any) -> dict[str, Any]:
    """Inputs with one value, at a path as the facts write it."""
    step, _, rest = path.partition(".")
    inner = at(rest, value) if rest else value
    for _ in range(step.count("[]")):
        inner = [inner]
    return {step.rstrip("[]"): inner}


@pytest.mark.parametrize(("type_", "path"), ROWS)
def test_every_row_replaces_and_says_where_it_was_read(compare: Compare, type_: str, path: str) -> None:
    diff = compare(type_, at(path, "before"), at(path, "after"))
    assert list(diff.replaces) == [path.replace("[]", "[0]")]
    facts = load(type_.partition(":")[0]).of(type_)
    assert why_replaced(type_, diff.replaces) == f"{path.replace('[]', '[0]')} cannot change in place ({facts.source})"


@pytest.mark.parametrize(("type_", "path"), ROWS)
def test_what_a_row_is_about_replaces_when_it_comes_and_goes(compare: Compare, type_: str, path: str) -> None:
    assert compare(type_, {}, at(path, "x")).replaces
    # What the cloud fills where the program is silent stays as it is: Optional and Computed in terraform's schemas.
    filled = path in load(type_.partition(":")[0]).of(type_).computed
    assert bool(compare(type_, at(path, "x"), {}).replaces) is not filled


def test_a_property_may_replace_when_it_is_removed_and_otherwise_not(compare: Compare) -> None:
    def encrypted(key: str) -> dict[str, Any]:
        return {"encryptionConfig": {"provider": {"keyArn": key}, "resources": ["secrets"]}}

    cluster = "aws:eks/cluster:Cluster"
    assert compare(cluster, encrypted("a"), {}).replaces == ["encryptionConfig"]
    assert not compare(cluster, encrypted("a"), encrypted("b")).replaces
    assert not compare(cluster, {}, encrypted("a")).replaces
    assert why_replaced(cluster, ["encryptionConfig"]).startswith("encryptionConfig cannot change in place (internal/")


@pytest.mark.parametrize("type_", TYPES)
def test_nothing_else_replaces(compare: Compare, type_: str) -> None:
    rows = {path.split(".")[0].rstrip("[]") for path in load(type_.partition(":")[0]).of(type_).replace}
    others = sorted(set(schema.resource(type_).inputs) - rows)
    diff = compare(type_, dict.fromkeys(others, "before"), dict.fromkeys(others, "after"))
    assert set(diff.changes) == set(others)
    assert not diff.replaces


def test_a_type_of_no_cloud_has_no_reason() -> None:
    assert why_replaced("kubernetes:apps/v1:Deployment", ["spec.selector"]) == ""
    assert why_replaced(SWITCH, ["tags"]) == "", "what was changed besides is not the reason"


def test_a_planned_replacement_is_told_with_its_reason_and_the_source() -> None:
    changes = {"cidrBlock": "update-replace", "tags.owner": "update"}
    metadata = {
        "op": "replace",
        "urn": f"urn:pulumi:dev::p::{SWITCH}::core-nodes-a",
        "type": SWITCH,
        "provider": "",
        "detailedDiff": {path: {"diffKind": kind, "inputDiff": True} for path, kind in changes.items()},
    }
    events: list[Event] = []
    Recorder(events.append)(EngineEvent.from_json({"resourcePreEvent": {"metadata": metadata}}))
    [line] = [event.text for event in events if isinstance(event, Output)]
    assert line.startswith(
        "core-nodes-a: replaced, as cidrBlock cannot change in place (alicloud/resource_alicloud_vswitch.go"
    )
    events.clear()
    Recorder(events.append, lambda _: None)(EngineEvent.from_json({"resourcePreEvent": {"metadata": metadata}}))
    assert not [event for event in events if isinstance(event, Output)], "a diff tells the cause itself"
