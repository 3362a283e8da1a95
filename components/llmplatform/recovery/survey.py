"""What is to become of each create that a killed run never ended: taken into the state, forgotten, or asked about."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from llmplatform.catalog.tags import ENVIRONMENT_TAG, resource_tag
from llmplatform.recovery import state
from llmplatform.recovery.kinds import GENERATED, KINDS, KUBERNETES, Kind

Action = Literal["adopt", "drop", "refuse"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One interrupted create, and what was found of it."""

    urn: str
    type: str
    name: str
    action: Action
    reason: str
    id: str = ""
    """Of the resource to adopt."""


class Account(Protocol):
    """A cloud account, to look things up in."""

    def tagged(self, environment: str, resource: str) -> Sequence[str]:
        """ARNs of the objects with both tags."""
        ...

    def named(self, type_: str, id_: str, resource: str) -> bool:
        """Whether there is an object of that type and id which carries the resource's tag."""
        ...


class Unknown(Exception):
    """What cannot be found out: the message says why, and what to do."""


def survey(deployment: Mapping[str, Any], account: Callable[[str, Mapping[str, Any]], Account]) -> list[Finding]:
    """A finding for each interrupted create. `account`: by package and inputs of its provider resource.

    Raises `Unknown` when an account cannot be asked.
    """
    providers = {
        each["urn"]: each.get("inputs") or {}
        for each in deployment.get("resources") or ()
        if each["type"].startswith("pulumi:providers:")
    }
    opened: dict[str, Account] = {}
    findings: list[Finding] = []
    for resource in state.creates(deployment):
        provider = str(resource.get("provider") or "").rpartition("::")[0]

        def account_of(resource: state.Resource = resource, provider: str = provider) -> Account:
            if provider not in opened:
                opened[provider] = account(resource["type"].partition(":")[0], providers.get(provider, {}))
            return opened[provider]

        findings.append(_finding(deployment, resource, account_of))
    return findings


def _finding(deployment: Mapping[str, Any], resource: state.Resource, account: Callable[[], Account]) -> Finding:
    found = _found(resource, account)
    if found.action == "adopt" and not state.adoptable(deployment, resource):
        reason = f"{found.id} is the new half of a replacement: delete it, and run again"
        return _made(resource, "refuse", reason)
    return found


def _found(resource: state.Resource, account: Callable[[], Account]) -> Finding:
    kind = _kind(resource["type"])
    if kind is None:
        return _made(resource, "refuse", "a type that llmplatform does not know: look for it in the cloud by its name")
    if kind.way in ("again", "hand"):
        return _made(resource, "drop", kind.why)
    try:
        return _looked_up(resource, kind, account)
    except KeyError as missing:
        return _made(resource, "refuse", f"its input {missing} is not in the state: look for it by its name")


def _looked_up(resource: state.Resource, kind: Kind, account: Callable[[], Account]) -> Finding:
    type_, name = resource["type"], _name(resource)
    inputs = resource.get("inputs") or {}
    if kind is KUBERNETES:
        metadata = inputs if type_.endswith(":Release") else inputs["metadata"]
        namespace = metadata.get("namespace")
        id_ = f"{namespace}/{metadata['name']}" if namespace else str(metadata["name"])
        return _made(resource, "adopt", "by its name; forgotten should the cluster not have it", id_)
    tag = resource_tag(type_, name)
    if kind.way == "name":
        id_ = kind.id_of(inputs)
        if account().named(type_, id_, tag):
            return _made(resource, "adopt", "found by its name", id_)
        return _made(resource, "drop", "not found")
    environment = (inputs.get("tags") or {}).get(ENVIRONMENT_TAG)
    if not environment:
        return _made(resource, "refuse", f"made without the tag {ENVIRONMENT_TAG}: look for it by its name")
    arns = account().tagged(environment, tag)
    if len(arns) > 1:
        return _made(resource, "refuse", f"several carry its tags ({', '.join(arns)}): delete all but one")
    if not arns:
        return _made(resource, "drop", "not found")
    return _made(resource, "adopt", "found by its tags", kind.id_of(inputs, arns[0]))


def _kind(type_: str) -> Kind | None:
    if type_.startswith("kubernetes:"):
        return KUBERNETES
    return GENERATED if type_.startswith("random:") else KINDS.get(type_)


def _name(resource: state.Resource) -> str:
    return resource["urn"].rpartition("::")[2]


def _made(resource: state.Resource, action: Action, reason: str, id_: str = "") -> Finding:
    return Finding(
        urn=resource["urn"], type=resource["type"], name=_name(resource), action=action, reason=reason, id=id_
    )
