"""Every Kubernetes object of every committed stack, checked strictly before any cluster exists.

Built-in kinds are checked against the published schemas of the Kubernetes version that the stack asks for; custom
resources against the definitions in the pinned charts, where `LLMPLATFORM_CHARTS` points at their contents.
"""

import functools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from engine import Registered
from program import STACKS, run_program, stack_config

CHARTS = os.environ.get("LLMPLATFORM_CHARTS")


@functools.cache
def manifests(stack: str) -> tuple[Registered, ...]:
    registered = run_program(stack_config(stack), stack).registered
    return tuple(each for each in registered if each.type.startswith("kubernetes:") and "kind" in each.inputs)


@functools.cache
def definitions() -> dict[tuple[str, str], dict[str, Any]]:
    """(apiVersion, kind) of every custom resource of the charts to its schema, closed against unknown fields."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    assert CHARTS
    for path in sorted(Path(CHARTS).glob("*/crds/**/*.yaml")):
        if path.parts[len(Path(CHARTS).parts)] in {"cert-manager", "prometheus-operator-crds"}:
            for document in _documents(path):
                spec = document["spec"]
                for version in spec["versions"]:
                    key = f"{spec['group']}/{version['name']}", spec["names"]["kind"]
                    found[key] = closed(version["schema"]["openAPIV3Schema"])
    return found


def _documents(path: Path) -> Iterator[dict[str, Any]]:
    class Loader(yaml.CSafeLoader):
        pass

    # A bare `=` is a plain string in these files; YAML 1.1 gives it a type of its own.
    Loader.add_constructor("tag:yaml.org,2002:value", lambda loader, node: loader.construct_scalar(node))
    for document in yaml.load_all(path.read_text(), Loader=Loader):
        if document and document.get("kind") == "CustomResourceDefinition":
            yield document


def closed(schema: dict[str, Any], *, top: bool = True) -> dict[str, Any]:
    """The schema as the API server's strict field validation reads it: an object with properties allows no others."""
    result = dict(schema)
    if "properties" in result:
        result["properties"] = {name: closed(each, top=False) for name, each in result["properties"].items()}
        if top:
            result["properties"]["metadata"] = {"type": "object"}
        if not result.get("x-kubernetes-preserve-unknown-fields"):
            result["additionalProperties"] = False
    elif isinstance(result.get("additionalProperties"), dict):
        result["additionalProperties"] = closed(result["additionalProperties"], top=False)
    if isinstance(result.get("items"), dict):
        result["items"] = closed(result["items"], top=False)
    if result.get("x-kubernetes-int-or-string"):
        result["type"] = ["integer", "string"]
    return result


def faults(manifest: dict[str, Any]) -> list[str]:
    """What a strict API server would refuse."""
    key = manifest["apiVersion"], manifest["kind"]
    try:
        kubernetes_validate.validate(manifest, "1.35", strict=True)
    except kubernetes_validate.utils.ValidationError as error:
        return [f"{'.'.join(map(str, error.path))}: {error.message}"]
    except kubernetes_validate.utils.SchemaNotFoundError:
        if not CHARTS:
            return []
        if key not in definitions():
            return [f"{key} is neither built in nor defined by a pinned chart"]
        validator = jsonschema.Draft7Validator(definitions()[key])
        return [f"{'.'.join(map(str, error.path))}: {error.message}" for error in validator.iter_errors(manifest)]
    return []


@pytest.mark.parametrize("stack", STACKS)
def test_every_registered_manifest_passes_strict_validation(stack: str) -> None:
    wrong = {each.urn: found for each in manifests(stack) if (found := faults(each.inputs))}
    assert manifests(stack), "the stack registers no Kubernetes object at all"
    assert not wrong, "the API server would refuse these"


@pytest.mark.parametrize("stack", STACKS)
def test_every_object_has_an_explicit_name_and_our_labels(stack: str) -> None:
    for each in manifests(stack):
        metadata = each.inputs["metadata"]
        assert metadata.get("name"), f"{each.urn}: a random name breaks references from outside the program"
        assert metadata.get("labels", {}).get("app.kubernetes.io/managed-by") == "llmplatform", (
            f"{each.urn} is unlabelled"
        )


def deployment() -> dict[str, Any]:
    stack = STACKS[0]
    found = next(each for each in manifests(stack) if each.inputs["kind"] == "Deployment")
    return yaml.safe_load(yaml.safe_dump(found.inputs))


def test_an_unknown_field_is_refused() -> None:
    manifest = deployment()
    manifest["spec"]["replica"] = 1
    assert any("replica" in fault for fault in faults(manifest)), "a typo in a field must not pass"


def test_an_illegal_value_is_refused() -> None:
    manifest = deployment()
    manifest["spec"]["template"]["spec"]["containers"][0]["ports"][0]["containerPort"] = "eight thousand"
    assert faults(manifest), "a word is not a port"


@pytest.mark.skipif(not CHARTS, reason="the contents of the pinned charts are not here")
def test_a_custom_resource_is_held_to_the_definition_of_its_chart() -> None:
    monitor: dict[str, Any] = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "ServiceMonitor",
        "metadata": {"name": "x"},
        "spec": {"selector": {}, "endpoints": [{"port": "http", "interval": "15s"}]},
    }
    assert not faults(monitor)
    monitor["spec"]["endpoints"][0]["intervall"] = "15s"
    assert any("intervall" in fault for fault in faults(monitor))
    del monitor["spec"]["endpoints"][0]["intervall"]
    monitor["spec"]["endpoints"][0]["scheme"] = "gopher"
    assert any("gopher" in fault for fault in faults(monitor)), "an enumeration is part of the definition"
