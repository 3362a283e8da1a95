"""Decides about each interrupted create: adopt it into the state, forget it, or ask."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from llmplatform.catalog.resources import ResourceType
from llmplatform.catalog.tags import ENVIRONMENT_TAG, resource_tag
from llmplatform.recovery import state
from llmplatform.recovery.kinds import CLUSTERS, KUBERNETES, kind_of

Action = Literal["adopt", "drop", "refuse"]

WAITS = (5.0, 10.0, 15.0)
"""Seconds between lookups of missing objects: the clouds' tag indexes lag behind their creates."""
_NO_NUMBER = "nothing in the state tells whether this is the stack's account: look for it there"
_SAY = "then --adopt NAME=ID, or --forget NAME where nothing was made"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One interrupted create, and the decision."""

    urn: str
    type: str
    name: str
    action: Action
    reason: str
    id: str = ""
    """Id of the resource to adopt."""
    missed: bool = False
    """Whether the account did not have it when asked. That may change in a moment."""


class Account(Protocol):
    """A cloud account to search."""

    def tagged(self, environment: str, resource: str) -> Sequence[str]:
        """ARNs of the objects with both tags."""
        ...

    def found(self, type_: str, inputs: Mapping[str, Any], resource: str) -> Sequence[str]:
        """Ids of the objects that a create of that type and inputs may have made; `resource`: their tag, if any."""
        ...


class Unknown(Exception):
    """A fact that cannot be found out: the message says why, and what to do."""


class WrongInput(Unknown):
    """The caller's input is wrong: exit code 2."""


def survey(
    deployment: Mapping[str, Any],
    account: Callable[[str, Mapping[str, Any], Sequence[str]], Account],
    decided: Mapping[str, str] | None = None,
    *,
    waits: Sequence[float] = WAITS,
    sleep: Callable[[float], None] = time.sleep,
) -> list[Finding]:
    """A finding for each interrupted create.

    `account`: by package, inputs of its provider resource, and the numbers that it may have; empty if not known.

    `decided`: decisions of the user, URN → id, empty if nothing was created. Raises `Unknown` if an account cannot be
    asked.
    """
    providers = {
        each["urn"]: each.get("inputs") or {}
        for each in deployment.get("resources") or ()
        if each["type"].startswith("pulumi:providers:")
    }
    opened: dict[str, Account] = {}

    def account_of(resource: state.Resource) -> Account:
        provider = state.provider_of(resource)
        if provider not in opened:
            package, numbers = resource["type"].partition(":")[0], state.accounts(deployment, provider)
            opened[provider] = account(package, providers.get(provider, {}), numbers)
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
    return [
        replace(each, action="refuse", reason=f"not found, and {_NO_NUMBER}; {_SAY}")
        if each.missed and not state.accounts(deployment, state.provider_of(resource))
        else each
        for resource, each in zip(creates, findings, strict=True)
    ]


