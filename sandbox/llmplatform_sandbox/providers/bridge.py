"""How pulumi-terraform-bridge treats the engine's calls: the real providers of both clouds use it.

It compares a program's inputs with the *outputs* of the state (pkg/tfbridge/provider.go: Diff and Update build the
prior state from `olds`). So values from a refresh, or from the read after an update, are compared too, and wrong values
in the state count as true. Paths in `ignoreChanges` keep the state's value (pkg/tfbridge/diff.go, computeIgnoreChanges;
pkg/tfshim/sdk-v2/instance_diff.go, processIgnoreChanges).
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from llmplatform_sandbox.cloud.schema import Property, Shape
from llmplatform_sandbox.cloud.templates import get, put
from llmplatform_sandbox.providers.diffs import Change, diff_values
from llmplatform_sandbox.providers.values import UNKNOWN

Values = dict[str, Any]


def differences(
    known: Mapping[str, Property],
    state: Mapping[str, Any],
    old_inputs: Mapping[str, Any],
    new_inputs: Mapping[str, Any],
    *,
    computed: Collection[str] = (),
    ignored: Sequence[str] = (),
) -> dict[str, Change]:
    """Differences between a program's inputs and the state: paths, and the effect of each.

    `computed`: properties that the cloud fills where the program is silent, so that falling silent changes nothing.
    """
    seen: Values = {}
    for name in {*old_inputs, *new_inputs}:
        if name not in new_inputs and name in computed:
            continue
        value = state.get(name, old_inputs.get(name))
        if value is not None:
            shape = known[name].shape if name in known else None
            seen[name] = _spoken_of(value, old_inputs.get(name), new_inputs.get(name), shape)
    found = diff_values(seen, {name: value for name, value in new_inputs.items() if value is not None})
    return {path: change for path, change in found.items() if not _within(path, ignored)}


def request(new_inputs: Values, state: Mapping[str, Any], ignored: Sequence[str]) -> Values:
    """The inputs of an update as they are sent: at ignored paths with the state's value."""
    sent = dict(new_inputs)
    for path in ignored:
        value = get(state, path)
        if value is not None and "[" not in path:
            put(sent, path, value)
    return sent


def refreshed(old_inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> Values:
    """Inputs after a refresh: the same properties, with the cloud's values.

    pkg/tfbridge/schema.go, ExtractInputsFromOutputs and extractInputsObject: no input is added, and one that the cloud
    no longer has is dropped.
    """
    return {name: _extract(value, outputs[name]) for name, value in old_inputs.items() if name in outputs}


def without_unknown(values: Mapping[str, Any]) -> Values:
    """A planned state as it is kept without a read: unknown values are absent."""
    return {name: _settled(value) for name, value in values.items() if value is not UNKNOWN}


def _settled(value: Any) -> Any:
    if isinstance(value, Mapping):
        return without_unknown(value)
    if isinstance(value, list):
        return [_settled(inner) for inner in value if inner is not UNKNOWN]
    return value


def _extract(old: Any, new: Any) -> Any:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return refreshed(old, new)
    if isinstance(old, list) and isinstance(new, list):
        return [*(_extract(one, other) for one, other in zip(old, new, strict=False)), *new[len(old) :]]
    return new


def _spoken_of(state: Any, old: Any, new: Any, shape: Shape | None) -> Any:
    """The part of the state that inputs name; for maps, whose keys belong to the program, all of it."""
    if isinstance(state, Mapping) and not (shape and shape.kind in ("map", "any")):
        fields = shape.fields if shape else {}
        return {
            key: _spoken_of(value, _at(old, key), _at(new, key), fields[key].shape if key in fields else None)
            for key, value in state.items()
            if key in _keys(old) or key in _keys(new)
        }
    if isinstance(state, list):
        item = shape.item if shape else None
        return [_spoken_of(value, _at(old, index), _at(new, index), item) for index, value in enumerate(state)]
    return state


def _keys(value: Any) -> Collection[str]:
    return value if isinstance(value, Mapping) else ()


def _at(value: Any, step: Any) -> Any:
    if isinstance(value, Mapping):
        return value.get(step)
    return value[step] if isinstance(value, list) and isinstance(step, int) and step < len(value) else None


def _within(path: str, ignored: Sequence[str]) -> bool:
    return any(path == one or path.startswith((f"{one}.", f"{one}[")) for one in ignored)
