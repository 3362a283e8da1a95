"""Waits for an object to become ready, or to be gone, by watches: no busy polling, and never a missed event."""

import time
from collections.abc import Callable

from llmplatform_sandbox.kube.client import Kube, Object
from llmplatform_sandbox.kube.errors import UnknownKind
from llmplatform_sandbox.kube.readiness import waiting_for

_SLICE = 1
"""Seconds of one watch: a cancelled wait ends within them."""
_POLL = 0.2
_RETRIES, _PAUSE = 5, 0.5
_DECIDED_ELSEWHERE = frozenset({"Service"})
"""Kinds whose readiness depends on other objects, so that watching only them would miss it."""


class TimedOut(Exception):
    """The time was over first. `obj` is the object as last seen; the message says what it still waits for."""

    def __init__(self, message: str, obj: Object) -> None:
        super().__init__(message)
        self.obj = obj


def until_ready(
    kube: Kube,
    obj: Object,
    *,
    seconds: float,
    wanted: Callable[[], bool] = lambda: True,
    seen: Callable[[Object], object] = lambda _: None,
) -> Object:
    """The live object once it is ready. Raises `TimedOut`, also when `wanted` turns False, and `NeverReady`.

    `seen`: hears of it whenever it is looked at.
    """
    deadline = time.monotonic() + seconds
    metadata = obj["metadata"]
    place = (obj["apiVersion"], obj["kind"])
    while True:
        seen(obj)
        reason = waiting_for(kube, obj)
        if reason is None:
            return obj
        left = deadline - time.monotonic()
        if left <= 0 or not wanted():
            raise TimedOut(reason, obj)
        namespace = metadata.get("namespace")
        if obj["kind"] in _DECIDED_ELSEWHERE:
            time.sleep(_POLL)
            obj = kube.get(*place, metadata["name"], namespace) or obj
            continue
        field = f"metadata.name={metadata['name']}"
        version = obj["metadata"].get("resourceVersion", "0")
        started = time.monotonic()
        for event, live in kube.watch(*place, namespace, seconds=_SLICE, fieldSelector=field, resourceVersion=version):
            if event == "DELETED":
                raise TimedOut("another client deleted it", obj)
            obj = live
            seen(obj)
            if event in ("ADDED", "MODIFIED") and waiting_for(kube, obj) is None:
                return obj
            if time.monotonic() > deadline or not wanted():
                break
        if time.monotonic() - started < 0.1:
            # The watch was refused at once (expired version, missing server).
            time.sleep(0.1)
            obj = kube.get(*place, metadata["name"], namespace) or obj


def until_gone(kube: Kube, obj: Object, *, seconds: float, wanted: Callable[[], bool] = lambda: True) -> bool:
    """Whether the object itself is gone in time, even if a successor has its name."""
    deadline = time.monotonic() + seconds
    metadata = obj["metadata"]
    pause = 0.02
    while True:
        live = kube.get(obj["apiVersion"], obj["kind"], metadata["name"], metadata.get("namespace"))
        if live is None or (metadata.get("uid") and live["metadata"]["uid"] != metadata["uid"]):
            return True
        if time.monotonic() > deadline or not wanted():
            return False
        time.sleep(pause)
        pause = min(pause * 1.5, 0.2)


def until_served(apply: Callable[[], Object]) -> Object:
    """Wait a while for a kind that another resource brings (pulumi-kubernetes, await.go, Creation: five retries)."""
    for _ in range(_RETRIES):
        try:
            return apply()
        except UnknownKind:
            time.sleep(_PAUSE)
    return apply()


def held_by(kube: Kube, obj: Object) -> str:
    """The finalizers that keep an object, as the end of a sentence; empty where there are none."""
    live = kube.get(obj["apiVersion"], obj["kind"], obj["metadata"]["name"], obj["metadata"].get("namespace"))
    finalizers = (live or {}).get("metadata", {}).get("finalizers", [])
    return f"; held by {', '.join(finalizers)}" if finalizers else ""
