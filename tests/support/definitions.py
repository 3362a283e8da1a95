"""Custom resources as the charts define them, checked as a strict API server does."""

import os
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

CHARTS = os.environ.get("LLMPLATFORM_CHARTS")
"""Folder of the unpacked charts; tests that need it are skipped without it."""

Kind = tuple[str, str]
"""apiVersion and kind."""


@cache
def definitions(*charts: str) -> Mapping[Kind, dict[str, Any]]:
    """The schema of every custom resource of some charts, closed against unknown fields."""
    assert CHARTS
    found: dict[Kind, dict[str, Any]] = {}
    for chart in charts:
        for path in sorted(Path(CHARTS, chart, "crds").rglob("*.yaml")):
            for document in _documents(path):
                spec = document["spec"]
                for version in spec["versions"]:
                    key = f"{spec['group']}/{version['name']}", spec["names"]["kind"]
                    found[key] = closed(version["schema"]["openAPIV3Schema"])
    return found


class _Loader(yaml.CSafeLoader):
    """Reads a bare `=` as the plain string that it is in these files; YAML 1.1 gives it a type of its own."""


def _text(loader: _Loader, node: yaml.ScalarNode) -> str:
    return str(loader.construct_scalar(node))


_Loader.add_constructor("tag:yaml.org,2002:value", _text)


def _documents(path: Path) -> Iterator[dict[str, Any]]:
    for document in yaml.load_all(path.read_text(), Loader=_Loader):
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
