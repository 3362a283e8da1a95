"""Records a program's registrations, and repeats them without the program.

A recording has a line for each custom resource: class, name, inputs and options as they went to the engine. In a
preview, the inputs that were unknown are noted, so that the replay makes them outputs of the same resources.
"""

import importlib
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, TextIO, cast

import pulumi
from google.protobuf import json_format
from pulumi.runtime import rpc
from pulumi.runtime.settings import SETTINGS

_SIGNATURE, _SECRET = rpc._special_sig_key, rpc._special_secret_sig  # pyright: ignore[reportPrivateUsage]
_UNKNOWN = rpc.UNKNOWN
Where = tuple[str | int, ...]
"""Keys and indices that lead to a part of a value."""
_OPTIONS = ("protect", "retainOnDelete", "deleteBeforeReplace", "ignoreChanges", "additionalSecretOutputs")


class Recorder:
    """Stands between the program and the engine, and writes down every registration of a custom resource."""

    def __init__(self, monitor: Any, file: TextIO) -> None:
        self._monitor, self._file = monitor, file
        self._classes: dict[tuple[str, str], str] = {}
        self._note_classes()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._monitor, name)

    def RegisterResource(self, request: Any) -> Any:
        """Register as asked, and note it with the URN that came of it."""
        response = self._monitor.RegisterResource(request)
        if request.custom:
            line = {
                "class": self._classes[request.type, request.name],
                "name": request.name,
                "urn": response.urn,
                "type": request.type,
                "id": response.id,
                # Kubernetes takes every object as it is; a cloud adds to it.
                "outputs": {} if _kubernetes(request.type) else json_format.MessageToDict(response.object),
                "inputs": json_format.MessageToDict(request.object),
                "dependencies": list(request.dependencies),
                "of": {key: list(found.urns) for key, found in request.propertyDependencies.items()},
                "provider": request.provider.rsplit("::", 1)[0],
                "timeouts": json_format.MessageToDict(request.customTimeouts),
                **{option: _plain(getattr(request, option)) for option in _OPTIONS},
            }
            self._file.write(json.dumps(line) + "\n")
        return response

    def _note_classes(self) -> None:
        made, classes = pulumi.CustomResource.__init__, self._classes

        def noting(resource: pulumi.CustomResource, t: str, name: str, *args: Any, **kwargs: Any) -> None:
            kind = type(resource)
            classes[t, name] = f"{kind.__module__}:{kind.__qualname__}"
            made(resource, t, name, *args, **kwargs)

        cast(Any, pulumi.CustomResource).__init__ = noting


def record(file: TextIO) -> None:
    """From here on, write down what the program registers."""
    settings = cast(Any, SETTINGS)
    settings.monitor = Recorder(settings.monitor, file)


def answers(recording: Path) -> dict[tuple[str, str], tuple[str, dict[str, Any]]]:
    """(type, name) of what a cloud has made to its id and outputs."""
    return {
        (line["type"], line["name"]): (line["id"], line["outputs"])
        for line in _lines(recording)
        if not _kubernetes(line["type"])
    }


def merge(preview: Path, applied: Path, target: Path) -> int:
    """One recording out of those of a preview and of an update, in the order of the latter. Returns its length."""
    unknown = {line["urn"]: line["inputs"] for line in _lines(preview)}
    count = 0
    with target.open("w") as file:
        for line in _lines(applied):
            count += 1
            line["unknown"] = [path for path, value in _leaves(unknown[line["urn"]]) if value == _UNKNOWN]
            file.write(json.dumps(line) + "\n")
    return count


def replay(recording: Path) -> None:
    """Register everything again, with the classes of the SDKs and no component."""
    made: dict[str, pulumi.Resource] = {}
    for line in _lines(recording):
        made[line["urn"]] = _register(line, made)


