"""What SIGTERM does."""

import http.client
import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from support.llm_server.process import Running, running, until
from support.pace import PATIENCE

CHECKPOINT = """
import json, pathlib, time

def save(drained):
    state = {"finished": drained.finished, "unfinished": drained.unfinished}
    (pathlib.Path(__file__).parent / "state.json").write_text(json.dumps(state))

def hang(drained):
    time.sleep(600)
"""
ENDLESS_SECONDS = 60
"""What has an end by a deadline of six or ten seconds, on a busy machine, too; what it cuts off takes longer."""
ANSWER = {"prompt": "c", "max_tokens": 400, "temperature": 0, "stream": True}


def test_what_runs_is_finished_what_comes_is_served_and_connections_close(model: Path, tmp_path: Path) -> None:
    with running(model, tmp_path / "log", keep_alive_seconds="1") as server, ThreadPoolExecutor(20) as pool:
        pooled = httpx.Client(base_url=server.url)
        assert "Connection" not in pooled.get("/health").headers
        streams = [pool.submit(httpx.post, f"{server.url}/generate", json=ANSWER, timeout=60) for _ in range(20)]
        until(lambda: server.metric("llm_active_requests", model="tiny") > 0)
        server.terminate()
        until(lambda: not server.ready())
        late = pooled.post("/generate", json={**ANSWER, "max_tokens": 1})
        assert (late.status_code, late.headers["Connection"]) == (200, "close")
        assert httpx.get(f"{server.url}/health").status_code == 200, "a liveness probe must not end it early"
        for stream in streams:
            assert stream.result().text.rstrip().endswith("data: [DONE]")
        assert server.process.wait(timeout=PATIENCE) == 0
        (drained,) = server.lines("drained")
        assert (drained["finished"], drained["unfinished"]) == (21, [])
        with pytest.raises(httpx.ConnectError):
            httpx.get(server.url)


def test_the_deadline_cuts_off_and_the_checkpoint_is_told(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "team.py").write_text(CHECKPOINT)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    settings = {"keep_alive_seconds": "1", "shutdown_seconds": "10", "context_length": "100100"}
    with running(model, tmp_path / "log", checkpoint="team.save", **settings) as server:
        endless = {**ANSWER, "max_tokens": 100_000}
        named = {"X-Request-ID": "endless"}
        with httpx.stream("POST", f"{server.url}/generate", json=endless, headers=named) as response:
            lines = response.iter_lines()  # without a reference httpx would close it
            next(lines)
            began = time.monotonic()
            server.terminate()
            assert server.process.wait(timeout=PATIENCE) == 0
        assert time.monotonic() - began < ENDLESS_SECONDS
    assert json.loads((tmp_path / "state.json").read_text()) == {"finished": 0, "unfinished": ["endless"]}


def test_neither_a_load_nor_a_checkpoint_without_end_keeps_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "team.py").write_text(CHECKPOINT)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    # The load reads its configuration, which never comes.
    os.mkfifo(tmp_path / "config.json")
    settings = {"keep_alive_seconds": "1", "shutdown_seconds": "6", "context_length": "100"}

    def started(server: Running) -> bool:
        return server.status("/health") == 200

    with running(tmp_path, tmp_path / "log", until=started, checkpoint="team.hang", **settings) as server:
        assert not server.ready()
        began = time.monotonic()
        server.terminate()
        assert server.process.wait(timeout=PATIENCE) == 0
        assert time.monotonic() - began < ENDLESS_SECONDS
        assert len(server.lines("the checkpoint has not ended in time")) == 1


def test_an_idle_connection_is_kept_for_longer_than_httpx_keeps_its_own(server: Running) -> None:
    address = httpx.URL(server.url)
    connection = http.client.HTTPConnection(address.host, address.port)
    for pause in (0, 6):
        time.sleep(pause)
        connection.request("GET", "/health")
        assert connection.getresponse().read() == b""
    connection.close()