def decisions(deployment: Mapping[str, Any], adopt: Sequence[str], forget: Sequence[str]) -> dict[str, str]:
    """The decisions in `--adopt RESOURCE=ID` and `--forget RESOURCE`, by URN. RESOURCE: its name, or its URN.

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
    kind = kind_of(resource["type"])
    adoptable = state.adoptable(deployment, resource)
    if resource["urn"] in decided:
        id_ = decided[resource["urn"]]
        found = _made(resource, "adopt" if id_ else "drop", "as you say", id_)
    elif kind is None:
        return _made(resource, "refuse", f"a type that llmplatform does not know: look for it in the cloud; {_SAY}")
    elif kind.found_by == "again":
        return _made(resource, "drop", kind.creating_again)
    elif kind is KUBERNETES and not adoptable:
        return _made(resource, "drop", "half of a replacement: the next update creates it, or reports that it exists")
    else:
        try:
            found = _looked_up(deployment, resource, kind, account)
        except KeyError as missing:
            return _made(resource, "refuse", f"its input {missing} is not in the state: look for it by name; {_SAY}")
    if found.action != "adopt" or adoptable:
        return found
    return _made(resource, "refuse", f"{found.id} is the new half of a replacement: delete it, and run again")


def _looked_up(
    deployment: Mapping[str, Any],
    resource: state.Resource,
    kind: ResourceType,
    account: Callable[[state.Resource], Account],
) -> Finding:
    type_, inputs = resource["type"], resource.get("inputs") or {}
    tag = resource_tag(type_, _name(resource))
    if kind is KUBERNETES:
        return _in_cluster(deployment, resource)
    if kind.found_by == "id":
        return _made(resource, "adopt", "by its id; forgotten should the account not have it", kind.id_of(inputs))
    if kind.found_by == "person":
        return _made(resource, "refuse", f"no tag marks it: {kind.look_with.format_map(inputs)}; {_SAY}")
    if kind.found_by == "call":
        return _one_of(deployment, resource, account(resource).found(type_, inputs, tag), str)
    environment = (inputs.get("tags") or {}).get(ENVIRONMENT_TAG)
    if not environment:
        return _made(resource, "refuse", f"made without the tag {ENVIRONMENT_TAG}: look for it by its name; {_SAY}")
    arns = account(resource).tagged(environment, tag)
    return _one_of(deployment, resource, arns, lambda arn: kind.id_of(inputs, arn))


def _one_of(
    deployment: Mapping[str, Any], resource: state.Resource, objects: Sequence[str], id_of: Callable[[str], str]
) -> Finding:
    # The old half of a replacement has the same tags, and is in the state.
    same = [each for each in deployment.get("resources") or () if each["urn"] == resource["urn"]]
    known = {value for each in same for value in (each.get("id"), (each.get("outputs") or {}).get("arn")) if value}
    left = [each for each in objects if not {each, each.rpartition("/")[2]} & known]
    if len(left) > 1:
        return _made(resource, "refuse", f"several may be it ({', '.join(left)}): delete all but one; {_SAY}")
    if not left:
        return replace(_made(resource, "drop", "not found"), missed=True)
    return _made(resource, "adopt", "found in the account", id_of(left[0]))


def _in_cluster(deployment: Mapping[str, Any], resource: state.Resource) -> Finding:
    """By its name, which another team's object may have: a create that meets such an object fails.

    In the stack's own cluster, and with a random name, it is the create's object. In an existing cluster the user
    decides, because an object that is adopted by mistake is deleted with the stack.
    """
    inputs = resource.get("inputs") or {}
    release = resource["type"].endswith(":Release")
    metadata = inputs if release else inputs["metadata"]
    name, namespace = str(metadata["name"]), metadata.get("namespace")
    id_ = f"{namespace}/{name}" if namespace else name
    drawn = (metadata.get("annotations") or {}).get("pulumi.com/autonamed") == "true"
    if drawn or _own_cluster(deployment, resource):
        return _made(resource, "adopt", "by its name; forgotten should the cluster not have it", id_)
    look = f"helm history {name}" if release else f"kubectl get {resource['type'].rpartition(':')[2].lower()} {name}"
    look += f" -n {namespace}" if namespace else ""
    return _made(resource, "refuse", f"the cluster is not the stack's, and the name may be another's: {look}; {_SAY}")


def _own_cluster(deployment: Mapping[str, Any], resource: state.Resource) -> bool:
    resources = deployment.get("resources") or ()
    clusters = {each["urn"] for each in resources if each["type"] in CLUSTERS and not each.get("external")}
    provider = state.provider_of(resource)
    return any(clusters & {*(each.get("dependencies") or ())} for each in resources if each["urn"] == provider)


def _name(resource: state.Resource) -> str:
    return resource["urn"].rpartition("::")[2]


def _made(resource: state.Resource, action: Action, reason: str, id_: str = "") -> Finding:
    return Finding(
        urn=resource["urn"], type=resource["type"], name=_name(resource), action=action, reason=reason, id=id_
    )
