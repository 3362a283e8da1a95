"""What changes in a resource, drawn from the leaves that an engine names."""

import pytest

from llmplatform_sandbox.diff.properties import MISSING, Leaf, PropertyChange, property_changes, spelled, steps_of
from llmplatform_sandbox.diff.texts import lines, short, sides
from llmplatform_sandbox.providers.values import UNKNOWN, Secret, from_event

VPC = "urn:pulumi:dev::p::aws:ec2/vpc:Vpc::core-vpc"


def leaf(path: str, kind: str = "update", *, replaces: bool = False) -> Leaf:
    return Leaf(path=path, kind=kind, replaces=replaces)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("path", "steps"),
    [
        ("a.b", ["a", "b"]),
        ("a[0].b", ["a", 0, "b"]),
        ('metadata.labels["app.kubernetes.io/name"]', ["metadata", "labels", "app.kubernetes.io/name"]),
        ('data["a\\"b"][2]', ["data", 'a"b', 2]),
        ('["odd key"].x', ["odd key", "x"]),
    ],
)
def test_a_path_is_read_and_spelled_as_the_engine_does(path: str, steps: list[str | int]) -> None:
    assert steps_of(path) == steps
    assert spelled(steps) == path


def test_an_element_put_into_a_list_is_one_change_of_the_list() -> None:
    old, new = {"args": ["a", "b", "c"]}, {"args": ["a", "x", "b", "c"]}
    leaves = [leaf("args[1]"), leaf("args[2]"), leaf("args[3]", "add")]
    (change,) = property_changes(leaves, old, new, {})
    assert (change.path, change.kind) == ("args", "update")
    assert lines(change) == ["  a", "+ x", "  b", "  c"]


def test_an_object_in_a_list_of_the_same_length_is_looked_into() -> None:
    old = {"rules": [{"port": 1, "from": "a"}, {"port": 2, "from": "b"}]}
    new = {"rules": [{"port": 1, "from": "a"}, {"port": 3, "from": "b"}]}
    (change,) = property_changes([leaf("rules[1].port", replaces=True)], old, new, {})
    assert (change.path, change.old, change.new, change.replaces) == ("rules[1].port", 2, 3, True)


def test_a_value_that_is_unknown_because_its_source_changes_follows_it() -> None:
    old, new = {"vpcId": "vpc-1", "cidr": "10.0.0.0/16"}, {"vpcId": UNKNOWN, "cidr": "10.1.0.0/16"}
    leaves = [leaf("vpcId", replaces=True), leaf("cidr", replaces=True)]
    cidr, vpc = property_changes(leaves, old, new, {"vpcId": [VPC]})
    assert (cidr.path, cidr.follows) == ("cidr", False), "what changes by itself comes first"
    assert (vpc.path, vpc.causes) == ("vpcId", (VPC,))
    assert sides(vpc) == ("vpc-1", "(comes from Vpc core-vpc)")


def test_a_value_from_something_that_does_not_change_is_a_change_of_its_own() -> None:
    (change,) = property_changes([leaf("vpcId")], {"vpcId": "vpc-1"}, {"vpcId": UNKNOWN}, {"vpcId": []})
    assert not change.follows
    assert sides(change) == ("vpc-1", "(known after the update)")


def test_a_list_that_grows_by_an_unknown_value_does_not_only_follow() -> None:
    old, new = {"subnetIds": ["a"]}, {"subnetIds": ["a", UNKNOWN]}
    (change,) = property_changes([leaf("subnetIds[1]", "add")], old, new, {"subnetIds": [VPC]})
    assert not change.follows


def test_a_secret_is_a_word_on_both_sides() -> None:
    wrapped = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "[secret]"}
    old = from_event({"stringData": wrapped})
    (change,) = property_changes([leaf("stringData.token")], old, old, {})
    assert sides(change) == ("[secret]", "[secret] changed")
    assert lines(change) == []


def test_a_secret_within_a_document_is_a_word_in_its_lines() -> None:
    change = PropertyChange(
        path="values", kind="update", old={"a": Secret(None), "b": 1}, new={"a": Secret(None), "b": 2}
    )
    assert lines(change) == ["  a: '[secret]'", "- b: 1", "+ b: 2"]


def test_a_document_that_differs_only_in_a_secret_says_so() -> None:
    value = {"a": Secret(None), "b": 1}
    assert lines(PropertyChange(path="values", kind="update", old=value, new=dict(value))) == ["~ [secret] changed"]


def test_text_that_is_json_is_compared_line_by_line() -> None:
    old, new = '{"Statement":[{"Action":"a","Effect":"Allow"}]}', '{"Statement":[{"Action":"b","Effect":"Allow"}]}'
    found = lines(PropertyChange(path="policy", kind="update", old=old, new=new))
    assert [line for line in found if line[0] in "+-"] == ['-       "Action": "a",', '+       "Action": "b",']


def test_what_lies_apart_is_told_apart() -> None:
    old = "\n".join(str(number) for number in range(30))
    new = old.replace("\n3\n", "\nthree\n").replace("\n25\n", "\ntwenty-five\n")
    found = lines(PropertyChange(path="text", kind="update", old=old, new=new))
    assert found.count("⋯") == 1
    assert [line for line in found if line[0] in "+-"] == ["- 3", "+ three", "- 25", "+ twenty-five"]


def test_values_are_short_on_one_line() -> None:
    assert short(MISSING) == "(none)"
    assert short("a\nb") == "a⏎b"
    assert short({"a": [1, True, None]}) == '{"a": [1, true, null]}'
    assert len(short("x" * 1000)) == 160
