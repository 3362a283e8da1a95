"""Rules about names, labels and tags."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from llmplatform.checks.problems import Problem, listed
from llmplatform.checks.rules.placement import groups
from llmplatform.checks.rules.rule import each_model, each_pool, whole
from llmplatform.specs.capabilities import NAMESPACES
from llmplatform.specs.stack import AwsStack, Stack

RESERVED_LABELS = (
    "kubernetes.io",
    "k8s.io",
    "amazonaws.com",
    "aliyun.com",
    "alibabacloud.com",
    "nvidia.com",
    "llmplatform.dev",
)
"""Domains whose node labels Kubernetes, the clouds, NVIDIA or the platform set."""


@dataclass(frozen=True)
class _Tagging:
    cloud: str
    allowed: int
    most: int
    """The rest are ours and the cloud's: on the Auto Scaling group behind a pool EKS has five, and we have one for each
    label and taint."""
    reserved: tuple[str, ...]
    longest: int
    """Characters of a value."""
    forbidden: tuple[str, ...] = ()
    """What neither a tag nor its value may contain."""
    controllers: tuple[str, ...] = ("eks", "eksctl.cluster.k8s.io", "alpha.eksctl.io", "karpenter.sh")
    """What else controllers find their objects by, beside the domains of labels."""


_TAGGING = {
    "aws": _Tagging("AWS", allowed=50, most=30, reserved=("aws:",), longest=256),
    "alicloud": _Tagging(
        "Alibaba Cloud",
        allowed=20,
        most=10,
        reserved=("aliyun", "acs:"),
        longest=128,
        forbidden=("http://", "https://"),
    ),
}
"""What each cloud says about tags. Sources: the guides to tagging of both."""


MOST_TAGS_OF_A_GROUP = 50


TAGS_OF_EVERY_GROUP = 13
"""EKS' five, two of ours, and what tells the autoscaler of an empty group's pool, GPUs, taint, plugin and disk."""


LONGEST_EKS_LABEL = 63


TAKEN_IN_THE_MODELS_NAMESPACE = (
    "allow-dns",
    "default",
    "default-deny",
    "defaults",
    "gateway",
    "quota",
)
"""Objects beside the models': the guard rails, the gateway's certificate, and Kubernetes' own service account."""
SECRETS_OF_USERS = ("mlflow-user", "milvus-user")
"""How the names of Secrets begin that services may put there."""


def models_have_a_namespace_of_their_own(stack: Stack) -> Iterator[Problem]:
    """Models, and the guard rails around them, have a namespace of their own."""
    owner = _owner(stack)
    if owner:
        path, existing = "platform.models_namespace", stack.platform.kind == "existing"
        free = "'models', or "
        if stack.platform.models_namespace == "models":
            path, free = f"{'platform.monitoring_' if existing else 'addons.monitoring.'}namespace", ""
        yield Problem(
            path,
            f"{owner}: models and the guard rails around them need a namespace of their own",
            f"use {free}a name that nothing else has",
        )


def _owner(stack: Stack) -> str | None:
    platform, addons = stack.platform, stack.addons
    name = platform.models_namespace
    if name.startswith("kube-"):
        return f"'{name}' is Kubernetes' own, as all names that begin with 'kube-'"
    if name == "default":
        return "'default' is Kubernetes' own"
    prometheus = platform.monitoring_namespace if platform.kind == "existing" else addons.monitoring.namespace
    return f"'{name}' is the namespace of an add-on" if name in (*NAMESPACES, prometheus) else None


def models_are_not_called_like_guard_rails(stack: Stack) -> Iterator[Problem]:
    """No model's object has the name of one that is in its namespace already."""
    for name in stack.models:
        if name in TAKEN_IN_THE_MODELS_NAMESPACE:
            yield Problem(
                f"models.{name}",
                f"'{name}' is the name of an object that is in the models' namespace already",
                f"call it anything but {listed(TAKEN_IN_THE_MODELS_NAMESPACE)}",
            )
        if name.startswith(SECRETS_OF_USERS):
            yield Problem(
                f"models.{name}",
                f"'{name}' may be the name of a user's Secret in the models' namespace",
                f"let it begin with something but {listed(SECRETS_OF_USERS)}",
            )


def groups_are_unique(stack: Stack) -> Iterator[Problem]:
    """No pool is called as a group of another one is, and no two have a group of one name."""
    made = {
        name: [group.name(name) for group in groups(stack, pool) if group.suffix]
        for name, pool in stack.pools.items()
        if not pool.existing
    }
    owners: dict[str, str] = {}
    for name in stack.pools:
        namesake = next((other for other, theirs in made.items() if name in theirs), None)
        shared = next((group for group in made.get(name, ()) if owners.setdefault(group, name) != name), None)
        if namesake:
            yield Problem(
                f"pools.{name}", f"a node group of pool '{namesake}' has that name", "give this pool another name"
            )
        elif shared:
            yield Problem(
                f"pools.{name}",
                f"a node group of pool '{owners[shared]}' is called '{shared}', as one of this",
                "give this pool another name",
            )


