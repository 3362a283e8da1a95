"""What operators see: metrics and log lines, without a word of a prompt."""

import shutil
from pathlib import Path

import httpx
import pytest
from support.llm_server.process import Running, running, until

SAID = "xylophone"
BODY = {"prompt": f"Say {SAID}.", "max_tokens": 8, "temperature": 0}
HISTOGRAMS = ("llm_request_duration_seconds", "llm_time_to_first_token_seconds", "llm_time_per_output_token_seconds")
LONG = {"prompt": "c", "max_tokens": 4000, "temperature": 0, "stream": True}


def test_a_request_is_counted_and_timed(server: Running) -> None:
    counted = ("llm_generated_tokens_total", *(f"{histogram}_count" for histogram in HISTOGRAMS))
    before = {name: server.metric(name, model="tiny") for name in counted}
    served = server.metric("llm_requests_total", model="tiny", status="200")
    refused = {name: server.metric("llm_requests_total", model=name, status="400") for name in ("tiny", "unknown")}
    for _ in range(3):
        assert httpx.post(f"{server.url}/generate", json=BODY).status_code == 200
    assert httpx.post(f"{server.url}/generate", json={}).status_code == 400
    assert server.metric("llm_requests_total", model="tiny", status="200") == served + 3
    assert httpx.post(f"{server.url}/generate", json={"prompt": "c" * 5000}).status_code == 400
    for name, times in refused.items():
        assert server.metric("llm_requests_total", model=name, status="400") == times + 1
    added = {name: server.metric(name, model="tiny") - before[name] for name in counted}
    assert added == dict.fromkeys(counted, 3) | {"llm_generated_tokens_total": 24}
    assert server.metric("llm_active_requests", model="tiny") == 0


def test_a_line_has_the_requests_id_and_no_word_of_it(server: Running) -> None:
    answer = httpx.post(f"{server.url}/generate", json=BODY, headers={"X-Request-ID": "order-7"})
    assert answer.headers["X-Request-ID"] == "order-7"
    (line,) = [line for line in server.lines("request") if line["request_id"] == "order-7"]
    assert line["level"] == "INFO"
    told = {"model": "tiny", "status": 200, "generated_tokens": 8, "finish_reason": "length"}
    assert line.items() >= {**told, "prompt_tokens": len(BODY["prompt"])}.items()
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


def test_a_client_that_goes_away_ends_its_generation(server: Running) -> None:
    before = server.metric("llm_requests_total", model="tiny", status="499")
    with httpx.stream("POST", f"{server.url}/generate", json=LONG, headers={"X-Request-ID": "gone-1"}) as response:
        next(response.iter_lines())
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(
            f"{server.url}/generate",
            json={**LONG, "stream": False},
            headers={"X-Request-ID": "gone-2"},
            timeout=httpx.Timeout(60, read=0.5),
        )
    until(lambda: server.metric("llm_requests_total", model="tiny", status="499") == before + 2)
    gone = [line for line in server.lines("request") if line["request_id"] in ("gone-1", "gone-2")]
    assert [line["status"] for line in gone] == [499, 499]
    assert all(line["generated_tokens"] < 4000 for line in gone)
    assert server.metric("llm_active_requests", model="tiny") == 0


def test_a_model_that_does_not_load_makes_its_server_unhealthy(model: Path, tmp_path: Path) -> None:
    broken = shutil.copytree(model, tmp_path / "broken")
    (broken / "model.safetensors").unlink()
    with running(broken, tmp_path / "log", until=lambda server: server.status("/health") == 503) as server:
        assert not server.ready()
        assert httpx.post(f"{server.url}/generate", json=BODY).status_code == 503
        assert server.metric("llm_requests_total", model="tiny", status="503") == 1
        (line,) = server.lines("the model failed")
        assert "No safetensors" in line["exc_info"]
