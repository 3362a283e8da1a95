"""Writes what charts accept and install: key paths of their values, their images, custom resource definitions.

Usage: chart_keys.py [--check] [FOLDER]. FOLDER (default: $LLMPLATFORM_CHARTS) holds a folder for each chart, with
Chart.yaml, values.yaml, and where there are any values.schema.json, crds/ and charts/. Charts that it lacks keep their
data. Only names of keys and addresses of images are kept; no other values and no text.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from llmplatform.catalog.versions import CHARTS

DATA = Path(__file__).parent.parent / "components/llmplatform/catalog/data/charts"

ALSO = (
    "nvidia-device-plugin",
    "aws-load-balancer-controller",
    "grafana",
    "kube-state-metrics",
    "node-feature-discovery",
    "prometheus-node-exporter",
)
"""Charts beside those of the catalog: dependencies, and what tests install."""


class _Loader(yaml.CSafeLoader):
    """Reads a bare `=` as text, which the CRDs of prometheus-operator contain."""


def _text(loader: _Loader, node: yaml.ScalarNode) -> str:
    return str(loader.construct_scalar(node))


_Loader.add_constructor("tag:yaml.org,2002:value", _text)


def main() -> int:
    """Writes the data files, or with --check names the stale ones."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", default=os.environ.get("LLMPLATFORM_CHARTS"), type=Path)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a data file is stale")
    options = parser.parse_args()
    if options.folder is None:
        parser.error("no folder: name one, or set LLMPLATFORM_CHARTS")
    stale = [
        name for name in (*CHARTS, *ALSO) if _update(options.folder / name, DATA / f"{name}.json", check=options.check)
    ]
    for name in stale:
        print(f"{name}: stale" if options.check else f"{name}: written")
    return 1 if stale and options.check else 0


def _update(source: Path, target: Path, *, check: bool) -> bool:
    if not source.is_dir():
        return False
    text = json.dumps(extract(source), indent=1) + "\n"
    if target.exists() and target.read_text(encoding="utf-8") == text:
        return False
    if not check:
        target.write_text(text, encoding="utf-8")
    return True


def extract(chart: Path) -> dict[str, Any]:
    """Facts in a chart's folder: a tree of keys (null: a value, {}: any keys), dependencies by alias, and CRDs."""
    about = _yaml(chart / "Chart.yaml")
    keys = _tree(_yaml(chart / "values.yaml") or {})
    schema = chart / "values.schema.json"
    if schema.exists():
        document = json.loads(schema.read_text(encoding="utf-8"))
        keys = _merged(keys, _of_schema(document, document))
    own: dict[str, str] = {}
    for dependency in about.get("dependencies", []):
        alias = dependency.get("alias", dependency["name"])
        embedded = chart / "charts" / dependency["name"] / "values.yaml"
        if not dependency.get("repository") and embedded.exists():
            keys = _merged(keys, {alias: _tree(_yaml(embedded) or {})})
        elif dependency.get("repository"):
            own[alias] = dependency["name"]
    pinned = CHARTS.get(chart.name)
    return {
        "chart": chart.name,
        "version": pinned.version if pinned else about["version"],
        "source": _source(chart),
        "dependencies": own,
        "crds": [crd for path in sorted((chart / "crds").rglob("*.yaml")) for crd in _crds(path)],
        "images": dict(_images(_yaml(chart / "values.yaml") or {})),
        "keys": keys,
    }


def _yaml(path: Path) -> Any:
    return yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 (a safe loader)


def _source(chart: Path) -> str:
    lines = (chart / "SOURCE.txt").read_text(encoding="utf-8").splitlines()
    said = dict(line.split(": ", 1) for line in lines if ": " in line)
    return f"{said['repository']} {said['path']} at {said['ref']}"


def _tree(value: Any) -> Any:
    return {str(key): _tree(each) for key, each in value.items()} if isinstance(value, dict) else None


def _of_schema(schema: dict[str, Any], document: dict[str, Any]) -> Any:
    while "$ref" in schema:
        path = schema["$ref"].removeprefix("#/").split("/")
        schema = document
        for step in path:
            schema = schema[step]
    properties = schema.get("properties")
    if not properties:
        return {} if schema.get("type") == "object" else None
    return {name: _of_schema(each, document) for name, each in properties.items()}


def _images(values: dict[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    """Key paths of images, with the chart's own: a registry, a folder or a repository in it."""
    for key, value in values.items():
        here = f"{path}{key}"
        if isinstance(value, dict):
            yield from _images(value, f"{here}.")
        elif value and isinstance(value, str) and _of_images(key, value, values):
            yield here, value


def _of_images(key: str, value: str, beside: dict[str, Any]) -> bool:
    if key in {"registry", "imageRegistry"}:
        return True
    # A repository beside a registry is a path in it; a bare `image` beside a repository is a name in that.
    return (key == "repository" and not beside.get("registry")) or (
        (key == "image" or key.endswith("Image")) and "/" in value and not beside.get("repository")
    )


def _merged(first: Any, second: Any) -> Any:
    """Both trees together.

    Where one is closed and the other open or a value, the keys of the closed one are known ones only.
    """
    if not isinstance(first, dict) or not isinstance(second, dict):
        return first if first is not None else second
    both = {key: _merged(value, second[key]) if key in second else value for key, value in first.items()}
    return both | {key: value for key, value in second.items() if key not in first}


def _crds(path: Path) -> list[dict[str, Any]]:
    documents = yaml.load_all(path.read_text(encoding="utf-8"), Loader=_Loader)
    return [
        {
            "group": crd["spec"]["group"],
            "versions": [version["name"] for version in crd["spec"]["versions"] if version.get("served", True)],
            "kind": crd["spec"]["names"]["kind"],
            "plural": crd["spec"]["names"]["plural"],
            "scope": crd["spec"]["scope"],
        }
        for crd in documents
        if crd and crd.get("kind") == "CustomResourceDefinition"
    ]


if __name__ == "__main__":
    sys.exit(main())
