"""Reads interrupted operations from a stack's state, and adds resources that were found in the cloud.

Everything here works on a deployment as `pulumi stack export` writes it, and gives one for `pulumi stack import`.
`pulumi refresh --import-pending-creates` would seem to do this, and forgets the resource instead (ADR 0011).
"""

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any, cast

Resource = dict[str, Any]
Deployment = dict[str, Any]

UNREAD = "adopted after an interrupted run, and not read from the cloud since"
"""Initialisation error of an adopted resource; the next refresh removes it by reading the resource."""
_ARN = re.compile(r"(?:arn:[\w-]+|acs):[^:]*:[^:]*:(\d{12,16}):")
_REFERENCES = ("parent", "deletedWith", "viewOf")


def interrupted(deployment: Mapping[str, Any], *operations: str) -> list[Resource]:
    """Resources whose operation (`creating`, `updating`, `deleting` …; all, if none is named) was interrupted."""
    found = cast(Sequence[dict[str, Any]], deployment.get("pending_operations") or ())
    return [each["resource"] for each in found if not operations or each["type"] in operations]


def creates(deployment: Mapping[str, Any]) -> list[Resource]:
    """Interrupted creates of real resources: no component, no provider."""
    return [
        each
        for each in interrupted(deployment, "creating")
        if each.get("custom") and not each["type"].startswith("pulumi:")
    ]


def unread(deployment: Mapping[str, Any]) -> list[str]:
    """URNs of resources that an interrupted recovery adopted."""
    return [each["urn"] for each in _resources(deployment) if UNREAD in (each.get("initErrors") or ())]


def mark_unread(deployment: Mapping[str, Any], urns: Collection[str]) -> Deployment:
    """The deployment, with resources marked to be read again."""
    marked = [{**each, "initErrors": [UNREAD]} if each["urn"] in urns else each for each in _resources(deployment)]
    return {**deployment, "resources": marked}


def provider_of(resource: Resource) -> str:
    """URN of a resource's provider."""
    return str(resource.get("provider") or "").rpartition("::")[0]


def accounts(deployment: Mapping[str, Any], provider: str) -> list[str]:
    """Account numbers of a provider: those in its inputs, or else those in its resources' ARNs."""
    [inputs] = [each.get("inputs") or {} for each in _resources(deployment) if each["urn"] == provider] or [{}]
    told = inputs.get("allowedAccountIds") or inputs.get("accountId") or []
    if isinstance(told, str) and told.startswith("["):
        told = json.loads(told)  # Engines keep lists of a provider as JSON.
    if told:
        return [told] if isinstance(told, str) else [str(each) for each in told]
    own = [each for each in _resources(deployment) if provider_of(each) == provider and not each.get("external")]
    found = [_ARN.match(str((each.get("outputs") or {}).get("arn"))) for each in own]
    return sorted({each[1] for each in found if each})


def adoptable(deployment: Mapping[str, Any], resource: Resource) -> bool:
    """Whether an interrupted create can be adopted as it is.

    Not the new half of a replacement while the old half exists, and not a resource whose references are missing.
    """
    known = {each["urn"] for each in _resources(deployment)}
    return resource["urn"] not in known and _references(resource) <= known


def adopt(
    deployment: Mapping[str, Any],
    found: Mapping[str, str],
    schemas: Mapping[str, int] = MappingProxyType({}),
    lost: Sequence[Resource] = (),
    outputs: Callable[[str, str], Mapping[str, str]] = lambda type_, id_: {},
) -> Deployment:
    """The deployment without interrupted operations, and with the creates in `found` (URN → id) as resources.

    `lost`: creates that the state does not know, because their answer never came; `found` has their ids as well.
    Outputs are copies of the inputs until a refresh reads them. `schemas`: version of a type's state if it is not 0; a
    bridged provider takes a state without one for its oldest, and upgrades it. `outputs`: for a type and an id, what
    its provider needs to read it beside the id.
    """
    adopted = {
        each["urn"]: _adopted(each, found[each["urn"]], schemas.get(each["type"], 0), outputs)
        for each in (*creates(deployment), *lost)
        if each["urn"] in found
    }
    rest = {key: value for key, value in deployment.items() if key != "pending_operations"}
    return {**rest, "resources": [*_resources(deployment), *adopted.values()]}


def _resources(deployment: Mapping[str, Any]) -> Sequence[Resource]:
    return deployment.get("resources") or ()


def _adopted(resource: Resource, id_: str, schema: int, outputs: Callable[[str, str], Mapping[str, str]]) -> Resource:
    known = {**(resource.get("inputs") or {}), **outputs(resource["type"], id_), "id": id_}
    if schema:
        known["__meta"] = json.dumps({"schema_version": str(schema)})
    return {**resource, "id": id_, "outputs": known, "initErrors": [UNREAD]}


def _references(resource: Resource) -> set[str]:
    of_properties = cast(Mapping[str, Sequence[str] | None], resource.get("propertyDependencies") or {})
    every = [
        provider_of(resource),
        *(resource.get(key) for key in _REFERENCES),
        *(resource.get("dependencies") or ()),
        *(urn for urns in of_properties.values() for urn in urns or ()),
    ]
    return {urn for urn in every if urn}
