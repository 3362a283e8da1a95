"""The tables of facts against the installed SDKs and botocore: a name that does not exist there is a mistake here."""

import re
from collections.abc import Awaitable, Iterator, Mapping

import pulumi
import pytest

from llmplatform_sandbox.cloud import enums, schema
from llmplatform_sandbox.cloud.facts import TypeFacts, load

CLOUDS = ("aws", "alicloud")
TYPES = {name: facts for package in CLOUDS for name, facts in load(package).types.items() if facts.registered}
every_type = pytest.mark.parametrize("name", sorted(TYPES))
every_row = pytest.mark.parametrize(
    ("package", "name"), [(package, name) for package in CLOUDS for name in sorted(load(package).types)]
)
BY_BEHAVIOUR = {
    "aws:eks/cluster:Cluster": {"endpoint", "certificateAuthority"},
    "aws:rds/subnetGroup:SubnetGroup": {"vpcId"},
    "alicloud:cs/managedKubernetes:ManagedKubernetes": {
        "connections",
        "natGatewayId",
        "rrsaMetadata",
        "slbInternet",
        "slbIntranet",
    },
}
"""Outputs that a behaviour gives."""


def _walk(fields: Mapping[str, schema.Property], path: str) -> schema.Property | None:
    found: schema.Property | None = None
    for step in path.replace("[]", "").split("."):
        if step not in fields:
            return None
        found = fields[step]
        shape = found.shape
        while shape.kind in ("list", "map") and shape.item:
            shape = shape.item
        fields = shape.fields
    return found


def _input_paths(facts: TypeFacts) -> Iterator[str]:
    yield from facts.replace
    yield from facts.defaults
    yield from facts.references
    yield from facts.enums
    yield from facts.ranges
    yield from facts.patterns
    yield from facts.refused
    yield from facts.json_documents
    for group in (*facts.exclusive, *facts.one_of, *facts.unique):
        yield from group
    yield from (quota.per for quota in facts.quotas if quota.per)
    yield from (rule.each for rule in facts.makes if rule.each)
    if facts.name:
        yield from (one for one in (facts.name.property, facts.name.prefix, facts.name.written) if one)
    if facts.protected_by:
        yield facts.protected_by


@every_type
def test_every_input_that_a_fact_names_exists_in_the_sdk(name: str) -> None:
    known = schema.resource(name).inputs
    wrong = [path for path in _input_paths(TYPES[name]) if _walk(known, path) is None]
    assert not wrong, f"{name}: the SDK has no {wrong}"


@every_type
def test_every_output_that_a_fact_names_exists_in_the_sdk(name: str) -> None:
    facts, known = TYPES[name], schema.resource(name).outputs
    named = [*facts.computed, *facts.unset, *facts.increments, *(one for rule in facts.makes for one in rule.outputs)]
    wrong = [path for path in named if _walk(known, path) is None]
    assert not wrong, f"{name}: the SDK has no output {wrong}"


@every_type
def test_every_output_of_the_sdk_gets_a_value_or_is_said_to_stay_empty(name: str) -> None:
    """A provider that only echoes its inputs breaks programs on up, while a preview hides it."""
    facts, known = TYPES[name], schema.resource(name)
    made = {path.split(".")[0].removesuffix("[]") for rule in facts.makes for path in rule.outputs}
    told = {*(path.split(".")[0] for path in facts.computed), *facts.unset, *made, "tagsAll", "region"}
    there = {one.name for one in known.outputs.values() if not one.deprecated}
    silent = there - set(known.inputs) - told - BY_BEHAVIOUR.get(name, set[str]())
    assert not silent, f"{name}: facts say nothing of the outputs {sorted(silent)}"


@every_type
def test_no_fact_leads_to_a_deprecated_property(name: str) -> None:
    known = schema.resource(name).inputs
    deprecated = [path for path in TYPES[name].defaults if (found := _walk(known, path)) and found.deprecated]
    assert not deprecated, "a default that is deprecated would be refused when it is written"


@every_type
def test_enumerations_exist_in_botocore(name: str) -> None:
    for path, members in TYPES[name].enums.items():
        found = enums.values(members) if isinstance(members, str) else members
        assert found, f"{name}.{path}: nothing is offered"


@every_type
def test_defaults_obey_the_rules_of_their_own_type(name: str) -> None:
    facts = TYPES[name]
    for path, value in facts.defaults.items():
        members = facts.enums.get(path)
        if members:
            assert value in (enums.values(members) if isinstance(members, str) else members), f"{path}: {value}"


@every_row
def test_references_point_at_types_that_are_in_the_facts(package: str, name: str) -> None:
    types = load(package).types
    facts = types[name]
    for path, reference in facts.references.items():
        assert set(reference.to) <= set(types), f"{name}.{path}: {reference.to}"
        for target in reference.to:
            if reference.by != "id" and types[target].registered:
                assert reference.by in schema.resource(target).outputs, f"{target} has no output {reference.by}"
    assert {rule.type for rule in facts.makes} <= set(types), "what is made has to be known"


@every_row
def test_patterns_are_valid(package: str, name: str) -> None:
    facts = load(package).types[name]
    for expression in (*facts.patterns.values(), *(one.pattern for rows in facts.refused.values() for one in rows)):
        re.compile(expression)


class _Arguments:
    @property
    @pulumi.getter(name="wireName")
    def wire_name(self) -> str | Awaitable[str] | pulumi.Output[str | None]:
        raise NotImplementedError


def test_what_an_output_may_carry_does_not_make_a_property_optional() -> None:
    """The SDK's Output arm is a forward reference that keeps what the first reader in the process made of it."""
    found = schema.properties(_Arguments)
    assert found["wireName"].required
    assert found["wireName"].shape.kind == "string"
