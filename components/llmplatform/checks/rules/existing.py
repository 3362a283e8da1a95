"""Rules about existing things in an existing cluster, which cannot be configured here."""

from collections.abc import Iterator, Mapping

from llmplatform.checks.problems import Problem
from llmplatform.checks.rules.rule import whole
from llmplatform.specs.addons import ExistingIssuer
from llmplatform.specs.platform import NewPlatform, StorageClass
from llmplatform.specs.stack import Stack

_OF_DISKS = ("gp2", "gp3")
"""Disk classes that EKS and eksctl create; those of ACK begin with `alicloud-disk-` (ACK user guide, "Disk volume
overview")."""


def what_exists_is_in_an_existing_cluster(stack: Stack) -> Iterator[Problem]:
    """A new cluster contains nothing that is `existing`."""
    if stack.cluster.kind == "existing":
        return
    taken: Mapping[str, bool] = {
        "addons.monitoring.kind": stack.addons.monitoring.kind == "existing",
        "addons.cert_manager.issuer.kind": isinstance(stack.addons.cert_manager.issuer, ExistingIssuer),
        **{f"platform.{name}.kind": each.kind == "existing" for name, each in _classes(stack).items()},
    }
    for path, existing in taken.items():
        if existing:
            yield Problem(path, "a new cluster has none yet", "write another kind, or set cluster.kind to 'existing'")


def classes_have_names_of_their_own(stack: Stack) -> Iterator[Problem]:
    """Storage classes have different names."""
    seen: dict[str, str] = {}
    for name, each in _classes(stack).items():
        if each.name in seen:
            yield Problem(
                f"platform.{name}.name",
                f"'{each.name}' is the name of platform.{seen[each.name]}, too",
                "give each class a name of its own",
            )
        seen[each.name] = name


def volumes_of_weights_are_shared(stack: Stack) -> Iterator[Problem]:
    """The class for shared volumes is not a class of disks, which belong to one node."""
    platform = stack.platform
    if isinstance(platform, NewPlatform):
        path, name = "platform.shared_class.name", platform.shared_class.name
    else:
        path, name = "platform.shared_storage_class", platform.shared_storage_class
    if name in _OF_DISKS or name.startswith("alicloud-disk-"):
        yield Problem(
            path,
            f"'{name}' is the cloud's class of disks, and a disk is mounted by one node",
            "name a class of a shared file system, such as 'efs' or 'nas'",
        )


def _classes(stack: Stack) -> Mapping[str, StorageClass]:
    platform = stack.platform
    if not isinstance(platform, NewPlatform):
        return {}
    found = {name: getattr(platform, name) for name in type(platform).model_fields}
    return {name: each for name, each in found.items() if isinstance(each, StorageClass)}


PROBLEMS = whole(what_exists_is_in_an_existing_cluster, classes_have_names_of_their_own, volumes_of_weights_are_shared)
