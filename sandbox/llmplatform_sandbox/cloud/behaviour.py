"""What a resource type does beyond its facts: hooks around create, update, read and delete."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from llmplatform_sandbox.cloud.store import Record

if TYPE_CHECKING:
    from llmplatform_sandbox.cloud.account import Account


class Behaviour(Protocol):
    """Hooks of a type. Every one may raise CloudError."""

    def check(self, inputs: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
        """(path, what is wrong and what to write instead). Unknown values are absent."""
        ...

    def creating(self, account: "Account", inputs: Mapping[str, Any]) -> None:
        """Inside the transaction, before the object exists."""
        ...

    def created(self, account: "Account", record: Record) -> Mapping[str, Any]:
        """After the object exists; gives outputs by path. May take its time, and raise NotReady.

        After a kill it is called again, from its beginning.
        """
        ...

    def updating(self, account: "Account", old: Record, inputs: Mapping[str, Any]) -> None:
        """Inside the transaction, before the change."""
        ...

    def updated(self, account: "Account", old: Record, new: Record) -> None:
        """After the change; may take its time. Of a change that fails with CloudError nothing stays.

        After a kill it is called again, from its beginning.
        """
        ...

    def live(self, account: "Account", record: Record) -> Record:
        """What the cloud's API says about the object now."""
        ...

    def deleting(self, account: "Account", record: Record) -> None:
        """Before the object goes, when nothing depends on it. May take its time; after a kill it is called again."""
        ...


class Plain:
    """The behaviour of a type whose facts say it all."""

    def check(self, inputs: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
        """Nothing more is wrong."""
        return ()

    def creating(self, account: "Account", inputs: Mapping[str, Any]) -> None:
        """Nothing more is asked for."""

    def created(self, account: "Account", record: Record) -> Mapping[str, Any]:
        """No more outputs."""
        return {}

    def updating(self, account: "Account", old: Record, inputs: Mapping[str, Any]) -> None:
        """Nothing is refused."""

    def updated(self, account: "Account", old: Record, new: Record) -> None:
        """Nothing follows."""

    def live(self, account: "Account", record: Record) -> Record:
        """As it was stored."""
        return record

    def deleting(self, account: "Account", record: Record) -> None:
        """Nothing follows."""
