"""Pools of machines, on every cloud: a group with bounds and a target, spread over zones, perhaps short of machines.

A cloud's own groups add the place of a machine (`_slot`), its kind (`_launch`, `_instance`), and the autoscaler's
knowledge of a future one (`template`).
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from llmplatform_sandbox.cloud.account import Account
from llmplatform_sandbox.cloud.requests import CloudError
from llmplatform_sandbox.cloud.store import Record
from llmplatform_sandbox.interfaces import Instance, NodeGroup, NodeTemplate, Unavailable

MACHINE = "instance"
"""Kind of object of a machine, on every cloud."""


@dataclass(frozen=True, kw_only=True)
class Slot:
    """Place and capacity type of one available machine."""

    kind: str
    """Instance type."""
    subnet: str
    zone: str
    spot: bool = False


class MachineGroups(ABC):
    """The groups of one account."""

    group_type: ClassVar[str]
    """Kind of object of a group."""
    pool_type: ClassVar[str]
    """Type of the resource of a group."""
    pool_name: ClassVar[str]
    """Property with a pool's name."""
    no_group: ClassVar[str]
    """The cloud's answer to the name of a missing group; `{}` stands for the name."""

    def __init__(self, account: Account) -> None:
        self._account, self._store = account, account.store

    # What a cloud adds

    @abstractmethod
    def template(self, group_id: str) -> NodeTemplate | None:
        """The autoscaler's knowledge of an empty group's next node."""

    @abstractmethod
    def _autoscaled(self, group: Record) -> bool: ...

    @abstractmethod
    def _instance(self, record: Record) -> Instance: ...

    @abstractmethod
    def _slot(self, group: Record, pool: Record) -> Slot:
        """Raises Unavailable with the cloud's own code if there is none."""

    @abstractmethod
    def _launch(self, group: Record, pool: Record, slot: Slot) -> None: ...

    @abstractmethod
    def _subnets(self, pool: Record) -> list[tuple[str, str]]:
        """(subnet, zone) in the pool's order, including zones without power."""

    def _kept(self, group: Record) -> int:
        """Number of machines to which the cloud itself refills the group."""
        return group.outputs["desiredCapacity"]

    # As the cluster and its autoscaler see them

    def all(self) -> list[NodeGroup]:
        """Every group with its bounds and target."""
        return [
            NodeGroup(
                id=group.id,
                name=self.owner(group).outputs.get(self.pool_name) or group.id,
                minimum=group.outputs["minSize"],
                maximum=group.outputs["maxSize"],
                target=group.outputs["desiredCapacity"],
                zones=sorted({zone for _, zone in self._subnets(self.owner(group))}),
                autoscaled=self._autoscaled(group),
            )
            for group in self._store.all(self.group_type)
        ]

    def instances(self) -> list[Instance]:
        """Every running machine."""
        return [self._instance(record) for record in self._store.all(MACHINE)]

    def resize(self, group_id: str, size: int) -> None:
        """Raises Unavailable, with nothing changed, if machines are missing."""
        with self._store.transaction():
            group = self._require(group_id)
            low, high = group.outputs["minSize"], group.outputs["maxSize"]
            if not low <= size <= high:
                raise ValueError(f"ValidationError: {size} is out of the bounds of {group_id}: {low} to {high}")
            running = self._running(group)
            self._store.shortage(group_id, None)
            for _ in range(size - len(running)):
                self._add(group)
            for surplus in running[size:]:
                self._account.remove_tree(surplus)
            self._set_desired(group, size)

    def terminate(self, instance_id: str) -> None:
        """Terminate one instance and shrink its group by one. A terminated one is success."""
        with self._store.transaction():
            record = self._store.get(MACHINE, instance_id)
            if record is None:
                return
            group = self._require(record.outputs["group"])
            self._account.remove_tree(record)
            self._set_desired(group, max(group.outputs["minSize"], group.outputs["desiredCapacity"] - 1))

    def lose_zone(self, zone: str) -> None:
        """Machines of a zone vanish. Each group gets others elsewhere, as far as its cloud refills it."""
        for group in self._store.all(self.group_type):
            with self._store.transaction():
                lost = [one for one in self._running(group) if one.outputs["zone"] == zone]
                for record in lost:
                    self._account.remove_tree(record)
                short = self._refilled(group) if lost else ""
                left = len(self._running(group))
                if lost:
                    self._set_desired(group, max(left, group.outputs["minSize"]))
                    self._store.shortage(group.id, short or None)

    def retry(self) -> None:
        """Each group that is short of its size tries again."""
        for group in self._store.all(self.group_type):
            if len(self._running(group)) < group.outputs["desiredCapacity"]:
                try:
                    self.resize(group.id, group.outputs["desiredCapacity"])
                except Unavailable as error:
                    self.note_shortage(group.id, str(error))

    def want(self, group: Record, size: int, reason: str) -> None:
        """A size that is not available now, with the reason; the group keeps it as its target."""
        self._set_desired(group, size)
        self.note_shortage(group.id, reason)

    def _refilled(self, group: Record) -> str:
        """Why the group could not be refilled; empty if it could."""
        for _ in range(self._kept(group) - len(self._running(group))):
            try:
                self._add(group)
            except Unavailable as error:
                return str(error)
        return ""

    def note_shortage(self, group_id: str, reason: str) -> None:
        """Record why a group did not get its machines."""
        self._store.shortage(group_id, reason)

    # As the pool's resource needs them

    def group_of(self, pool: Record) -> Record | None:
        """The group of a pool."""
        return next((one for one in self._store.owned(pool.key) if one.type == self.group_type), None)

    def owner(self, group: Record) -> Record:
        """The pool of a group."""
        return self._store.get(self.pool_type, group.outputs["nodeGroup"]) or group

    def set_bounds(self, group: Record, low: int, high: int) -> None:
        """Other limits for the autoscaler; no machine starts or stops."""
        self._account.amend(group, {"minSize": low, "maxSize": high})

    # As a renewal of machines needs them

    def running(self, group: Record) -> list[Record]:
        """The machines of a group, the oldest first."""
        return self._running(group)

    def node(self, record: Record) -> str:
        """Name of a machine's node."""
        return self._instance(record).node

    def add(self, group: Record) -> Record:
        """Add one machine, whatever the group's size. Raises Unavailable."""
        with self._store.transaction():
            before = {one.key for one in self._running(group)}
            self._add(group)
            return next(one for one in self._running(group) if one.key not in before)

    def end(self, record: Record) -> None:
        """Remove one machine, whatever the group's size."""
        with self._store.transaction():
            self._account.remove_tree(record)

    def renew(self, record: Record) -> Record:
        """Replace a machine. Raises Unavailable, with nothing changed."""
        with self._store.transaction():
            group = self._require(record.outputs["group"])
            self._account.remove_tree(record)
            return self.add(group)

    # Insides

    def _require(self, group_id: str) -> Record:
        group = self._store.get(self.group_type, group_id)
        if group is None:
            raise CloudError(self.no_group.format(group_id))
        return group

    def _running(self, group: Record) -> list[Record]:
        return [one for one in self._store.owned(group.key) if one.type == MACHINE]

    def _set_desired(self, group: Record, size: int) -> None:
        self._account.amend(group, {"desiredCapacity": size})

    def _add(self, group: Record) -> None:
        pool = self.owner(group)
        self._launch(group, pool, self._slot(group, pool))

    def _powered(self, group: Record, pool: Record) -> Sequence[tuple[str, str]]:
        """(subnet, zone) of working zones, least used first."""
        used = [one.outputs["subnetId"] for one in self._running(group)]
        there = [(subnet, zone) for subnet, zone in self._subnets(pool) if not self._out(zone)]
        return sorted(there, key=lambda pair: used.count(pair[0]))

    def _out(self, zone: str) -> bool:
        return self._account.faults.active("zone-outage", zone)
