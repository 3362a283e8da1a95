"""What is to become of each create that a killed run never ended: taken into the state, forgotten, or asked about."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from llmplatform.catalog.tags import ENVIRONMENT_TAG, resource_tag
from llmplatform.recovery import state
from llmplatform.recovery.kinds import GENERATED, KINDS, KUBERNETES, Kind

Action = Literal["adopt", "drop", "refuse"]

WAITS = (5.0, 10.0, 15.0)
"""Seconds between looks for what was not found: the clouds' tag indexes lag behind their creates."""
_SAY = "then --adopt NAME=ID, or --forget NAME where nothing was made"


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
    missed: bool = False
    """Whether the account was asked and did not have it, which may change in a moment."""


class Account(Protocol):
    """A cloud account, to look things up in."""

    def tagged(self, environment: str, resource: str) -> Sequence[str]:
        """ARNs of the objects with both tags."""
        ...

    def found(self, type_: str, inputs: Mapping[str, Any], resource: str) -> Sequence[str]:
        """Ids of the objects that a create of that type and inputs may have made; `resource`: their tag, if any."""
        ...


class Unknown(Exception):
    """What cannot be found out: the message says why, and what to do."""


class WrongInput(Unknown):
    """What the caller gave is wrong: exit code 2."""


def survey(
    deployment: Mapping[str, Any],
    account: Callable[[str, Mapping[str, Any]], Account],
    decided: Mapping[str, str] | None = None,
    *,
    waits: Sequence[float] = WAITS,
    sleep: Callable[[float], None] = time.sleep,
) -> list[Finding]:
    """A finding for each interrupted create. `account`: by package and inputs of its provider resource.

    `decided`: what a person has looked up, URN → id, empty where nothing was made. Raises `Unknown` when an account
    cannot be asked.
    """
    providers = {
        each["urn"]: each.get("inputs") or {}
        for each in deployment.get("resources") or ()
        if each["type"].startswith("pulumi:providers:")
    }
    opened: dict[str, Account] = {}

    def account_of(resource: state.Resource) -> Account:
        provider = str(resource.get("provider") or "").rpartition("::")[0]
        if provider not in opened:
            opened[provider] = account(resource["type"].partition(":")[0], providers.get(provider, {}))
        return opened[provider]

    creates = state.creates(deployment)
    findings = [_finding(deployment, each, account_of, decided or {}) for each in creates]
    for wait in waits:
        if not any(each.missed for each in findings):
            break
        sleep(wait)
        findings = [
            _finding(deployment, resource, account_of, decided or {}) if each.missed else each
            for resource, each in zip(creates, findings, strict=True)
        ]
    return findings


def decisions(deployment: Mapping[str, Any], adopt: Sequence[str], forget: Sequence[str]) -> dict[str, str]:
    """What the options `--adopt RESOURCE=ID` and `--forget RESOURCE` decide, by URN. RESOURCE: its name, or its URN.

    Raises `WrongInput`, a line for each option that names no interrupted create, or several.
    """
    found: dict[str, str] = {}
    wrong: list[str] = []
    creates = state.creates(deployment)
    for option, given in [*(("--adopt", each) for each in adopt), *(("--forget", each) for each in forget)]:
        name, equals, id_ = given.partition("=") if option == "--adopt" else (given, "=", "")
        if not equals or (option == "--adopt" and not id_):
            wrong.append(f"{option} {given}: it gives no id; write RESOURCE=ID")
            continue
        named = [each["urn"] for each in creates if name in (each["urn"], _name(each))]
        if len(named) != 1:
            fault = (
                f"{len(named)} interrupted creates have that name" if named else "no interrupted create has that name"
            )
            remedy = f"write one of {', '.join(named)}" if named else "write a name of the table"
            wrong.append(f"{option} {name}: {fault}; {remedy}")
        else:
            found[named[0]] = id_
    if wrong:
        raise WrongInput("\n".join(wrong))
    return found


def _finding(
    deployment: Mapping[str, Any],
    resource: state.Resource,
    account: Callable[[state.Resource], Account],
    decided: Mapping[str, str],
) -> Finding:
    kind = _kind(resource["type"])
    adoptable = state.adoptable(deployment, resource)
    if resource["urn"] in decided:
        id_ = decided[resource["urn"]]
        found = _made(resource, "adopt" if id_ else "drop", "as you say", id_)
    elif kind is None:
        return _made(resource, "refuse", f"a type that llmplatform does not know: look for it in the cloud; {_SAY}")
    elif kind.way == "again":
        return _made(resource, "drop", kind.why)
    else:
        try:
            found = _looked_up(deployment, resource, kind, account)
        except KeyError as missing:
            return _made(resource, "refuse", f"its input {missing} is not in the state: look for it by name; {_SAY}")
    if found.action != "adopt" or adoptable:
        return found
    if kind is KUBERNETES:
        return _made(resource, "drop", "half of a replacement: the next update makes it, or says that it is there")
    return _made(resource, "refuse", f"{found.id} is the new half of a replacement: delete it, and run again")


def _looked_up(
    deployment: Mapping[str, Any],
    resource: state.Resource,
    kind: Kind,
    account: Callable[[state.Resource], Account],
) -> Finding:
    type_, inputs = resource["type"], resource.get("inputs") or {}
    tag = resource_tag(type_, _name(resource))
    if kind is KUBERNETES:
        return _made(resource, "adopt", "by its name; forgotten should the cluster not have it", _in_cluster(resource))
    if kind.way == "read":
        return _made(resource, "adopt", "by its id; forgotten should the account not have it", kind.id_of(inputs))
    if kind.way == "hand":
        return _made(resource, "refuse", f"no tag marks it: {kind.why.format_map(inputs)}; {_SAY}")
    if kind.way == "call":
        return _one_of(deployment, resource, account(resource).found(type_, inputs, tag), str)
    environment = (inputs.get("tags") or {}).get(ENVIRONMENT_TAG)
    if not environment:
        return _made(resource, "refuse", f"made without the tag {ENVIRONMENT_TAG}: look for it by its name; {_SAY}")
    arns = account(resource).tagged(environment, tag)
    return _one_of(deployment, resource, arns, lambda arn: kind.id_of(inputs, arn))


def _one_of(
    deployment: Mapping[str, Any], resource: state.Resource, objects: Sequence[str], id_of: Callable[[str], str]
) -> Finding:
    # The old half of a replacement carries the same tags, and is in the state.
    same = [each for each in deployment.get("resources") or () if each["urn"] == resource["urn"]]
    known = {value for each in same for value in (each.get("id"), (each.get("outputs") or {}).get("arn")) if value}
    left = [each for each in objects if not {each, each.rpartition("/")[2]} & known]
    if len(left) > 1:
        return _made(resource, "refuse", f"several may be it ({', '.join(left)}): delete all but one; {_SAY}")
    if not left:
        return replace(_made(resource, "drop", "not found"), missed=True)
    return _made(resource, "adopt", "found in the account", id_of(left[0]))


def _in_cluster(resource: state.Resource) -> str:
    inputs = resource.get("inputs") or {}
    metadata = inputs if resource["type"].endswith(":Release") else inputs["metadata"]
    namespace = metadata.get("namespace")
    return f"{namespace}/{metadata['name']}" if namespace else str(metadata["name"])


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
