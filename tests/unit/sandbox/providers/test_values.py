"""Property values between engine and provider."""

from typing import Any

import pytest
from pulumi.runtime import rpc

from llmplatform_sandbox.providers.diffs import Change, diff_values, join, top_level
from llmplatform_sandbox.providers.values import (
    UNKNOWN,
    Asset,
    Secret,
    contains_secret,
    contains_unknown,
    mark_secrets,
    secret,
    struct_to_plain,
    struct_to_wire,
    unwrap_secrets,
)


@pytest.mark.parametrize(
    "value",
    [
        "text", "", 1, 0, -3, 2.5, True, False, None, [], [1, "a", None], {}, {"a.b/c": {"d": [True]}}, UNKNOWN,
        Secret("s"), Secret({"k": [1, UNKNOWN]}), [Secret(1)], Asset("asset", {"path": "a.txt"}),
    ],
    ids=repr,
)  # fmt: skip
def test_a_value_comes_back_from_the_wire_as_it_was(value: Any) -> None:
    back = struct_to_plain(struct_to_wire({"value": value}))["value"]
    assert back == value, "what a provider returns is what it later receives as old state"
    assert type(back) is type(value), "a whole number or a boolean that changes its type would show as a difference"


def test_secrets_and_unknowns_are_written_as_the_sdk_reads_them() -> None:
    wire = struct_to_wire({"password": Secret("s3cret"), "later": UNKNOWN})
    read = rpc.deserialize_properties(wire, keep_unknowns=True)
    assert rpc.is_rpc_secret(read["password"]), "the SDK must see a secret"
    assert rpc.unwrap_rpc_secret(read["password"]) == "s3cret"
    assert type(read["later"]).__name__ == "Unknown"


def test_every_kind_of_unknown_arrives_as_unknown() -> None:
    kinds = ["1c4a061d-8072-4f0a-a4cb-0ff528b18fe7", "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2", rpc.UNKNOWN]
    assert struct_to_plain(struct_to_wire(dict.fromkeys(kinds, "x"))) == dict.fromkeys(kinds, "x"), "keys stay keys"
    assert all(struct_to_plain(struct_to_wire({"a": kind}))["a"] is UNKNOWN for kind in kinds)


def test_a_secret_does_not_show_in_its_repr() -> None:
    assert "s3cret" not in repr({"a": [Secret("s3cret")]}), "a repr ends up in logs and messages"


def test_secrets_never_nest() -> None:
    assert secret({"a": Secret("x"), "b": [Secret(1)]}) == Secret({"a": "x", "b": [1]})
    assert unwrap_secrets({"a": Secret({"b": "x"})}) == {"a": {"b": "x"}}


def test_secret_marks_return_to_the_places_they_came_from() -> None:
    live = {"spec": {"env": [{"name": "A", "value": "x"}, {"name": "B", "value": "y"}], "uid": "1"}}
    inputs = {"spec": {"env": [{"name": "A", "value": Secret("x")}]}}
    marked = mark_secrets(live, inputs)
    assert marked["spec"]["env"][0]["value"] == Secret("x")
    assert marked["spec"]["env"][1]["value"] == "y", "what the inputs do not mark stays plain"
    assert contains_secret(marked)
    assert not contains_secret(live), "the live object itself is left alone"


def test_unknowns_are_found_inside_secrets() -> None:
    assert contains_unknown({"a": [Secret({"b": UNKNOWN})]})
    assert not contains_unknown({"a": [Secret("x")]})


def test_a_value_of_another_type_is_refused() -> None:
    with pytest.raises(TypeError, match="cannot send a set"):
        struct_to_wire({"a": {1, 2}})


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"a": 1}, {"a": 1}, {}),
        ({"a": 1}, {"a": 2}, {"a": Change.UPDATE}),
        ({}, {"a": {"b": 1}}, {"a": Change.ADD}),
        ({"a": {"b": 1}}, {"a": {}}, {"a.b": Change.DELETE}),
        ({"l": [1, 2]}, {"l": [1, 3, 4]}, {"l[1]": Change.UPDATE, "l[2]": Change.ADD}),
        ({"m": {"x/y": 1}}, {"m": {"x/y": 2}}, {'m["x/y"]': Change.UPDATE}),
        ({"s": Secret("a")}, {"s": "a"}, {}),
        ({"s": Secret("a")}, {"s": Secret("b")}, {"s": Change.UPDATE}),
        ({"a": 1}, {"a": UNKNOWN}, {"a": Change.UPDATE}),
        ({"a": 1}, {"a": True}, {"a": Change.UPDATE}),
    ],
)  # fmt: skip
def test_differences_name_the_paths_that_changed(old: Any, new: Any, expected: dict[str, Change]) -> None:
    assert diff_values(old, new) == expected


@pytest.mark.parametrize("key", ["plain", "dotted.key", "a/b"])
def test_the_top_of_a_path_is_found_again(key: str) -> None:
    assert top_level(f"{join('', key)}.below[0]") == key, "the engine wants every detail below a listed top-level key"
