"""Lists from a copy that a watch keeps."""

import json
import queue
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from support.sandboxes.fake_api_server import ACCESS

from llmplatform_sandbox.kube.copies import CopyingKube
from llmplatform_sandbox.kube.errors import KubeError

DISCOVERY = {"resources": [{"name": "pods", "kind": "Pod", "namespaced": True}]}


class Server:
    """Lists its pods, and sends the events of a test to the watch until the test ends it."""

    def __init__(self, *names: str) -> None:
        self.names, self.lists, self.watched = list(names), 0, list[str]()
        self.events: queue.Queue[bytes | None] = queue.Queue()
        self.away = False
        self.kube = CopyingKube(ACCESS, transport=httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if self.away:
            return httpx.Response(403, json={"kind": "Status", "reason": "Forbidden", "message": "away"})
        if request.url.path == "/api/v1":
            return httpx.Response(200, json=DISCOVERY)
        if request.url.params.get("watch"):
            self.watched.append(request.url.params["resourceVersion"])
            return httpx.Response(200, stream=_Stream(self.events))
        self.lists += 1
        items = [{"metadata": {"name": name, "namespace": "apps"}} for name in self.names]
        return httpx.Response(200, json={"metadata": {"resourceVersion": "7"}, "items": items})

    def say(self, event: str, name: str) -> None:
        obj = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "apps"}}
        self.events.put(json.dumps({"type": event, "object": obj}).encode() + b"\n")

    def listed(self) -> list[str]:
        return [pod["metadata"]["name"] for pod in self.kube.list("v1", "Pod", cached=True)]

    def until(self, *names: str) -> None:
        end = time.monotonic() + 10
        while self.listed() != list(names):
            assert time.monotonic() < end, f"{self.listed()} is not {names}"
            time.sleep(0.01)


class _Stream(httpx.SyncByteStream):
    def __init__(self, events: "queue.Queue[bytes | None]") -> None:
        self._events = events

    def __iter__(self) -> Iterator[bytes]:
        while (event := self._events.get()) is not None:
            yield event


@pytest.fixture
def server() -> Iterator[Server]:
    one = Server("b", "a")
    yield one
    for _ in one.watched:
        one.events.put(None)
    for thread in threading.enumerate():
        if thread.name == "watch":
            thread.join(10)


def test_a_list_is_asked_for_once_and_then_follows_the_watch(server: Server) -> None:
    assert server.listed() == ["a", "b"]
    server.say("ADDED", "c")
    server.say("DELETED", "a")
    server.until("b", "c")
    assert (server.lists, server.watched) == (1, ["7"])


def test_the_objects_of_a_list_have_their_type(server: Server) -> None:
    assert {(pod["apiVersion"], pod["kind"]) for pod in server.kube.list("v1", "Pod", cached=True)} == {("v1", "Pod")}


def test_the_end_of_a_watch_leads_to_a_new_list(server: Server) -> None:
    server.listed()
    server.names = ["d"]
    server.events.put(None)
    server.until("d")
    assert server.lists == 2


def test_without_a_watch_no_old_list_is_given(server: Server) -> None:
    server.listed()
    server.away = True
    server.events.put(None)
    with pytest.raises(KubeError, match="away"):
        server.until("no pod of that name")


def test_another_selector_is_another_copy(server: Server) -> None:
    server.listed()
    server.kube.list("v1", "Pod", cached=True, fieldSelector="status.phase=Pending")
    assert server.lists == 2


def test_a_list_that_is_not_of_the_copy_asks(server: Server) -> None:
    found: Any = [server.kube.list("v1", "Pod") for _ in range(2)]
    assert len(found) == server.lists == 2