def _register(line: Mapping[str, Any], made: Mapping[str, pulumi.Resource]) -> pulumi.Resource:
    kind = _class(line["class"])
    of: Mapping[str, list[str]] = line["of"]
    inputs = {
        _argument(kind, key): _input(_decoded(key, value, kind), key, line, [made[urn] for urn in of.get(key, ())])
        for key, value in line["inputs"].items()
    }
    inherited = {urn for urns in of.values() for urn in urns}
    provider = made.get(line["provider"])
    timeouts = {key: value for key, value in line["timeouts"].items() if value}
    opts = pulumi.ResourceOptions(
        depends_on=[made[urn] for urn in line["dependencies"] if urn not in inherited],
        provider=cast(pulumi.ProviderResource, provider) if provider else None,
        protect=line["protect"],
        retain_on_delete=line["retainOnDelete"] or None,
        delete_before_replace=line["deleteBeforeReplace"] or None,
        ignore_changes=line["ignoreChanges"] or None,
        additional_secret_outputs=line["additionalSecretOutputs"] or None,
        custom_timeouts=pulumi.CustomTimeouts(**timeouts) if timeouts else None,
    )
    return kind(line["name"], opts=opts, **inputs)


def _input(value: Any, key: str, line: Mapping[str, Any], sources: list[pulumi.Resource]) -> Any:
    """The value with an output at each leaf that was unknown, else at its first: what it depends on is the same."""
    if not sources:
        return _rebuilt(value, (key,), {})
    unknown = {tuple(path) for path in line["unknown"] if path[0] == key}
    if unknown:
        return _rebuilt(value, (key,), dict.fromkeys(unknown, _known_with(tuple(sources), ids=True)))
    first, _ = next(_leaves(value, (key,)))
    return _rebuilt(value, (key,), {first: _known_with(tuple(sources), ids=False)})


@cache
def _known_with(sources: tuple[pulumi.Resource, ...], *, ids: bool) -> pulumi.Output[Any]:
    """Made once for many users, as a program would."""
    return pulumi.Output.all(*(getattr(each, "id", each.urn) if ids else each.urn for each in sources))


def _rebuilt(part: Any, path: Where, outputs: Mapping[Where, pulumi.Output[Any]]) -> Any:
    if path in outputs:
        return outputs[path].apply(lambda _: part)
    if isinstance(part, dict):
        mapping = cast(dict[str, Any], part)
        if mapping.get(_SIGNATURE) == _SECRET:
            return pulumi.Output.secret(_rebuilt(mapping["value"], path, outputs))
        return {name: _rebuilt(each, (*path, name), outputs) for name, each in mapping.items()}
    if isinstance(part, list):
        return [_rebuilt(each, (*path, index), outputs) for index, each in enumerate(cast(list[Any], part))]
    return int(part) if isinstance(part, float) and part.is_integer() else part


def _leaves(value: Any, path: Where = ()) -> Iterator[tuple[Where, Any]]:
    if isinstance(value, dict):
        mapping = cast(dict[str, Any], value)
        if mapping.get(_SIGNATURE) == _SECRET:
            yield from _leaves(mapping["value"], path)
        else:
            for key, each in mapping.items():
                yield from _leaves(each, (*path, key))
    elif isinstance(value, list):
        for index, each in enumerate(cast(list[Any], value)):
            yield from _leaves(each, (*path, index))
    else:
        yield path, value


def _lines(file: Path) -> Iterator[dict[str, Any]]:
    with file.open() as lines:
        for line in lines:
            yield json.loads(line)


@cache
def _class(path: str) -> Any:
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)


@cache
def _argument(kind: Any, wire: str) -> str:
    """What the SDK calls a property that the engine calls so."""
    for name, found in vars(kind).items():
        if isinstance(found, property) and getattr(found.fget, "_pulumi_name", name) == wire:
            return name
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", wire).lower()


def _decoded(key: str, value: Any, kind: type[Any]) -> Any:
    """Arguments of a provider travel as JSON text where they are no strings; a kubeconfig is text that stays so."""
    if issubclass(kind, pulumi.ProviderResource) and key != "kubeconfig" and isinstance(value, str):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _kubernetes(type_: str) -> bool:
    return type_.startswith("kubernetes:")


def _plain(value: Any) -> Any:
    return value if isinstance(value, bool) else list(value)
