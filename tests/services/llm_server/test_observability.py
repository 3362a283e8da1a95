"""What operators see: metrics and log lines, without a word of a prompt."""

import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from support.llm_server.process import Running, running

SAID = "xylophone"
BODY = {"prompt": f"Say {SAID}.", "max_tokens": 8, "temperature": 0}
LONG = {"prompt": SAID, "max_tokens": 100_000, "temperature": 0, "stream": True}


def test_a_request_is_counted_and_timed(server: Running) -> None:
    before = server.metric("llm_requests_total", model="tiny", status="200")
    for _ in range(3):
        assert httpx.post(f"{server.url}/generate", json=BODY).status_code == 200
    assert httpx.post(f"{server.url}/generate", json={}).status_code == 400
    assert server.metric("llm_requests_total", model="tiny", status="200") == before + 3
    assert server.metric("llm_requests_total", model="", status="400") == 1
    for histogram in (
        "llm_request_duration_seconds",
        "llm_time_to_first_token_seconds",
        "llm_time_per_output_token_seconds",
    ):
        assert server.metric(f"{histogram}_count", model="tiny") == before + 3
    assert server.metric("llm_generated_tokens_total", model="tiny") == 24
    assert server.metric("llm_active_requests", model="tiny") == 0


def test_a_line_has_the_requests_id_and_no_word_of_it(server: Running) -> None:
    answer = httpx.post(f"{server.url}/generate", json=BODY, headers={"X-Request-ID": "order-7"})
    assert answer.headers["X-Request-ID"] == "order-7"
    (line,) = [line for line in server.lines("request") if line["request_id"] == "order-7"]
    assert line["level"] == "INFO"
    assert (line["model"], line["status"], line["generated_tokens"], line["finish_reason"]) == (
        "tiny",
        200,
        8,
        "length",
    )
    assert line["prompt_tokens"] == len(BODY["prompt"])
    assert 0 < line["first_token_seconds"] <= line["seconds"]
    assert SAID not in server.log.read_text()
    assert answer.json()["text"] not in server.log.read_text()


def test_an_id_that_would_forge_a_line_is_replaced(server: Running) -> None:
    answer = httpx.post(f"{server.url}/generate", json=BODY, headers={"X-Request-ID": '7", "status": "0'})
    assert len(answer.headers["X-Request-ID"]) == 32


def test_probes_and_scrapes_are_not_logged(server: Running) -> None:
    before = len(server.lines())
    for path in ("/health", "/ready", "/metrics"):
        assert httpx.get(server.url + path).status_code == 200
    assert len(server.lines()) == before


def test_a_client_that_goes_away_ends_its_generation(model: Path, tmp_path: Path) -> None:
    with running(model, tmp_path / "log", context_length="100100") as server:
        with httpx.stream("POST", f"{server.url}/generate", json=LONG) as response:
            next(response.iter_lines())
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{server.url}/generate", json={**LONG, "stream": False}, timeout=1)
        _until(lambda: server.metric("llm_requests_total", model="tiny", status="499") == 2)
        assert server.metric("llm_active_requests", model="tiny") == 0
        made = server.metric("llm_generated_tokens_total", model="tiny")
        assert 0 < made < 50_000
        # The model is free again: it answers at once.
        assert httpx.post(f"{server.url}/generate", json=BODY, timeout=2).status_code == 200


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline, "it did not happen within ten seconds"
        time.sleep(0.1)