def _reserved(domain: str) -> str | None:
    return next((each for each in RESERVED_LABELS if domain == each or domain.endswith(f".{each}")), None)


def labels_are_what_eks_takes(stack: Stack) -> Iterator[Problem]:
    """EKS takes shorter keys than Kubernetes, and no empty values.

    Source: its API model, labelKey (1 to 63) and labelValue (1 to 63).
    """
    if not isinstance(stack, AwsStack):
        return
    for name, pool in stack.pools.items():
        for label, value in pool.labels.items():
            path = f"pools.{name}.labels.{label}"
            if len(label) > LONGEST_EKS_LABEL:
                yield Problem(
                    path,
                    f"with its domain it has {len(label)} characters, and EKS takes {LONGEST_EKS_LABEL}",
                    "write a shorter one",
                )
            if not value:
                yield Problem(path, "EKS takes no empty values of labels", "write one, such as 'true'")


def labels_are_ours_to_set(stack: Stack) -> Iterator[Problem]:
    """A pool's labels keep out of reserved domains."""
    for name, pool in stack.pools.items():
        for label in pool.labels:
            domain, slash, _ = label.rpartition("/")
            reserved = _reserved(domain)
            if slash and reserved:
                yield Problem(
                    f"pools.{name}.labels.{label}",
                    f"labels of {reserved} are set by others",
                    "use a domain of your own, or none",
                )


def groups_hold_their_tags(stack: Stack) -> Iterator[Problem]:
    """The Auto Scaling group behind a pool has room for its tags.

    Source: EC2 Auto Scaling user guide, "Tag Auto Scaling groups and instances": at most 50.
    """
    if not isinstance(stack, AwsStack):
        return
    room = MOST_TAGS_OF_A_GROUP - TAGS_OF_EVERY_GROUP
    for name, pool in stack.pools.items():
        wanted = len(pool.labels) + len(pool.taints) + len(stack.tags)
        if wanted > room and not pool.existing:
            yield Problem(
                f"pools.{name}",
                f"its labels and taints and the environment's tags are {wanted} together, and each is a tag of an "
                "Auto Scaling group",
                f"write at most {room}: AWS allows {MOST_TAGS_OF_A_GROUP}, and the others are ours and EKS'",
            )


def tags_are_allowed(stack: Stack) -> Iterator[Problem]:
    """Tags are few, and none is the cloud's or ours."""
    rules = _TAGGING[stack.cloud.provider]
    if len(stack.tags) > rules.most:
        yield Problem(
            "tags",
            f"{len(stack.tags)} tags are too many: {rules.cloud} allows {rules.allowed} in all",
            f"write at most {rules.most}",
        )
    for tag in stack.tags:
        reserved = next((each for each in rules.reserved if tag.lower().startswith(each)), None)
        if reserved:
            yield Problem(
                f"tags.{tag}", f"{rules.cloud} keeps tags that begin with '{reserved}' to itself", "choose another name"
            )
        if tag.lower().startswith("llmplatform:"):
            yield Problem(f"tags.{tag}", "tags that begin with 'llmplatform:' are ours", "choose another name")
        domain = re.split("[/:]", tag.lower(), maxsplit=1)[0]
        if not reserved and (_reserved(domain) or domain in rules.controllers):
            yield Problem(f"tags.{tag}", "controllers find what is theirs by this tag", "choose another name")
    yield from _alike(stack.tags)
    yield from _tag_values(stack, rules)


def _alike(tags: Iterable[str]) -> Iterator[Problem]:
    """Tags that differ in case alone: IAM's keys are case-insensitive (IAM user guide, rules for tagging)."""
    seen: dict[str, str] = {}
    for tag in tags:
        other = seen.setdefault(tag.lower(), tag)
        if other != tag:
            yield Problem(
                f"tags.{tag}", f"it differs from '{other}' in case alone, which is one tag to IAM", "remove one"
            )


def _tag_values(stack: Stack, rules: _Tagging) -> Iterator[Problem]:
    environment = stack.environment
    ours = {"environment.owner": environment.owner, "environment.cost_center": environment.cost_center}
    for path, value in {**ours, **{f"tags.{tag}": value for tag, value in stack.tags.items()}}.items():
        if len(value) > rules.longest:
            yield Problem(
                path,
                f"{len(value)} characters are too many for a tag of {rules.cloud}",
                f"write at most {rules.longest}",
            )
        reserved = next((each for each in rules.reserved if value.lower().startswith(each)), None)
        if reserved:
            yield Problem(
                path, f"{rules.cloud} keeps values that begin with '{reserved}' to itself", "write another value"
            )
        refused = next((each for each in rules.forbidden if each in f"{path} {value}"), None)
        if refused:
            yield Problem(path, f"{rules.cloud} takes no tag with '{refused}' in it", "leave it out")


PROBLEMS = (
    *whole(models_have_a_namespace_of_their_own),
    *each_model(models_are_not_called_like_guard_rails),
    *whole(groups_are_unique),
    *each_pool(labels_are_ours_to_set, labels_are_what_eks_takes),
    *whole(tags_are_allowed),
    *each_pool(groups_hold_their_tags),
)
