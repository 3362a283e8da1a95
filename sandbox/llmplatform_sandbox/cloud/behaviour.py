"""Behaviour of a resource type beyond its facts: hooks around create, update, read and delete."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from llmplatform_sandbox.cloud.store import Record

if TYPE_CHECKING:
    from llmplatform_sandbox.cloud.account import Account


class Behaviour(Protocol):
    """Hooks of a type. Every one may raise CloudError."""

    def check(self, inputs: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
        """(path, fault and remedy). Unknown values are absent."""
        ...

    def creating(self, account: "Account", inputs: Mapping[str, Any]) -> None:
        """Inside the transaction, before the object exists."""
        ...

    def created(self, account: "Account", record: Record) -> Mapping[str, Any]:
        """After the object exists; returns outputs by path. May be slow, and raise NotReady.

        After a kill it is called again, from its beginning.
        """
        ...

    def updating(self, account: "Account", old: Record, inputs: Mapping[str, Any]) -> None:
        """Inside the transaction, before the change."""
        ...

    def updated(self, account: "Account", old: Record, new: Record) -> None:
        """After the change; may be slow. A change that fails with CloudError leaves nothing.

        After a kill it is called again, from its beginning.
        """
        ...

    def live(self, account: "Account", record: Record) -> Record:
        """The cloud's present answer about the object."""
        ...

    def deleting(self, account: "Account", record: Record) -> None:
        """Before the object is removed, when nothing depends on it. May be slow; after a kill it is called again."""
        ...


class Plain:
    """The behaviour of a type without any beyond its facts."""

    def check(self, inputs: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
        """No further faults."""
        return ()

    def creating(self, account: "Account", inputs: Mapping[str, Any]) -> None:
        """No further conditions."""

    def created(self, account: "Account", record: Record) -> Mapping[str, Any]:
        """No further outputs."""
        return {}

    def updating(self, account: "Account", old: Record, inputs: Mapping[str, Any]) -> None:
        """Refuses nothing."""

    def updated(self, account: "Account", old: Record, new: Record) -> None:
        """No consequences."""

    def live(self, account: "Account", record: Record) -> Record:
        """The stored object."""
        return record

    def deleting(self, account: "Account", record: Record) -> None:
        """No consequences."""
