"""The managed add-ons of EKS, and the conditions that they report of a node.

A taint keeps DaemonSets out, and the node then reports what is missing.
"""

import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from llmplatform_sandbox.citations import Cited
from llmplatform_sandbox.cloud.store import Store
from llmplatform_sandbox.cloud.templates import get
from llmplatform_sandbox.interfaces import NodeCondition, Taint

ADDON = "aws:eks/addon:Addon"


class DaemonSet(Cited):
    """A DaemonSet of an add-on."""

    addon: str
    name: str
    tolerations: str
    """Path in the add-on's configuration values."""
    default: tuple[Mapping[str, str], ...]
    gpus: str = ""
    """Only on nodes with GPUs, of this architecture."""
    host_ports: tuple[int, ...] = ()
    unless_there: Mapping[str, str] = {}
    """Type, reason and message of the condition on nodes without it."""

    def bears(self, taint: Taint, configuration: Mapping[str, Any]) -> bool:
        """Whether it runs on a node with a taint. Kubernetes, Taints and Tolerations."""
        if taint.effect == "PreferNoSchedule":
            return True
        configured = get(configuration, self.tolerations)
        return any(
            one.get("effect") in (None, "", taint.effect)
            and (
                (one.get("operator") == "Exists" and one.get("key") in (None, "", taint.key))
                or (one.get("key") == taint.key and (one.get("value") or "") == taint.value)
            )
            for one in (self.default if configured is None else configured)
        )


class Addon(Cited):
    """A managed add-on."""

    needs_node: bool = False
    """Whether it is DEGRADED until a node runs it."""
    self_managed: bool = False
    """Whether a cluster with `bootstrapSelfManagedAddons` includes it without an add-on."""


@cache
def addons() -> Mapping[str, Addon]:
    """The add-ons that EKS offers, by name."""
    return {name: Addon.model_validate(row) for name, row in _tables()["addons"].items()}


@cache
def daemonsets() -> Sequence[DaemonSet]:
    """The rows of addons.toml."""
    return [DaemonSet.model_validate(row) for row in _tables()["daemonset"]]


@cache
def _tables() -> Mapping[str, Any]:
    return tomllib.loads((files("llmplatform_sandbox.cloud.aws") / "addons.toml").read_text(encoding="utf-8"))


def conditions(store: Store, gpus: int, architecture: str, taints: Sequence[Taint]) -> tuple[NodeCondition, ...]:
    """The node's conditions beside Ready, by the installed add-ons."""
    found: list[NodeCondition] = []
    for one, configuration in _installed(store):
        if one.unless_there and gpus and one.gpus == architecture:
            kept_away = [taint for taint in taints if not one.bears(taint, configuration)]
            found.append(
                NodeCondition(
                    type=one.unless_there["type"],
                    healthy=not kept_away,
                    reason=one.unless_there["reason"] if kept_away else f"{one.name}IsThere",
                    message=f"{one.name} does not tolerate {kept_away[0].key}: {one.unless_there['message']}"
                    if kept_away
                    else "",
                )
            )
    return tuple(found)


def _installed(store: Store) -> Iterator[tuple[DaemonSet, Mapping[str, Any]]]:
    for addon in store.all(ADDON):
        values = json.loads(addon.outputs.get("configurationValues") or "{}")
        yield from ((one, values) for one in daemonsets() if one.addon == addon.outputs["addonName"])
