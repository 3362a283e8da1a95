"""A thousand requests, a hundred at once, to two replicas; SIGTERM to one in the middle."""

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.llm_server.environment import EXAMPLE
from support.llm_server.process import Running, running
from support.pace import PATIENCE

REQUESTS = 1000


def finished(server: Running) -> int:
    return len(server.lines("request")) if server.log.exists() else 0


def test_a_sigterm_in_the_middle_loses_no_request(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # Longer than httpx keeps a connection, and shorter than the default: nothing happens while the server lingers.
    with (
        running(model, tmp_path / "leaving", keep_alive_seconds="6") as leaving,
        running(model, tmp_path / "staying") as staying,
    ):
        command = [sys.executable, EXAMPLE / "load_test.py", leaving.url, staying.url, "--requests", str(REQUESTS)]
        client = subprocess.Popen(
            [*command, "--concurrency", "100", "--tokens", "8"], stdout=subprocess.PIPE, text=True
        )
        while finished(leaving) + finished(staying) < REQUESTS / 3:
            assert client.poll() is None, "the load ended before the middle"
            time.sleep(0.1)
        before, in_the_middle = finished(leaving), leaving.samples()
        leaving.terminate()
        report = json.loads(client.communicate(timeout=PATIENCE)[0])
        assert leaving.process.wait(timeout=PATIENCE) == 0
        (drained,) = leaving.lines("drained")
        with capsys.disabled():
            print(f"\nThe client's report: {json.dumps(report)}")
            print("Metrics of the replica that leaves, before the signal:", *in_the_middle, sep="\n")
            print("Its last lines:", leaving.lines("request")[-1], drained, sep="\n")
            print("Metrics of the replica that stays, at the end:", *staying.samples(), sep="\n")
        assert report["errors"] == {}
        assert drained["unfinished"] == []
        assert finished(leaving) + finished(staying) == report["requests"] == REQUESTS
        assert finished(leaving) > before, "nothing ran there when the signal came"
        assert any(re.match(r'llm_active_requests{model="tiny"} [1-9]', line) for line in in_the_middle)
        counted = sum(staying.metric("llm_requests_total", model=each, status="200") for each in ("tiny", "wordllama"))
        assert counted == finished(staying)
        assert {line["status"] for line in leaving.lines("request") + staying.lines("request")} == {200}
