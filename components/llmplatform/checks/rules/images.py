"""Rules about node images and operating systems."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from llmplatform.catalog import versions
from llmplatform.checks.problems import Problem, listed
from llmplatform.checks.rules.clusters import is_known, tested
from llmplatform.checks.rules.rule import each_pool
from llmplatform.specs.pools import AwsPool
from llmplatform.specs.stack import AlicloudStack, AwsStack, Stack

_OF_A_DAY = re.compile(r"-20\d\d[01]\d[0-3]\d$")
"""Suffix of a release of Amazon Linux; one of Bottlerocket ends in a commit."""

LAST_WITH_CGROUP_V1 = "1.34"
"""From the minor after it a kubelet refuses to start on cgroup v1. Source: ACK Kubernetes 1.35 release notes."""

CGROUP_V1 = ("alinux3",)
"""Operating systems that have it. Source: ACK user guide, "Migrate nodes to cgroup v2": of Alibaba Cloud Linux the
editions for containers have v2."""


def node_images_exist(stack: Stack) -> Iterator[Problem]:
    """Each pool's operating system has a pinned image for the Kubernetes version."""
    minor = stack.cluster.kubernetes_version
    if not isinstance(stack, AwsStack) or not is_known(stack):
        return
    for name, pool in stack.pools.items():
        known = versions.EKS_NODE_IMAGES[pool.image]
        if minor not in known and not pool.existing and pool.image_release is None:
            yield Problem(
                f"pools.{name}.image",
                f"no release of {pool.image} for Kubernetes {minor} is pinned",
                f"set cluster.kubernetes_version to {listed(tested(stack))}, or write image_release"
                if stack.cluster.kind == "new"
                else "write image_release",
            )


def node_images_are_of_the_minor(stack: Stack) -> Iterator[Problem]:
    """A release of Amazon Linux begins with the kubelet's minor; a release of Bottlerocket serves several."""
    minor = stack.cluster.kubernetes_version
    for name, pool in stack.pools.items():
        if not isinstance(pool, AwsPool) or pool.image_release is None:
            continue
        path, release = f"pools.{name}.image_release", pool.image_release
        otherwise = "or remove it to have the one that this release is tested with"
        day = _OF_A_DAY.search(release)
        if pool.image == "al2023" and (not day or not _is_day(day[0][1:])):
            yield Problem(path, f"'{release}' does not end in a day", f"write one like 1.35.7-20260903, {otherwise}")
        elif pool.image == "al2023" and not release.startswith(f"{minor}."):
            yield Problem(path, f"'{release}' is not of Kubernetes {minor}", f"write a release of {minor}, {otherwise}")
        elif pool.image == "bottlerocket" and _OF_A_DAY.search(release):
            yield Problem(path, f"'{release}' is a release of Amazon Linux", f"write one of Bottlerocket, {otherwise}")


def _is_day(text: str) -> bool:
    try:
        return bool(datetime.strptime(text, "%Y%m%d").replace(tzinfo=UTC))
    except ValueError:
        return False


def operating_systems_run_kubernetes(stack: Stack) -> Iterator[Problem]:
    """The kubelet starts on the nodes' operating system. Custom images are not checked."""
    minor = stack.cluster.kubernetes_version
    if not isinstance(stack, AlicloudStack) or _number(minor) <= _number(LAST_WITH_CGROUP_V1):
        return
    for name, pool in stack.pools.items():
        if pool.image in CGROUP_V1 and pool.image_id is None and not pool.existing:
            yield Problem(
                f"pools.{name}.image",
                f"'{pool.image}' has cgroup v1, and no kubelet of {minor} starts there: its nodes would never be ready",
                "write 'alinux3_container' or 'alinux4_container', or name an image of your own with cgroup v2 in "
                "image_id",
            )


def _number(minor: str) -> tuple[int, ...]:
    return tuple(int(part) for part in minor.split("."))


def images_that_are_renewed_are_named(stack: Stack) -> Iterator[Problem]:
    """`renew` needs an image in the file."""
    if not isinstance(stack, AlicloudStack):
        return
    for name, pool in stack.pools.items():
        if pool.renew and (pool.image_id is None or pool.existing):
            yield Problem(
                f"pools.{name}.renew",
                "another stack's pool is renewed there" if pool.existing else "no image is named to bring the nodes to",
                "remove it" if pool.existing else "write image_id, or remove it",
            )


def images_are_of_linux(stack: Stack) -> Iterator[Problem]:
    """An exact image is one of Linux."""
    if not isinstance(stack, AlicloudStack):
        return
    for name, pool in stack.pools.items():
        if pool.image_id and pool.image_id.lower().startswith("win"):
            yield Problem(
                f"pools.{name}.image_id", "an image of Windows runs none of what is installed", "write one of Linux"
            )


PROBLEMS = each_pool(
    node_images_exist,
    node_images_are_of_the_minor,
    operating_systems_run_kubernetes,
    images_that_are_renewed_are_named,
    images_are_of_linux,
)
