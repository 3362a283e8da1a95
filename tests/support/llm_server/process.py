"""A running server."""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from support.llm_server.environment import EXAMPLE, python

START_SECONDS = 60


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
        samples = httpx.get(f"{self.url}/metrics").text.splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in samples if line.startswith(wanted))

    def terminate(self) -> None:
        """What a kubelet does first."""
        self.process.send_signal(signal.SIGTERM)

    def ready(self) -> bool:
        """Whether it asks for requests."""
        try:
            return httpx.get(f"{self.url}/ready").status_code == 200
        except httpx.TransportError:
            return False


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
def running(model: Path, log: Path, **settings: str) -> Iterator[Running]:
    """A server that is ready. Settings are its variables."""
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
        _wait(server)
        yield server
    finally:
        process.kill()
        process.wait()


def _wait(server: Running) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not server.ready():
        if server.process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the server did not start:\n{server.log.read_text()}")
        time.sleep(0.1)
