"""No setting takes whatever it is given: every text has a form, every number and every list has bounds."""

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any, get_args

import pytest

from llmplatform.specs import by_kind, schema
from llmplatform.specs.engines import Engine, PublishedEngine

ENGINES = [each for each in by_kind.arms(get_args(Engine)[0]) if issubclass(each, PublishedEngine)]
DOCUMENT: Mapping[str, Any] = json.loads(schema.text())
PULUMIS = ("encryptionsalt", "encryptedkey", "secretsprovider", "environment")
"""What Pulumi keeps beside `config:`, in its own form."""
JUDGED_BY_RULES = {
    **dict.fromkeys(
        (f"{each.__name__}.version" for each in ENGINES),
        "engines.engine_is_on_record: the versions whose flags are known",
    ),
    **dict.fromkeys(
        (f"{each.__name__}.{key}" for each in ENGINES for key in each.NAMES),
        "engines.parsers_exist: the parsers of the engine's version",
    ),
    "MailServer.username": "no rule: a mail server decides what a login is",
    "Encrypted.secure": "ciphertexts.malformed: what Pulumi writes for an encrypted value",
}
"""Texts whose form a rule knows, and which."""


def settings() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every value of the settings: where it is defined, and its part of the schema."""
    for name, model in DOCUMENT["$defs"].items():
        for key, field in model.get("properties", {}).items():
            yield from parts(f"{name}.{key}", field)
    for config in DOCUMENT["properties"]["config"]["allOf"]:
        for key, field in config["then"]["properties"].items():
            yield from parts(key, field)


def parts(path: str, node: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield path, node
    for key in ("anyOf", "oneOf", "allOf"):
        for each in node.get(key, ()):
            yield from parts(path, each)
    for each in [*node.get("patternProperties", {}).values(), node.get("items"), node.get("additionalProperties")]:
        if isinstance(each, Mapping):
            yield from parts(f"{path}[]", each)


def of_type(*kinds: str) -> list[Any]:
    found = {path: node for path, node in settings() if node.get("type") in kinds}
    return [pytest.param(path, node, id=path) for path, node in found.items()]


@pytest.mark.parametrize(("path", "node"), of_type("string"))
def test_a_text_has_a_form(path: str, node: Mapping[str, Any]) -> None:
    assert {"pattern", "enum", "const"} & node.keys() or path in JUDGED_BY_RULES, (
        f"{path} takes any text: give it a type of specs/vocabulary, with the grammar that its reader has"
    )


@pytest.mark.parametrize(("path", "node"), of_type("string"))
def test_a_form_is_of_ascii_unless_it_is_a_tag(path: str, node: Mapping[str, Any]) -> None:
    assert "\\p" not in node.get("pattern", ""), "an editor's regular expressions do not know it"


@pytest.mark.parametrize(("path", "node"), of_type("integer", "number"))
def test_a_number_has_bounds(path: str, node: Mapping[str, Any]) -> None:
    assert "enum" in node or "const" in node or ({"minimum", "exclusiveMinimum"} & node.keys()), (
        f"{path} has no lower bound: write Field(ge=…, le=…)"
    )
    most = node.get("maximum", node.get("exclusiveMaximum", math.inf))
    assert "enum" in node or "const" in node or math.isfinite(most), (
        f"{path} has no upper bound: what is the largest that its reader takes?"
    )


@pytest.mark.parametrize(("path", "node"), of_type("array"))
def test_a_list_has_an_end(path: str, node: Mapping[str, Any]) -> None:
    assert "maxItems" in node, (
        f"{path} may be of any length: write Field(max_length=…), the service's limit if it has one"
    )


@pytest.mark.parametrize(("path", "node"), [each for each in of_type("object") if "properties" not in each.values[1]])
def test_a_table_has_an_end_and_its_keys_a_form(path: str, node: Mapping[str, Any]) -> None:
    assert "maxProperties" in node, f"{path} may have any number of keys: write Field(max_length=…)"
    assert "patternProperties" in node or "propertyNames" in node, f"{path} takes any key: give its keys a type"
