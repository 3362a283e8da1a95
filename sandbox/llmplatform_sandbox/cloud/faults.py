"""Faults that a user injects, and the one place that every call to the simulated cloud goes through."""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from llmplatform_sandbox.cloud.store import Store


@dataclass(frozen=True)
class Kind:
    """A kind of fault."""

    effect: str
    target: str
    """What can be struck, for a user who has named something else."""


KINDS: Mapping[str, Kind] = {
    "spot-stockout": Kind(
        "no spot capacity for an instance type in any zone", "an instance type of the cloud, e.g. g5.2xlarge"
    ),
    "zone-outage": Kind(
        "the machines of a zone vanish, and none can be had there", "a zone of the cloud, e.g. eu-west-1a"
    ),
    "role-unauthorised": Kind(
        "a role that the cloud's service needs was never authorised", "a service role of the cloud"
    ),
}


class Faults:
    """Active faults, kept in the account's file. A target is valid when the cloud's own rule for the kind says so."""

    def __init__(self, store: Store, targets: Mapping[str, Callable[[str], bool]]) -> None:
        self._store, self._targets = store, targets

    def set(self, kind: str, target: str, *, active: bool) -> None:
        """Raises ValueError on a kind or target that does not exist."""
        if kind not in KINDS:
            raise ValueError(f"{kind}: no such fault; write one of {', '.join(KINDS)}")
        if not self._targets.get(kind, lambda _: False)(target):
            raise ValueError(f"{target}: nothing that {kind} can strike; write {KINDS[kind].target}")
        self._store.fault(kind, target, active=active)

    def active(self, kind: str, target: str) -> bool:
        """Whether a fault strikes a target now."""
        return (kind, target) in self._store.faults()

    @contextmanager
    def call(self, operation: str, type_: str) -> Generator[None]:
        """Wraps each create, read, update and delete of the account.

        The place for faults that refuse or delay a call before it, or hide its answer after it; no kind does so yet.
        """
        yield
