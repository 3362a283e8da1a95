"""What an update sends of the paths in `ignoreChanges`.

Source: pulumi-kubernetes, provider/pkg/await/await.go, `handleSSAIgnoreFields`.
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from llmplatform_sandbox.kube.client import Kube, Object


def sent(kube: Kube, body: Object, manager: str, paths: Sequence[str]) -> Object:
    """The body of a server-side apply by `manager`, as far as the live object lets it.

    A path that other managers own alone is left out, so that the program does not share it. Any other has its live
    value: left out, it would fall back to its default.
    """
    metadata = body["metadata"]
    live = kube.get(body["apiVersion"], body["kind"], metadata["name"], metadata.get("namespace")) if paths else None
    return _without(paths, body, live, manager) if live else body


def _without(paths: Sequence[str], body: Object, live: Mapping[str, Any], manager: str) -> Object:
    changed = deepcopy(body)
    fields = live["metadata"].get("managedFields", [])
    for path in paths:
        *parents, last = steps = path.split(".")
        owners = {entry["manager"] == manager for entry in fields if _owns(entry["fieldsV1"], steps)}
        holder, now = _at(changed, parents), _at(live, parents)
        if holder is None:
            continue
        if owners == {False}:
            holder.pop(last, None)
        elif now is not None and last in now:
            holder[last] = deepcopy(now[last])
    return changed


def _owns(fields: Mapping[str, Any], steps: Sequence[str]) -> bool:
    """Whether a manager's fields (`metadata.managedFields`) have a path."""
    return _at(fields, [f"f:{step}" for step in steps]) is not None


def _at(values: Any, steps: Sequence[str]) -> Any:
    for step in steps:
        values = values.get(step) if isinstance(values, Mapping) else None
    return values
