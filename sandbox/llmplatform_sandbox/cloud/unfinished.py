"""Accepted requests that an account still works on, so that a kill of the sandbox does not stop the cloud."""

import json
from dataclasses import replace

from llmplatform_sandbox.cloud.store import Record, Store


class Unfinished:
    """Creates and updates whose object exists, and whose slow part is not finished."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def begin(self, record: Record, before: Record | None) -> None:
        """Inside the transaction that creates (`before` is None) or changes the object."""
        earlier = None if before is None else {"inputs": dict(before.inputs), "outputs": dict(before.outputs)}
        self._store.set(_name(record), json.dumps({"before": earlier}))

    def under_way(self, record: Record) -> bool:
        """Whether the slow part has begun and is not finished."""
        return bool(self._store.setting(_name(record)))

    def before(self, record: Record) -> Record | None:
        """The object before the change; None if it is being created."""
        noted = json.loads(self._store.setting(_name(record)) or "{}").get("before")
        return None if noted is None else replace(record, inputs=noted["inputs"], outputs=noted["outputs"])

    def end(self, record: Record) -> None:
        """The slow part is finished, or the object is gone."""
        self._store.unset(_name(record))


def _name(record: Record) -> str:
    return f"unfinished {record.key}"
