"""Keys and CRDs of the pinned charts, from `data/charts/<chart>.json` (written by `scripts/chart_keys.py`).

Most charts silently ignore a misspelt key. Only their own values.yaml shows which keys exist.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import Any, cast

from llmplatform.catalog.tables import DATA
from llmplatform.catalog.trees import merged

OPEN = frozenset(
    [
        "affinity",
        "annotations",
        "args",
        "containerSecurityContext",
        "data",
        "env",
        "extraArgs",
        "extraEnv",
        "featureGates",
        "global",
        "labels",
        "limits",
        "nodeSelector",
        "podAnnotations",
        "podLabels",
        "podSecurityContext",
        "requests",
        "resources",
        "securityContext",
        "selector",
        "strategy",
        "updateStrategy",
    ]
)
"""Names of maps whose keys the user chooses, or Kubernetes defines, even if values.yaml has example keys."""

OPEN_ENDINGS = ("Annotations", "Labels", "NodeSelector", "Selector", "SecurityContext", "Resources")
"""Endings of such names."""

ALSO: Mapping[str, tuple[str, ...]] = {
    "dcgm-exporter": ("customMetrics",),
    "gpu-operator": (
        "dcgmExporter.config.create",
        "dcgmExporter.config.data",
        "dcgmExporter.config.name",
        "dcgmExporter.imagePullSecrets",
    ),
    "grafana": ("adminPassword",),
    "kuberay-operator": ("watchNamespace",),
    "prometheus-node-exporter": ("priorityClassName",),
}
"""Key paths that templates read, and values.yaml has only as comments, or not at all. Source: the comments, at the
pinned version; for the GPU operator its templates/clusterpolicy.yaml."""


NAMES_OF_SECRETS: frozenset[str] = frozenset(["cluster-autoscaler", "gpu-operator"])
"""Charts whose pull secrets are a list of names; in all others they are `- name: …`, as in a pod. Source: their
templates at the pinned version, `deployment.yaml` and `clusterpolicy.yaml`."""

NO_PULL_SECRETS: Mapping[str, tuple[str, ...]] = {"kserve-resources": ("kserve.router.imagePullSecrets",)}
"""Key paths whose list a chart writes into a configuration of its own, in a form that is no JSON. Source: kserve
v0.20.0, charts/kserve-resources/files/common/configmap-patch.yaml, `router`."""

_PULL_SECRETS = ("imagePullSecrets", "pullSecrets")
_EVERYWHERE = "global.imagePullSecrets"


@dataclass(frozen=True, kw_only=True)
class CrdKind:
    """A CRD of a chart."""

    group: str
    versions: tuple[str, ...]
    """Served versions."""
    kind: str
    plural: str
    scope: str
    """`Namespaced` or `Cluster`."""


@dataclass(frozen=True, kw_only=True)
class ChartKeys:
    """The keys that a chart's values may have: a tree in which None is any value, and an empty map any keys."""

    chart: str
    version: str
    source: str
    tree: Mapping[str, Any]

    def unknown(self, values: Mapping[str, Any]) -> list[str]:
        """One line for each key that the chart does not know: path, fault and remedy. Empty if all are known."""
        return list(_unknown(values, self.tree, ""))


def chart_keys(chart: str, version: str) -> ChartKeys:
    """The keys of a chart. Raises KeyError if that version's keys are not recorded."""
    document = _document(chart)
    if document["version"] != version:
        raise KeyError(
            f"{chart} {version}: its keys are not on record (those of {document['version']} are); run "
            "scripts/chart_keys.py"
        )
    return ChartKeys(chart=chart, version=version, source=document["source"], tree=_tree(chart))


def chart_crds(chart: str) -> tuple[CrdKind, ...]:
    """The CRDs of a chart; empty if it has none. Raises KeyError for a chart that is not recorded."""
    return tuple(
        CrdKind(
            group=crd["group"],
            versions=tuple(crd["versions"]),
            kind=crd["kind"],
            plural=crd["plural"],
            scope=crd["scope"],
        )
        for crd in _document(chart)["crds"]
    )


