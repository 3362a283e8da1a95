"""A cloud's own actions some time after a request: due actions happen at the next call."""

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

from llmplatform_sandbox.cloud.store import Store

_KEY = "late"


class Late:
    """Objects that the cloud is going to create. They are stored, so that a kill stops none."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def make(self, type_: str, made_by: str, inputs: Mapping[str, Any], seconds: float) -> None:
        """Schedule an object in so many seconds, whether or not there was one before."""
        with self._store.transaction():
            waiting = json.loads(self._store.setting(_KEY, "[]"))
            row = {"due": time.time() + seconds, "type": type_, "made_by": made_by, "inputs": dict(inputs)}
            self._store.set(_KEY, json.dumps([*waiting, row]))

    def due(self) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
        """(type, maker, inputs) of the due objects; each is returned once."""
        if self._store.setting(_KEY, "[]") == "[]":
            return
        with self._store.transaction():
            rows = json.loads(self._store.setting(_KEY, "[]"))
            now = time.time()
            self._store.set(_KEY, json.dumps([row for row in rows if row["due"] > now]))
        yield from ((row["type"], row["made_by"], row["inputs"]) for row in rows if row["due"] <= now)
