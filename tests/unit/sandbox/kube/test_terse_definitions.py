"""CRDs without their descriptions."""

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from llmplatform_sandbox.kube.definitions import Definition, from_folder, manifest_of

TEXT = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
spec:
  versions:
  - additionalPrinterColumns:
    - description: Stays, as the first key of its entry
      jsonPath: .spec.description
    schema:
      openAPIV3Schema:
        description: |-
          Several lines.

          type: none of them is a key
        properties:
          description:
            description: A property of that name, whose own
              description is wrapped.
            type: string
          flow:
            description: one line
            properties: {description: {type: string}}
        type: object
"""


class _Loader(yaml.CSafeLoader):
    """Reads the bare `=` of some CRDs as text."""


_Loader.add_constructor("tag:yaml.org,2002:value", lambda loader, node: loader.construct_scalar(node))  # pyright: ignore


def loaded(text: str) -> Any:
    return yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader


def undescribed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: undescribed(each) for key, each in value.items() if key != "description" or isinstance(each, dict)}  # pyright: ignore
    return [undescribed(each) for each in value] if isinstance(value, list) else value  # pyright: ignore


def test_descriptions_go_and_a_property_of_that_name_stays() -> None:
    schema = loaded(Definition(name="x", text=TEXT).terse)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    assert schema == {
        "properties": {
            "description": {"type": "string"},
            "flow": {"properties": {"description": {"type": "string"}}},
        },
        "type": "object",
    }


@pytest.mark.skipif("LLMPLATFORM_CHARTS" not in os.environ, reason="the contents of the pinned charts are not here")
@pytest.mark.parametrize("chart", ["cert-manager", "gpu-operator", "keda"])
def test_nothing_else_of_a_charts_definitions_goes(chart: str) -> None:
    definitions = from_folder(Path(os.environ["LLMPLATFORM_CHARTS"]) / chart, {})
    assert definitions
    for each in definitions:
        assert undescribed(loaded(each.terse)) == undescribed(loaded(each.text)), each.name
        assert len(each.terse) < 0.8 * len(each.text), each.name


@pytest.mark.skipif("LLMPLATFORM_CHARTS" not in os.environ, reason="the contents of the pinned charts are not here")
@pytest.mark.parametrize("chart", ["kserve-llmisvc-crd", "lws", "milvus-operator"])
def test_no_version_is_asked_of_a_webhook_that_does_not_run(chart: str) -> None:
    texts = [
        each
        for each in from_folder(Path(os.environ["LLMPLATFORM_CHARTS"]) / chart, {})
        if "\n  conversion:" in each.text
    ]
    assert texts
    for each in texts:
        spec = loaded(each.text)["spec"]
        assert spec.pop("conversion")["strategy"] == "Webhook", each.name
        assert undescribed(loaded(each.terse)["spec"]) == undescribed(spec), each.name


def test_an_uninstall_takes_no_definition_that_the_chart_keeps() -> None:
    """Helm, "The resource policy": `helm.sh/resource-policy: keep`."""
    text = "kind: CustomResourceDefinition\nmetadata:\n  annotations:\n    {}\n  name: {}\n"
    taken = Definition(name="backups.example.org", text=text.format("example.org/policy: keep", "backups.example.org"))
    kept = Definition(
        name="stores.example.org", text=text.format("helm.sh/resource-policy: keep", "stores.example.org")
    )
    manifest = manifest_of([taken, kept])
    assert "backups.example.org" in manifest
    assert "stores.example.org" not in manifest
