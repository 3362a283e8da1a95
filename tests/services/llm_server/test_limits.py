"""What the server refuses, and that no client takes more than its share."""

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from support.llm_server.process import Running, running, until

RIGHT = {"Authorization": "Bearer right"}
LONG = {"prompt": "c", "max_tokens": 20000, "temperature": 0, "stream": True}
HEAD = "POST /generate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
KEY = f"Authorization: {RIGHT['Authorization']}\r\n"
TERABYTE = "Content-Length: 1000000000000\r\n\r\n{"
CHUNK = f"Transfer-Encoding: chunked\r\n\r\n{100_000:x}\r\n{' ' * 100_000}\r\n"


@pytest.fixture(scope="module")
def strict(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server with a key and little room."""
    log = tmp_path_factory.mktemp("strict") / "log"
    with running(
        model, log, api_key="right", max_body_bytes="50000", max_batch="1", max_waiting="1", context_length="20000"
    ) as server:
        yield server


def told(server: Running, beginning: str) -> int:
    """The status that answers a request whose end never comes."""
    address = httpx.URL(server.url)
    with socket.create_connection((address.host, address.port), timeout=10) as client:
        client.sendall(beginning.encode())
        return int(client.recv(4096).split()[1])


def test_a_key_is_asked_for(strict: Running) -> None:
    short = {**LONG, "max_tokens": 1}
    for wrong in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic right"}):
        assert httpx.post(f"{strict.url}/generate", json=short, headers=wrong).status_code == 401
    assert httpx.post(f"{strict.url}/generate", json=short, headers=RIGHT).status_code == 200
    for path in ("/health", "/ready", "/metrics"):
        assert httpx.get(strict.url + path).status_code == 200
    assert "right" not in strict.log.read_text()


@pytest.mark.parametrize("body", [TERABYTE, CHUNK], ids=["announced", "in chunks"])
def test_a_body_is_not_awaited_without_the_key_nor_beyond_the_limit(strict: Running, body: str) -> None:
    assert told(strict, HEAD + body) == 401
    assert told(strict, HEAD + KEY + body) == 413


def test_an_empty_key_starts_no_server(model: Path, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="api_key"), running(model, tmp_path / "log", api_key=""):
        pass


def test_more_than_the_room_is_refused_of_texts_and_of_embeddings(strict: Running) -> None:
    url = f"{strict.url}/generate"
    with (
        httpx.stream("POST", url, json=LONG, headers=RIGHT) as runs,
        httpx.stream("POST", url, json=LONG, headers=RIGHT),
    ):
        lines = runs.iter_lines()  # without a reference httpx would close it
        next(lines)
        refused = httpx.post(url, json=LONG, headers=RIGHT)
        assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
        embedding = {"model": "wordllama", "input": "a pod"}
        assert httpx.post(f"{strict.url}/v1/embeddings", json=embedding, headers=RIGHT).status_code == 429
        assert strict.metric("llm_waiting_requests", model="tiny") == 1
        assert strict.metric("llm_requests_total", model="tiny", status="429") == 1
        assert strict.metric("llm_requests_total", model="wordllama", status="429") == 1


def test_texts_of_any_lengths_together_take_the_memory_of_one_at_a_time(server: Running) -> None:
    def embedded(texts: list[str]) -> httpx.Response:
        body = {"model": "wordllama", "input": texts}
        return httpx.post(f"{server.url}/v1/embeddings", json=body, timeout=60)

    def most() -> int:
        """Bytes that its process has had at most."""
        status = Path(f"/proc/{server.process.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024

    before, long = most(), "a " * 2**14
    answer = embedded([long, *["a pod"] * 500])
    assert most() - before < 2**29
    assert answer.json()["data"][1]["embedding"] == embedded(["a pod"]).json()["data"][0]["embedding"]
    assert embedded([long + "a"]).status_code == 400


def test_a_client_that_leaves_the_queue_gives_its_place_back(strict: Running) -> None:
    until(lambda: strict.metric("llm_active_requests", model="tiny") == 0)
    url = f"{strict.url}/generate"
    with httpx.stream("POST", url, json=LONG, headers=RIGHT) as runs:
        lines = runs.iter_lines()
        next(lines)
        named = {**RIGHT, "X-Request-ID": "left"}
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(url, json={**LONG, "stream": False}, headers=named, timeout=httpx.Timeout(60, read=2))
        until(lambda: strict.metric("llm_waiting_requests", model="tiny") == 0)
        assert strict.metric("llm_running_requests", model="tiny") == 1, "it left while another one ran"
        (line,) = [line for line in strict.lines("request") if line["request_id"] == "left"]
        assert (line["status"], line["generated_tokens"]) == (499, 0)


def test_a_long_prompt_keeps_no_other_request_waiting(server: Running) -> None:
    body = {"prompt": "why? " * 200_000}
    with ThreadPoolExecutor(1) as pool:
        began, longest = time.monotonic(), 0.0
        long = pool.submit(httpx.post, f"{server.url}/generate", json=body, timeout=60)
        while not long.done():
            asked = time.monotonic()
            assert server.status("/health") == 200
            longest = max(longest, time.monotonic() - asked)
        whole = time.monotonic() - began
    assert (long.result().status_code, long.result().json()["error"]["code"]) == (400, 400)
    assert longest < whole / 2
