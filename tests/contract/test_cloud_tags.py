"""Every tag that a committed stack sets is one that the cloud takes.

Sources: "Tagging IAM resources", IAM user guide, and `TagMap` in EKS' API model ("Do not use aws:, AWS:, or any upper
or lowercase combination of such as a prefix for either keys or values"); `InvalidTagException` in ACM's API model; "Tag
restrictions", EC2 user guide (50 tags); "Limits on tags", Alibaba Cloud (`aliyun` and `acs:`, 20 tags).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from support.program import STACKS, committed

from llmplatform.testing import Registered


@dataclass(frozen=True)
class _Limits:
    reserved: tuple[str, ...]
    most: int
    longest: int


LIMITS = {
    "aws": _Limits(("aws:",), most=50, longest=256),
    "alicloud": _Limits(("aliyun", "acs:"), most=20, longest=128),
}
ALLOWED = re.compile(r"[\w\s.:/=+\-@]*")
"""Characters that all services of AWS take (`tagValueType`, IAM's API model)."""


def tag_maps(found: Any) -> Iterator[Mapping[str, str]]:
    """Every set of tags within a resource's properties."""
    if isinstance(found, Mapping):
        for name, value in found.items():
            if name == "tags" and isinstance(value, Mapping):
                yield value
            elif name == "tag" and isinstance(value, Mapping) and "key" in value:
                yield {value["key"]: value["value"]}
            else:
                yield from tag_maps(value)
    elif isinstance(found, list):
        for value in found:
            yield from tag_maps(value)


def refused(each: Registered) -> Iterator[str]:
    limits = LIMITS[each.type.partition(":")[0]]
    for tags in tag_maps(each.inputs):
        if len(tags) > limits.most:
            yield f"{each.name}: {len(tags)} tags"
        for text in (*tags.keys(), *tags.values()):
            if text.lower().startswith(limits.reserved) or len(text) > limits.longest or not ALLOWED.fullmatch(text):
                yield f"{each.name}: {text}"


@pytest.mark.parametrize("stack", STACKS)
def test_no_tag_or_value_of_a_tag_is_one_that_the_cloud_keeps_to_itself(stack: str) -> None:
    clouds = tuple(f"{cloud}:" for cloud in LIMITS)
    resources = [each for each in committed(stack).registered if each.type.startswith(clouds)]
    assert [fault for each in resources for fault in refused(each)] == []
