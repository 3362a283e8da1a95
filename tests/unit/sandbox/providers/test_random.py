"""The random provider."""

import base64
import re
import uuid
from typing import Any

import pytest

from llmplatform_sandbox.providers.base import UNKNOWN, Autonaming, ProviderError, Secret
from llmplatform_sandbox.providers.random import RandomProvider

NAMING = Autonaming(name="r", urn="urn:r")


def make(kind: str, **inputs: Any) -> tuple[str, dict[str, Any]]:
    provider, typ = RandomProvider(), f"random:index/{kind}:{kind}"
    checked, failures = provider.check(typ, {}, inputs, NAMING)
    assert not failures, failures
    return provider.create(typ, "urn:r", checked, False, 0)


def refused(kind: str, **inputs: Any) -> list[str]:
    return [failure.reason for failure in RandomProvider().check(f"random:index/{kind}:{kind}", {}, inputs, NAMING)[1]]


@pytest.mark.parametrize(
    ("inputs", "pattern"),
    [
        ({"length": 24}, r"[\w!@#$%&*()\-=+\[\]{}<>:?]{24}"),
        ({"length": 12, "special": False}, r"[A-Za-z0-9]{12}"),
        ({"length": 12, "special": False, "upper": False, "numeric": False}, r"[a-z]{12}"),
        ({"length": 12, "special": False, "number": False, "lower": False}, r"[A-Z]{12}"),
        ({"length": 9, "upper": False, "lower": False, "numeric": False, "overrideSpecial": "_-"}, r"[_-]{9}"),
    ],
)
def test_a_password_has_the_length_and_the_characters_asked_for(inputs: dict[str, Any], pattern: str) -> None:
    id_, outputs = make("RandomPassword", **inputs)
    assert id_ == "none", "a password must not be its own id, which is stored in clear"
    assert isinstance(outputs["result"], Secret)
    assert isinstance(outputs["bcryptHash"], Secret)
    assert re.fullmatch(pattern, outputs["result"].value)


def test_the_least_numbers_of_characters_are_kept() -> None:
    for _ in range(20):
        text = make("RandomString", length=6, minUpper=2, minNumeric=2, minSpecial=1)[1]["result"]
        assert sum(c.isupper() for c in text) >= 2
        assert sum(c.isdigit() for c in text) >= 2
        assert sum(not c.isalnum() for c in text) >= 1


def test_two_passwords_differ() -> None:
    assert make("RandomPassword", length=16)[1]["result"] != make("RandomPassword", length=16)[1]["result"]


def test_an_id_is_the_same_bytes_in_every_spelling() -> None:
    id_, outputs = make("RandomId", byteLength=5, prefix="p-")
    data = bytes.fromhex(outputs["hex"].removeprefix("p-"))
    assert len(data) == 5
    assert outputs["dec"] == f"p-{int.from_bytes(data, 'big')}"
    assert outputs["b64Std"] == "p-" + base64.b64encode(data).decode()
    assert id_ == outputs["b64Url"].removeprefix("p-") == base64.urlsafe_b64encode(data).decode().rstrip("=")


def test_bytes_are_secret_and_not_in_the_id() -> None:
    id_, outputs = make("RandomBytes", length=32)
    data = base64.b64decode(outputs["base64"].value)
    assert len(data) == 32
    assert outputs["hex"].value == data.hex()
    assert id_ not in (outputs["base64"].value, outputs["hex"].value)


def test_the_other_kinds() -> None:
    id_, outputs = make("RandomUuid")
    assert id_ == outputs["result"] == str(uuid.UUID(id_, version=4))
    assert make("RandomPet", length=3, prefix="x", separator="_")[0].count("_") == 3
    assert 3 <= make("RandomInteger", min=3, max=5)[1]["result"] <= 5
    assert make("RandomInteger", min=0, max=10**9, seed="s")[0] == make("RandomInteger", min=0, max=10**9, seed="s")[0]
    assert sorted(make("RandomShuffle", inputs=["a", "b", "c"])[1]["results"]) == ["a", "b", "c"]
    assert len(make("RandomShuffle", inputs=["a", "b"], resultCount=5)[1]["results"]) == 5


@pytest.mark.parametrize(
    ("kind", "inputs", "reason"),
    [
        ("RandomPassword", {"lenght": 3}, "lenght: RandomPassword has no such input"),
        ("RandomPassword", {}, "length: missing"),
        ("RandomPassword", {"length": 0}, "length: must be a whole number from 1 up"),
        ("RandomPassword", {"length": 2, "minLower": 3},
         "length: 2 is less than the sum of the min… inputs, 3; raise it"),
        ("RandomString", dict.fromkeys(["upper", "lower", "numeric", "special"], False) | {"length": 4},
         "no character class is on; set at least one of lower, upper, numeric, special"),
    ],
)  # fmt: skip
def test_impossible_inputs_are_refused(kind: str, inputs: dict[str, Any], reason: str) -> None:
    assert reason in refused(kind, **inputs)


def test_a_kind_that_is_not_played_is_refused_by_name() -> None:
    assert refused("RandomDice")[0].startswith("random:index/RandomDice:RandomDice: not played by the sandbox")


def test_a_preview_knows_nothing_of_the_value_but_that_it_is_secret() -> None:
    typ = "random:index/randomPassword:RandomPassword"
    _, outputs = RandomProvider().create(typ, "urn:r", {"length": 8}, True, 0)
    assert outputs == {"length": 8, "result": Secret(UNKNOWN), "bcryptHash": Secret(UNKNOWN)}


def test_any_change_makes_a_new_value() -> None:
    typ = "random:index/randomPassword:RandomPassword"
    provider = RandomProvider()
    diff = provider.diff(typ, "none", {"length": 8, "keepers": {"a": "1"}}, {}, {"length": 8, "keepers": {"a": "2"}})
    assert list(diff.replaces) == ["keepers.a"]
    assert not provider.diff(typ, "none", {"length": 8}, {"result": Secret("x")}, {"length": 8})
    with pytest.raises(ProviderError, match="cannot be changed in place"):
        provider.update(typ, "urn:r", "none", {}, {}, {}, False, 0)
