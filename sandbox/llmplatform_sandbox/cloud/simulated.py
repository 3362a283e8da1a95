"""A simulated account for the rest of the sandbox: the `Cloud` of interfaces.py over the account's store."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from llmplatform_sandbox.cloud import parts
from llmplatform_sandbox.cloud.account import Account
from llmplatform_sandbox.cloud.control_plane import ControlPlane
from llmplatform_sandbox.cloud.facts import load
from llmplatform_sandbox.cloud.faults import Faults
from llmplatform_sandbox.cloud.requests import CloudError
from llmplatform_sandbox.cloud.store import Record, Store
from llmplatform_sandbox.interfaces import (
    CloudObject,
    Instance,
    ManagedAutoscaler,
    NodeGroup,
    NodeTemplate,
    Unavailable,
)

FILE = "cloud.sqlite"
"""Name of an account's store."""


def open_cloud(package: str, folder: Path, control_plane: ControlPlane, *, patience: float = 10.0) -> "SimulatedCloud":
    """The account whose store is in a folder. Raises LookupError for a cloud that is not simulated.

    `patience`: seconds to wait for what real clouds wait minutes for.
    """
    return SimulatedCloud(package, folder, control_plane, patience)


class SimulatedCloud:
    """One account of one cloud. Thread-safe; every change survives a kill."""

    def __init__(self, package: str, folder: Path, control_plane: ControlPlane, patience: float) -> None:
        self.name = package
        self.parts = parts.load(package)
        self._store = Store(folder / FILE)
        facts = load(package)
        self._faults = Faults(self._store, self.parts.targets, facts.types.__contains__)
        self.account = Account(
            self._store, facts, self._faults, self.parts.behaviours(control_plane, patience), settle=patience
        )
        self._groups = self.parts.groups(self.account)

    def close(self) -> None:
        """Close the file."""
        self._store.close()

    # What exists

    def objects(self) -> Sequence[CloudObject]:
        """Everything that exists, in the order of creation."""
        self.account.catch_up()
        return [
            CloudObject(type=one.type, id=one.id, made_by=one.made_by, detail=one.outputs, inputs=self._registered(one))
            for one in self._store.all()
        ]

    def _registered(self, record: Record) -> Mapping[str, Any]:
        """Inputs, with the name marked as generated: the mark has no effect if the program gives the name."""
        name = self.account.facts.of(record.type).name
        marked = {"__defaults": [name.property]} if name and name.property in record.inputs else {}
        return {**record.inputs, **marked}

    def kept(self) -> Sequence[str]:
        """Deleted objects that the cloud keeps by design, a sentence each."""
        return self.account.kept()

    def add_object(self, type_: str, made_by: str, detail: Mapping[str, Any]) -> str:
        """Raises CloudError for a kind without facts."""
        try:
            facts = self.account.facts.of(type_)
        except LookupError as error:
            raise CloudError(str(error)) from error
        if any(rule.each == "subnetIds[]" for rule in facts.makes) and "subnetIds" not in detail:
            detail = {**detail, "subnetIds": self.parts.subnets(self._store)}
        return self.account.create(type_, made_by, dict(detail), self.account.scope).id

    def remove_object(self, id_: str, made_by: str = "") -> None:
        """Ids are unique per type only: without `made_by`, an object of the program is never removed."""
        for record in self._store.by_id(id_):
            meant = record.made_by == made_by if made_by else not self.account.facts.of(record.type).registered
            if meant:
                self.account.behaviour(record.type).deleting(self.account, record)
                self.account.remove_tree(record)

    # Node groups

    def node_groups(self) -> Sequence[NodeGroup]:
        """The pools."""
        return self._groups.all()

    def template(self, group: str) -> NodeTemplate | None:
        """The autoscaler's knowledge of an empty group's next node."""
        return self._groups.template(group)

    def resize(self, group: str, size: int) -> None:
        """Raises Unavailable, and records why, if the cloud cannot deliver."""
        try:
            self._groups.resize(group, size)
        except Unavailable as error:
            self._groups.note_shortage(group, str(error))
            raise

    def terminate(self, instance: str) -> None:
        """End one instance."""
        self._groups.terminate(instance)

    def instances(self) -> Sequence[Instance]:
        """The running machines."""
        return self._groups.instances()

    def installed(self) -> Iterable[str]:
        """Names of the add-ons that the cluster has."""
        return self.parts.installed(self._store)

    def networked(self) -> bool:
        """Whether nodes can become ready."""
        there = frozenset(self.installed())
        return any(needed <= there for needed in self.parts.network)

    def owns(self, provider_id: str) -> bool:
        """Whether a node's provider id has this cloud's form."""
        return bool(self.parts.provider_id.search(provider_id))

    def unpullable(self, image: str, pod: Mapping[str, Any], account: Mapping[str, Any] | None) -> str:
        """Why a node may not pull an image; empty if it may."""
        return self.parts.unpullable(self._store, image, pod, account)

    def remarks(self) -> Sequence[str]:
        """Inputs that the cloud silently accepted and treated differently."""
        return self.parts.remarks(self.account)

    def admins(self) -> Sequence[str]:
        """Principals that administer the cluster."""
        return self.parts.admins(self._store)

    def locked_out(self) -> str:
        """Why the caller may not enter the cluster's Kubernetes; empty if it may."""
        return self.parts.locked_out(self.account)

    def autoscaler(self) -> ManagedAutoscaler | None:
        """The cloud's own autoscaler."""
        return self.parts.autoscaler(self.account)

    # Faults

    def fault(self, kind: str, target: str, *, active: bool) -> None:
        """Raises ValueError for an unknown kind or target, and for a zone without a network."""
        zones = self.parts.zones(self._store)
        if kind == "zone-outage" and active and zones and target not in zones:
            raise ValueError(f"{target}: nothing of the stack is there; write one of {', '.join(sorted(zones))}")
        self._faults.set(kind, target, active=active)
        self.parts.struck(self.account)
        if kind == "zone-outage" and active:
            self._groups.lose_zone(target)
        if not active:
            # A group that is still short reports it again at the next try.
            self._store.forget_shortages()
            self._groups.retry()

    def faults(self) -> Sequence[tuple[str, str]]:
        """(kind, target) of every active fault."""
        return self._store.faults()

    def shortages(self) -> Mapping[str, str]:
        """Why a group did not get its machines, by its name."""
        return self._store.shortages()
