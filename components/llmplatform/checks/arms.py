"""Chooses the cloud of a stack file, even if the file names it wrongly, so that all its mistakes are reported."""

from collections.abc import Iterator, Mapping
from typing import cast

from llmplatform.catalog import regions
from llmplatform.checks.problems import Problem, nearest, shown, suggestion
from llmplatform.specs.stack import STACKS, AlicloudStack, AwsStack


def provider(raw: Mapping[str, object]) -> str | None:
    """The cloud that plain settings name; None if it is not known."""
    named = _cloud(raw).get("provider")
    return named if isinstance(named, str) and named in STACKS else None


def stack_class(raw: Mapping[str, object]) -> type[AwsStack] | type[AlicloudStack]:
    """The class to check plain settings with: that of the named cloud, else of the most likely one."""
    named, region = _cloud(raw).get("provider"), _cloud(raw).get("region")
    meant = provider(raw) or (nearest(named, STACKS) if isinstance(named, str) else None)
    return STACKS[meant or next((each for each in STACKS if region in regions.names(each)), "aws")]


def provider_is_known(raw: Mapping[str, object]) -> Iterator[Problem]:
    """`cloud.provider` is a known cloud."""
    named, clouds = _cloud(raw).get("provider"), list(STACKS)
    if provider(raw) or not isinstance(raw.get("cloud"), Mapping):
        return
    if named is None:
        yield Problem("cloud.provider", "required key is missing", f"write provider: {' or '.join(clouds)}")
    else:
        yield Problem("cloud.provider", f"{shown(named)} is not known", suggestion(str(named), clouds))


def _cloud(raw: Mapping[str, object]) -> Mapping[str, object]:
    cloud = raw.get("cloud")
    return cast(Mapping[str, object], cloud) if isinstance(cloud, Mapping) else {}
