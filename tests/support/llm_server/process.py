"""A running server."""

import json
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from support.llm_server.environment import EXAMPLE, python
from support.pace import eventually

START_SECONDS = 300
PATIENCE = 30


@dataclass(frozen=True, kw_only=True)
class Running:
    """A server, its address and its log."""

    process: subprocess.Popen[bytes]
    url: str
    log: Path

    def lines(self, message: str | None = None) -> list[dict[str, Any]]:
        """The lines of its log, which are all JSON; those with a message."""
        lines = [json.loads(line) for line in self.log.read_text().splitlines()]
        return [line for line in lines if message in (None, line["message"])]

    def metric(self, name: str, **labels: str) -> float:
        """A sample's value; 0 without one."""
        wanted = name + "{" + ",".join(f'{key}="{value}"' for key, value in labels.items()) + "}"
        return sum(float(line.rpartition(" ")[2]) for line in self.samples() if line.startswith(wanted))

    def samples(self) -> list[str]:
        """Its own metrics, but for the buckets of histograms and for times of creation."""
        lines = httpx.get(f"{self.url}/metrics", timeout=PATIENCE).text.splitlines()
        return [line for line in lines if line.startswith("llm_") and not re.match(r"\w+_(bucket|created)\b", line)]

    def terminate(self) -> None:
        """What a kubelet does first."""
        self.process.send_signal(signal.SIGTERM)

    def status(self, path: str) -> int | None:
        """Status of a GET; None while it does not answer."""
        try:
            return httpx.get(self.url + path, timeout=PATIENCE).status_code
        except httpx.TransportError:
            return None

    def ready(self) -> bool:
        """Whether it asks for requests."""
        return self.status("/ready") == 200


def environment(model: Path, port: int, settings: Mapping[str, str]) -> dict[str, str]:
    """Variables of a server."""
    return {
        **os.environ,
        "MODEL_PATH": str(model),
        "MODEL_NAME": "tiny",
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "HF_HUB_OFFLINE": "1",
        # MLX would compile kernels for this CPU if there is a compiler.
        "MLX_DISABLE_COMPILE": "1",
        **settings,
    }


@contextmanager
def running(
    model: Path, log: Path, *, until: Callable[[Running], bool] = Running.ready, **settings: str
) -> Iterator[Running]:
    """A server that is ready, or as another condition has it. Settings are its variables."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    variables = environment(model, port, {name.upper(): value for name, value in settings.items()})
    with log.open("wb") as output:
        process = subprocess.Popen(
            [python(), "-m", "llm_server"], cwd=EXAMPLE, env=variables, stdout=output, stderr=subprocess.STDOUT
        )
    server = Running(process=process, url=f"http://127.0.0.1:{port}", log=log)
    try:
        _wait(server, until)
        yield server
    finally:
        process.kill()
        process.wait()


def until(true: Callable[[], bool]) -> None:
    """Waits for what happens soon."""
    eventually(true, "it did not happen")


def _wait(server: Running, until: Callable[[Running], bool]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not until(server):
        if server.process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the server did not start:\n{server.log.read_text()}")
        time.sleep(0.1)
