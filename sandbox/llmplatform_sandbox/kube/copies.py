"""A client for loops that look again and again: it lists from a copy of its own, which a watch keeps.

The way of client-go's reflectors (tools/cache/reflector.go): list once, then watch from the list's version, and list
again when the watch ends.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import httpx

from llmplatform_sandbox.interfaces import KubeAccess
from llmplatform_sandbox.kube.client import Kube, Object

_WATCH_SECONDS = 300
Watch = Callable[[str], Iterator[tuple[str, Object]]]
"""From a resource version: events as (type, object)."""


class CopyingKube(Kube):
    """The cluster, with lists that cost the API server nothing. Callers leave the listed objects as they are."""

    def __init__(self, access: KubeAccess, transport: httpx.BaseTransport | None = None) -> None:
        super().__init__(access, transport)
        self._copies: dict[tuple[str, ...], _Copy] = {}
        self._making = threading.Lock()

    def list(
        self, api_version: str, kind: str, namespace: str | None = None, *, cached: bool = False, **query: str
    ) -> list[Object]:
        """As `Kube.list`; `cached` answers from the copy, which lags a moment."""
        if not cached:
            return super().list(api_version, kind, namespace, cached=False, **query)
        key = (api_version, kind, namespace or "", *(f"{name}={query[name]}" for name in sorted(query)))

        def listed() -> Mapping[str, Any]:
            path = self.kind(api_version, kind).path(namespace)
            return self.request("GET", path, params={**query, "resourceVersion": "0"})

        def events(version: str) -> Iterator[tuple[str, Object]]:
            return self.watch(api_version, kind, namespace, seconds=_WATCH_SECONDS, resourceVersion=version, **query)

        with self._making:
            copy = self._copies.setdefault(key, _Copy({"apiVersion": api_version, "kind": kind}, listed, events))
        return copy.objects()


class _Copy:
    """The objects of one list. It is only as good as its watch: without one it asks."""

    def __init__(self, type_: Mapping[str, str], listed: Callable[[], Mapping[str, Any]], events: Watch) -> None:
        self._type, self._listed, self._events = type_, listed, events
        self._lock = threading.Lock()
        self._watched = False
        self._objects: dict[tuple[str, str], Object] = {}

    def objects(self) -> list[Object]:
        """In the order of the API server: by namespace and name."""
        with self._lock:
            if not self._watched:
                found = self._listed()
                self._objects = {_key(item): {**self._type, **item} for item in found["items"]}
                version = found["metadata"]["resourceVersion"]
                threading.Thread(target=self._follow, args=(version,), name="watch", daemon=True).start()
                self._watched = True
            return [self._objects[key] for key in sorted(self._objects)]

    def _follow(self, version: str) -> None:
        try:
            for event, obj in self._events(version):
                with self._lock:
                    if event == "DELETED":
                        self._objects.pop(_key(obj), None)
                    else:
                        self._objects[_key(obj)] = obj
        finally:
            with self._lock:
                self._watched = False


def _key(obj: Mapping[str, Any]) -> tuple[str, str]:
    return obj["metadata"].get("namespace", ""), obj["metadata"]["name"]