def chart_images(chart: str) -> Mapping[str, str]:
    """Key paths that say where a chart's images come from, those of its dependencies among them.

    Each with what the chart itself says: a registry, or a folder or a repository in one.
    """
    document = _document(chart)
    inner = {
        f"{alias}.{path}": home
        for alias, dependency in document["dependencies"].items()
        if _on_record(dependency)
        for path, home in chart_images(dependency).items()
    }
    return {**inner, **document["images"]}


def pull_secrets(chart: str, name: str) -> Mapping[str, list[str] | list[dict[str, str]]]:
    """Key paths that take pull secrets, each with the Secret `name` as that chart spells it.

    The one for a chart and its dependencies, where it has no other. Empty for a chart that takes none.
    """
    document = _document(chart)
    known = [path for path in (*_paths(document["keys"]), *ALSO.get(chart, ())) if path.endswith(_PULL_SECRETS)]
    own = [path for path in known if path not in NO_PULL_SECRETS.get(chart, ())]
    spelt = [name] if chart in NAMES_OF_SECRETS else [{"name": name}]
    if _EVERYWHERE in own and _PULL_SECRETS[0] not in own:
        return {_EVERYWHERE: spelt}
    inner = {
        f"{alias}.{path}": value
        for alias, dependency in document["dependencies"].items()
        if _on_record(dependency)
        for path, value in pull_secrets(dependency, name).items()
    }
    return {**inner, **{path: spelt for path in own if path != _EVERYWHERE}}


def _paths(tree: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Key paths of all values of a tree."""
    for key, value in tree.items():
        if isinstance(value, Mapping) and value:
            yield from _paths(cast(Mapping[str, Any], value), f"{path}{key}.")
        else:
            yield f"{path}{key}"


def _on_record(chart: str) -> bool:
    return (DATA / "charts" / f"{chart}.json").exists()


@lru_cache
def _document(chart: str) -> dict[str, Any]:
    if not _on_record(chart):
        raise KeyError(f"{chart}: its keys are not on record; run scripts/chart_keys.py")
    return cast(dict[str, Any], json.loads((DATA / "charts" / f"{chart}.json").read_text(encoding="utf-8")))


@lru_cache
def _tree(chart: str) -> Mapping[str, Any]:
    """The chart's keys, and those of its dependencies below their aliases.

    A dependency that is not recorded accepts any key.
    """
    document = _document(chart)
    tree: dict[str, Any] = {"global": {}, **document["keys"]}
    for alias, dependency in document["dependencies"].items():
        tree[alias] = merged(tree.get(alias) or {}, _tree(dependency)) if _on_record(dependency) else {}
    for path in ALSO.get(chart, ()):
        *parents, last = path.split(".")
        _inner(tree, parents)[last] = None
    return tree


def _inner(tree: dict[str, Any], steps: list[str]) -> dict[str, Any]:
    for step in steps:
        tree = tree.setdefault(step, {})
    return tree


def _unknown(values: Mapping[str, Any], tree: Mapping[str, Any], path: str) -> Iterator[str]:
    for key, value in values.items():
        here = f"{path}.{key}".removeprefix(".")
        if key not in tree:
            near = get_close_matches(key, tree, n=1)
            remedy = f"did you mean '{near[0]}'?" if near else "remove it, or see the chart's values.yaml"
            yield f"{here}: the chart has no such key; {remedy}"
        elif isinstance(value, Mapping) and isinstance(tree[key], Mapping) and not _is_open(key, tree[key]):
            yield from _unknown(cast(Mapping[str, Any], value), tree[key], here)


def _is_open(key: str, tree: Mapping[str, Any]) -> bool:
    return not tree or key in OPEN or key.endswith(OPEN_ENDINGS)
