"""Faults that a user injects, and the one place that every call to the simulated cloud goes through."""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager

from llmplatform_sandbox.cloud.store import Store

KINDS: Mapping[str, str] = {
    "spot-stockout": "no spot capacity for an instance type in any zone",
}
"""Kind of fault → what it does."""


class Faults:
    """Active faults, kept in the account's file. A target is valid when the cloud's own rule for the kind says so."""

    def __init__(self, store: Store, is_target: Callable[[str, str], bool]) -> None:
        self._store, self._is_target = store, is_target

    def set(self, kind: str, target: str, *, active: bool) -> None:
        """Raises ValueError on a kind or target that does not exist."""
        if kind not in KINDS:
            raise ValueError(f"{kind}: no such fault; write one of {', '.join(KINDS)}")
        if not self._is_target(kind, target):
            raise ValueError(
                f"{target}: nothing that {kind} can strike; write an instance type of the cloud, e.g. g5.2xlarge"
            )
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
