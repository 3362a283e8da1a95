"""What an interrupted create is found by is really there: in the inputs of the committed stacks, on both clouds."""

from collections import Counter
from functools import cache

import pytest
from support.program import STACKS, committed

from llmplatform.catalog.resources import RESOURCES
from llmplatform.catalog.tags import ENVIRONMENT_TAG, RESOURCE_TAG, resource_tag
from llmplatform.testing import Registered

BY_TAG = {"alicloud:ram/policy:Policy", "alicloud:ram/role:Role", "aws:iam/role:Role"}
"""Of the kinds that are found by a call: where the call looks for the tag as well."""


@cache
def clouds(stack: str) -> list[Registered]:
    registered = committed(stack).registered
    return [each for each in registered if each.type.startswith(("aws:", "alicloud:"))]


def tagged(stack: str) -> list[Registered]:
    return [each for each in clouds(stack) if RESOURCES[each.type].found_by == "tag" or each.type in BY_TAG]


@pytest.mark.parametrize("stack", STACKS)
def test_everything_that_is_found_by_its_tags_carries_them(stack: str) -> None:
    found = tagged(stack)
    assert found or not clouds(stack), "a stack that has objects in a cloud has some with tags"
    without = [
        each.urn
        for each in found
        if each.inputs["tags"].get(RESOURCE_TAG) != resource_tag(each.type, each.name)
        or not each.inputs["tags"].get(ENVIRONMENT_TAG)
    ]
    assert not without, f"after a kill, these would be taken for never made, and made again: {without}"


@pytest.mark.parametrize("stack", STACKS)
def test_no_two_resources_of_a_stack_carry_the_same_tag(stack: str) -> None:
    counted = Counter(each.inputs["tags"][RESOURCE_TAG] for each in tagged(stack))
    assert [tag for tag, count in counted.items() if count > 1] == [], "one would be taken for the other"


@pytest.mark.parametrize("stack", STACKS)
def test_what_an_id_is_made_of_is_given_by_the_program(stack: str) -> None:
    # A name that the provider generates is in the state as well, when the create begins; the mocks generate none.
    generated = {
        "aws:eks/nodeGroup:NodeGroup",
        "aws:cloudwatch/logGroup:LogGroup",
        "aws:rds/instance:Instance",
        "aws:rds/parameterGroup:ParameterGroup",
        "aws:rds/subnetGroup:SubnetGroup",
        "aws:s3/bucket:Bucket",
        "alicloud:oss/bucket:Bucket",
    }
    failed: list[str] = []
    for each in clouds(stack):
        kind = RESOURCES[each.type]
        try:
            if kind.found_by == "person":
                kind.look_with.format_map(each.inputs)
            elif kind.found_by in ("tag", "id"):
                kind.id_of(each.inputs, "arn/last")
        except KeyError as missing:
            if each.type not in generated:
                failed.append(f"{each.type}: {missing}")
    assert failed == []
