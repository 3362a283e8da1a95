"""Rules about image registries: whether nodes reach them and may pull."""

import re
from collections.abc import Iterator

from llmplatform.catalog import regions, versions
from llmplatform.checks.problems import Problem, listed, suggestion
from llmplatform.checks.rules.rule import whole
from llmplatform.specs.stack import AlicloudStack, AwsStack, Stack

_ACR_INSIDE = re.compile(r"(?:[-a-z0-9]+-)?registry-vpc\.([-a-z0-9]+)\.(?:cr\.)?aliyuncs\.com")
"""Addresses of Container Registry within a VPC. Source: its user guide, "Access over VPCs": of the instance's
region."""


_ECR = re.compile(r"\d{12}\.dkr[.-]ecr(?:-fips)?\.([-a-z0-9]+)\.(amazonaws\.com\.cn|amazonaws\.com|on\.aws)")
"""Source: ECR user guide, "Private registries", and "Getting started making requests over IPv6"."""


def registries_are_within_reach(stack: Stack) -> Iterator[Problem]:
    """A registry address of one region or partition is used there."""
    if stack.cloud.region not in regions.names(stack.cloud.provider):
        return  # Another rule reports it.
    for path, host in _hosts(stack):
        inside, ecr = _ACR_INSIDE.fullmatch(host), _ECR.fullmatch(host)
        if inside and (not isinstance(stack, AlicloudStack) or inside[1] != stack.cloud.region):
            yield Problem(
                path,
                f"'{host}' answers within networks of Alibaba Cloud's region '{inside[1]}' alone",
                f"write the address of region '{stack.cloud.region}', or the public one, which is without '-vpc'",
            )
        elif ecr:
            yield from _ecr(stack, path, host, ecr[1], china=ecr[2].endswith(".cn"))


def _ecr(stack: Stack, path: str, host: str, region: str, *, china: bool) -> Iterator[Problem]:
    known = regions.names("aws")
    if region not in known:
        yield Problem(path, f"'{host}' is in no region of AWS", suggestion(region, known))
    elif china != region.startswith("cn-"):
        right = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
        yield Problem(path, f"no registry of '{region}' has the address '{host}'", f"let it end in '{right}'")
    elif isinstance(stack, AwsStack) and _partition(region) != _partition(stack.cloud.region):
        yield Problem(
            path,
            f"roles of nodes in '{stack.cloud.region}' mean nothing to a registry of '{region}'",
            "name a registry of the same partition of AWS",
        )


def _partition(region: str) -> str:
    return next((each for each in ("cn-", "us-gov-") if region.startswith(each)), "")


def _hosts(stack: Stack) -> Iterator[tuple[str, str]]:
    """Each setting that names a registry, with its host."""
    for name, prefix in stack.mirrors.images.items():
        yield f"mirrors.images.{name}", prefix.partition("/")[0]
    for name, model in stack.models.items():
        if model.engine.own_image:
            yield f"models.{name}.engine.image", model.engine.own_image.partition("/")[0]


def links_are_of_instances(stack: Stack) -> Iterator[Problem]:
    """`acr_link` needs an instance."""
    if isinstance(stack, AlicloudStack) and stack.mirrors.acr is None and stack.mirrors.acr_link == "existing":
        yield Problem(
            "mirrors.acr_link", "no instance is named whose link it could be", "write mirrors.acr, or remove it"
        )


def registries_have_mirrors(stack: Stack) -> Iterator[Problem]:
    """A warning: public registries hardly answer from mainland China, so each needs a mirror."""
    region, mirrored = stack.cloud.region, stack.mirrors.images
    forgotten = [host for host in versions.IMAGE_REGISTRIES if host not in mirrored]
    if not region.startswith("cn-") or region == "cn-hongkong" or not forgotten:
        return
    some = "" if mirrored else " and other registries"
    named = forgotten if mirrored else forgotten[:2]
    yield Problem(
        "mirrors.images",
        f"{listed(named, 'and')}{some} hardly answer{'s' if len(named) == 1 else ''} in {region}",
        "write mirrors that you have there for them",
    )


PROBLEMS = whole(registries_are_within_reach, links_are_of_instances)
WARNINGS = whole(registries_have_mirrors)
