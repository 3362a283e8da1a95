"""Objects that exist before a stack: another team's network, cluster, namespaces.

`sandbox.<stack>.yaml` beside the stack file describes them in the terms of the Pulumi SDKs, with the ids of the stack
file. The simulated account and the API server then have them. They do not belong to the stack: `down` neither deletes
them nor reports them as leftovers.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from llmplatform_sandbox.cloud.account import BEFORE
from llmplatform_sandbox.cloud.check import check, check_arguments
from llmplatform_sandbox.cloud.requests import CloudError, NotReady
from llmplatform_sandbox.errors import SandboxError
from llmplatform_sandbox.hosting import CLOUDS, Accounts
from llmplatform_sandbox.interfaces import CloudObject, KubeAccess
from llmplatform_sandbox.kube.client import Kube
from llmplatform_sandbox.kube.errors import KubeError, UnknownKind


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Given(_Part):
    """An object of the account."""

    type: str
    """Type token, as in a URN (`aws:ec2/vpc:Vpc`)."""
    id: str
    """Its id in the cloud."""
    properties: dict[str, Any] = Field(default_factory=dict)
    """Its inputs, by wire name."""


class Seed(_Part):
    """All objects that exist before the stack."""

    providers: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Package to the arguments of its provider, which name account and region of the objects."""
    resources: tuple[Given, ...] = ()
    """Objects of the account, in the order of their references."""
    manifests: tuple[dict[str, Any], ...] = ()
    """Objects of the cluster."""


def read_seed(project: Path, stack: str) -> Seed:
    """The objects of a stack's file; none without it. Raises `SandboxError` (exit code 2)."""
    file = project / f"sandbox.{stack}.yaml"
    try:
        content: Any = yaml.safe_load(file.read_text()) or {}
    except FileNotFoundError:
        return Seed()
    except yaml.YAMLError as error:
        raise SandboxError(
            f"{file.name}: not valid YAML ({getattr(error, 'problem', error)}); correct it", exit_code=2
        ) from None
    try:
        seed = Seed.model_validate(content)
    except ValidationError as error:
        lines = [f"{file.name}: {_path(each['loc'])}: {each['msg']}" for each in error.errors(include_url=False)]
        raise SandboxError("\n".join(lines), exit_code=2) from None
    return seed


def plant(seed: Seed, clouds: Accounts, kube: KubeAccess) -> None:
    """Create the missing objects.

    Raises `SandboxError` (exit code 2) with all faults, before it creates anything.
    """
    problems = list(_problems(seed, clouds))
    if problems:
        raise SandboxError("\n".join(f"sandbox seed: {problem}" for problem in problems), exit_code=2)
    for index, given in enumerate(seed.resources):
        account = clouds[_package(given)].account
        scope = clouds[_package(given)].parts.scope(seed.providers.get(_package(given), {}))
        if account.store.get(given.type, given.id) is None:
            try:
                account.create(given.type, BEFORE, given.properties, scope, id_=given.id)
            except (CloudError, NotReady) as error:
                if isinstance(error, NotReady):
                    account.remove_tree(error.record)
                raise SandboxError(f"sandbox seed: resources[{index}] ({given.id}): {error}", exit_code=2) from None
    if seed.manifests:
        _apply(seed.manifests, kube)


def left_behind(objects: Sequence[CloudObject]) -> list[CloudObject]:
    """Leftovers: neither seeded nor created by the cloud for a seeded object (machines of its node group)."""
    theirs = {item.id for item in objects if item.made_by == BEFORE}
    while more := {item.id for item in objects if item.made_by.rpartition(" ")[2] in theirs} - theirs:
        theirs |= more
    return [item for item in objects if item.id not in theirs]


def _problems(seed: Seed, clouds: Accounts) -> Iterator[str]:
    for package, arguments in seed.providers.items():
        if package not in CLOUDS:
            yield f"providers.{package}: not a simulated cloud; write one of {', '.join(CLOUDS)}"
            continue
        for path, reason in check_arguments(package, arguments):
            yield f"providers.{package}.{path}: {reason}"
    for index, given in enumerate(seed.resources):
        if _package(given) not in CLOUDS:
            yield f"resources[{index}].type: '{given.type}' is of no simulated cloud; begin with {' or '.join(CLOUDS)}"
            continue
        for path, reason in check(clouds[_package(given)].account.facts, given.type, given.properties):
            yield f"resources[{index}].properties{'.' if path else ''}{path}: {reason}"


def _apply(manifests: tuple[Mapping[str, Any], ...], access: KubeAccess) -> None:
    kube = Kube(access)
    try:
        for index, manifest in enumerate(manifests):
            try:
                kube.apply(manifest, manager="before")
            except (KubeError, UnknownKind) as error:
                raise SandboxError(f"sandbox seed: manifests[{index}]: {error}", exit_code=2) from None
    finally:
        kube.close()


def _package(given: Given) -> str:
    return given.type.partition(":")[0]


def _path(location: tuple[int | str, ...]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in cast(Any, location)).lstrip(".")
