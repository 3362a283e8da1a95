"""Series and rules of some hours, in a real Prometheus that answers queries as if it had run all the while."""

import socket
import subprocess
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from llmplatform.planning.rules import Group
from llmplatform_sandbox.toolchain import PROMETHEUS, REPLAY, ensure
from support.rules import written

BEGIN = 1_767_600_000
"""When the series begin, in seconds of Unix time."""
Values = Sequence[float | None]
"""Values a minute apart. None: the series is not there."""


def openmetrics(series: Mapping[str, Values]) -> str:
    """The series in the text format of OpenMetrics."""
    lines = [
        f"{name} {value:.10g} {BEGIN + 60 * minute}"
        for name, values in series.items()
        for minute, value in enumerate(values)
        if value is not None
    ]
    return "\n".join([*lines, "# EOF", ""])


@dataclass(frozen=True)
class Server:
    """A Prometheus on loopback."""

    url: str
    end: int
    """When the series end, in seconds of Unix time."""

    def instant(self, expr: str) -> list[dict[str, Any]]:
        """The result at the end."""
        return self._get("query", {"query": expr, "time": self.end})["result"]

    def over(self, expr: str, *, seconds: int, step: int = 60) -> list[dict[str, Any]]:
        """The result over the last seconds."""
        when = {"start": self.end - seconds, "end": self.end, "step": step}
        return self._get("query_range", {"query": expr, **when})["result"]

    def values(self, label: str, selector: str) -> list[str]:
        """The values of a label."""
        return list(self._get(f"label/{label}/values", {"match[]": selector, "start": BEGIN, "end": self.end}))

    def _get(self, path: str, given: Mapping[str, Any]) -> Any:
        answer = httpx.get(f"{self.url}/api/v1/{path}", params=dict(given), timeout=60).json()
        assert answer["status"] == "success", f"{given}: {answer}"
        return answer["data"]


@contextmanager
def played(groups: Sequence[Group], series: Mapping[str, Values], folder: Path) -> Generator[Server]:
    """A server that has the series, and what the rules make of them."""
    tools = ensure([PROMETHEUS, REPLAY])
    metrics, data, log = folder / "metrics.txt", folder / "data", folder / "prometheus.log"
    metrics.write_text(openmetrics(series))
    command = [tools["replay"], "--series", metrics, "--rules", written(groups, folder), "--data", data]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    configuration = folder / "prometheus.yml"
    configuration.write_text("{}")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command = [
        tools["prometheus"],
        f"--config.file={configuration}",
        f"--storage.tsdb.path={data}",
        "--storage.tsdb.retention.time=100y",
        f"--web.listen-address={address}",
    ]
    minutes = max(map(len, series.values())) - 1
    with log.open("w") as sink, subprocess.Popen(command, stdout=sink, stderr=sink) as process:
        try:
            _await(f"http://{address}/-/ready", log)
            yield Server(f"http://{address}", BEGIN + 60 * minutes)
        finally:
            process.terminate()


def _await(url: str, log: Path) -> None:
    for _ in range(400):
        try:
            if httpx.get(url).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise AssertionError(f"Prometheus did not start: {log.read_text()}")
