"""Renewal of a simulated managed pool's machines: in batches, each drained first by the rules of eviction."""

from collections.abc import Callable, Iterator, Sequence

from llmplatform_sandbox.cloud.control_plane import Nodes
from llmplatform_sandbox.cloud.machine_groups import MachineGroups
from llmplatform_sandbox.cloud.requests import CloudError
from llmplatform_sandbox.cloud.store import Record
from llmplatform_sandbox.cloud.waiting import wait
from llmplatform_sandbox.interfaces import Unavailable

EVICTION = 6.0
"""Factor of a drain's time limit over others: clouds give it 15 to 30 minutes."""


class Rollout:
    """Replaces or restarts the machines of one group."""

    def __init__(self, nodes: Nodes, groups: MachineGroups, group: Record, patience: float) -> None:
        """`patience`: seconds for a machine to join."""
        self._nodes, self._groups, self._group, self._patience = nodes, groups, group, patience

    def replace(self, stale: Sequence[Record], at_once: int, *, force: bool) -> None:
        """Replace each machine, the old one first, so that no extra machine is needed."""
        for batch in _batches(stale, at_once):
            self._drain(batch, force=force)
            self._join([self._renewed(record) for record in batch])

    def replace_with_surge(self, stale: Sequence[Record], at_once: int, surge: int, *, force: bool) -> None:
        """Add `surge` new machines before the first old one is removed, and remove as many at the end."""
        if not stale:
            return
        size = len(self._groups.running(self._group))
        self._join([self._bought() for _ in range(surge)])
        for record in stale:
            self._nodes.cordon(self._groups.node(record))
        for batch in _batches(stale, at_once):
            self._drain(batch, force=force)
            for record in batch:
                self._groups.end(record)
            self._join([self._bought() for _ in range(size - len(self._groups.running(self._group)))])
        for surplus in self._groups.running(self._group)[size:]:
            self._nodes.drain(self._groups.node(surplus), self._patience)
            self._groups.end(surplus)

    def restart(self, stale: Sequence[Record], at_once: int, renew: Callable[[Record], object]) -> None:
        """Restart each machine with other software. A drain beyond the time limit is not waited for."""
        for batch in _batches(stale, at_once):
            for record in batch:
                self._nodes.drain(self._groups.node(record), self._patience * EVICTION)
            for record in batch:
                renew(record)
                self._nodes.restart(self._groups.node(record))
            self._join(batch)

    def _drain(self, batch: Sequence[Record], *, force: bool) -> None:
        for record in batch:
            node = self._groups.node(record)
            left = self._nodes.drain(node, self._patience * EVICTION)
            if left and not force:
                raise CloudError(
                    f"PodEvictionFailure: Reached max retries while trying to evict pods from nodes: {', '.join(left)} "
                    f"on {node}; let their disruption budget allow it, and run again"
                )

    def _renewed(self, record: Record) -> Record:
        try:
            return self._groups.renew(record)
        except Unavailable as error:
            raise _no_machine(error) from error

    def _bought(self) -> Record:
        try:
            return self._groups.add(self._group)
        except Unavailable as error:
            raise _no_machine(error) from error

    def _join(self, machines: Sequence[Record]) -> None:
        for record in machines:
            node = self._groups.node(record)
            if not wait(lambda node=node: self._nodes.ready(node), self._patience * 2):
                raise CloudError(f"NodeCreationFailure: {node} did not become ready; see why, and run again")


def _no_machine(error: Unavailable) -> CloudError:
    return CloudError(f"NodeCreationFailure: AsgInstanceLaunchFailures: {error}; run again when there are machines")


def _batches(records: Sequence[Record], size: int) -> Iterator[Sequence[Record]]:
    for start in range(0, len(records), max(size, 1)):
        yield records[start : start + max(size, 1)]
