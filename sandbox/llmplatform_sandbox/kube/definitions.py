"""CRDs of a chart: read from a folder, or permissive ones made from names."""

import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from llmplatform_sandbox.kube.client import Kube
from llmplatform_sandbox.kube.waiting import until_gone, until_ready

_MANAGER = "helm"
_PATIENCE = 180.0
"""Seconds until a definition is served or gone: an API server with little processor time takes long for large ones."""
_PARALLEL = 4
_API = "apiextensions.k8s.io/v1"
_KIND = "CustomResourceDefinition"
_NAME = re.compile(r"^metadata:\s*\n(?:[ #].*\n|\n)*?  name: [\"']?(?P<name>[\w.-]+)[\"']?\s*$", re.MULTILINE)
# A property of that name has a schema, which is no scalar and begins on the next line.
_DESCRIPTION = re.compile(r"^( *)description: [^\s{\[].*\n(?:[ ]*\n|\1 +.*\n)*", re.MULTILINE)
# A schema has no key that is indented so little.
_CONVERSION = re.compile(r"^  conversion:\n(?:   .*\n)+", re.MULTILINE)
_KEPT = re.compile(r"^    helm\.sh/resource-policy: [\"']?keep[\"']?\s*$", re.MULTILINE)
_IS_CRD = re.compile(rf"^kind: [\"']?{_KIND}[\"']?\s*$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Definition:
    """A CRD as YAML text that the API server reads itself: parsing megabytes of schemas here would take seconds."""

    name: str
    text: str

    @property
    def terse(self) -> str:
        """The text without descriptions, which are most of it: the API server copies it at each change of status.

        It names no webhook that converts between versions either. None runs here, so every request for a version that
        is not the stored one would fail.
        """
        return _CONVERSION.sub("", _DESCRIPTION.sub("", self.text))


def from_folder(chart: Path, values: Mapping[str, Any]) -> list[Definition]:
    """The CRDs of an unpacked chart: its own `crds/`, and those of every sub-chart that its condition enables."""
    found = list(_from_files(chart / "crds"))
    effective = _merged(_yaml(chart / "values.yaml"), values)
    for dependency in _yaml(chart / "Chart.yaml").get("dependencies") or []:
        folder = chart / "charts" / dependency["name"]
        if folder.is_dir() and _switched_on(dependency.get("condition", ""), effective):
            found.extend(from_folder(folder, effective.get(dependency.get("alias") or dependency["name"]) or {}))
    return found


def permissive(*, group: str, versions: Sequence[str], kind: str, plural: str, scope: str) -> Definition:
    """A CRD that accepts any content. `versions`: the first is the stored one. `scope`: Namespaced or Cluster."""
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    definition = {
        "apiVersion": _API,
        "kind": _KIND,
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": scope,
            "names": {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": f"{kind}List"},
            "versions": [
                {
                    "name": name,
                    "served": True,
                    "storage": name == versions[0],
                    "schema": schema,
                    "subresources": {"status": {}},
                }
                for name in versions
            ],
        },
    }
    return Definition(name=f"{plural}.{group}", text=yaml.safe_dump(definition))


def install(kube: Kube, definitions: Sequence[Definition], *, upgrade: bool) -> None:
    """Apply the CRDs and wait until they are established; existing ones only with `upgrade` (not those of `crds/`)."""
    existing = {obj["metadata"]["name"]: obj for obj in kube.list(_API, _KIND)}
    wanted = {definition.name: definition for definition in definitions}
    leaving = [obj for name, obj in existing.items() if name in wanted and obj["metadata"].get("deletionTimestamp")]
    for obj in leaving:
        until_gone(kube, obj, seconds=_PATIENCE)
        del existing[obj["metadata"]["name"]]
    missing = [definition for name, definition in wanted.items() if upgrade or name not in existing]
    with ThreadPoolExecutor(_PARALLEL) as pool:
        list(pool.map(partial(_install, kube), missing))


def _install(kube: Kube, definition: Definition) -> None:
    live = kube.apply_text(_API, _KIND, definition.name, definition.terse, manager=_MANAGER)
    until_ready(kube, live, seconds=_PATIENCE)


def manifest_of(definitions: Sequence[Definition]) -> str:
    """The definitions that an uninstall deletes, in the form of a release's manifest: only identities."""
    taken = (each.name for each in definitions if not _KEPT.search(each.text))
    return "".join(f"---\napiVersion: {_API}\nkind: {_KIND}\nmetadata:\n  name: {name}\n" for name in taken)


def remove(kube: Kube, manifest: str) -> None:
    """Ask for deletion of every CRD in a release's manifest, without waiting, as Helm does."""
    for match in _NAME.finditer(manifest):
        kube.delete({"apiVersion": _API, "kind": _KIND, "metadata": {"name": match["name"]}})


def _from_files(folder: Path) -> Iterator[Definition]:
    for file in sorted(folder.rglob("*.y*ml")):
        for text in re.split(r"^---.*$", file.read_text(), flags=re.MULTILINE):
            if _IS_CRD.search(text):
                match = _NAME.search(text)
                yield Definition(name=match["name"] if match else _parsed_name(text), text=text)


class _Loader(yaml.SafeLoader):
    """SafeLoader that reads the bare `=` of some CRDs as text."""


_Loader.add_constructor("tag:yaml.org,2002:value", lambda loader, node: loader.construct_scalar(node))  # pyright: ignore


def _parsed_name(text: str) -> str:
    return yaml.load(text, _Loader)["metadata"]["name"]  # noqa: S506 - a SafeLoader


def _yaml(file: Path) -> dict[str, Any]:
    return (yaml.load(file.read_text(), _Loader) or {}) if file.is_file() else {}  # noqa: S506 - a SafeLoader


def _merged(defaults: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(defaults)
    for key, value in values.items():
        old = merged.get(key)
        merged[key] = _merged(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged


def lookup(values: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path, or None."""
    found: Any = values
    for key in path.split("."):
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def _switched_on(condition: str, values: Mapping[str, Any]) -> bool:
    """Helm's rule: the first path of the comma-separated list that exists decides; if none exists: enabled."""
    found = [lookup(values, path.strip()) for path in condition.split(",") if path.strip()]
    return next((bool(value) for value in found if value is not None), True)
