"""The real Alertmanager on loopback, with a rendered configuration, and the webhooks that it calls.

What differs from the pod: the folder of the secrets, and shorter times where a test gives some.
"""

import json
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

from llmplatform.addons import alerting
from llmplatform_sandbox.processes import free_ports
from llmplatform_sandbox.toolchain import ALERTMANAGER, Toolchain, ensure

MOUNTED = f"/etc/alertmanager/secrets/{alerting.SECRET}"
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@cache
def programs() -> Toolchain:
    """`alertmanager` and `amtool`."""
    return ensure([ALERTMANAGER])


def run(*command: str | Path) -> str:
    """What a command says, which has to succeed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@dataclass(frozen=True)
class Call:
    """A request to a webhook."""

    path: str
    body: Any


@dataclass
class Running:
    """An Alertmanager that listens, and what it has sent."""

    address: str
    log: Path
    calls: list[Call] = field(default_factory=list[Call])

    def tell(self, *alerts: Mapping[str, Any]) -> None:
        """Report alerts as Prometheus does."""
        request = urllib.request.Request(  # noqa: S310 loopback
            f"{self.address}/api/v2/alerts", json.dumps(alerts).encode(), {"Content-Type": "application/json"}
        )
        _OPENER.open(request, timeout=10).close()

    def sent(self, path: str) -> list[Any]:
        """Bodies of the requests to a path, in their order."""
        return [call.body for call in list(self.calls) if call.path == path]

    def awaits(self, true: Callable[[], bool], what: str) -> None:
        """Wait for some seconds until something is true."""
        ends = time.monotonic() + 30
        while not true():
            assert time.monotonic() < ends, f"{what}: {self.calls}\n{self.log.read_text()}"
            time.sleep(0.1)


@contextmanager
def running(config: Mapping[str, Any], folder: Path) -> Generator[Running]:
    """An Alertmanager whose secrets are addresses on loopback, each with the secret's key as its path."""
    (port,) = free_ports(1)
    started = Running(f"http://127.0.0.1:{port}", folder / "log")
    sink = ThreadingHTTPServer(("127.0.0.1", 0), _handler(started.calls))
    threading.Thread(target=sink.serve_forever, daemon=True).start()
    for key in (alerting.KEY, alerting.PAGES_KEY, alerting.HEARTBEAT_KEY):
        (folder / key).write_text(f"http://127.0.0.1:{sink.server_address[1]}/{key}\n")
    file = folder / "alertmanager.yml"
    file.write_text(yaml.safe_dump(dict(config)).replace(MOUNTED, str(folder)))
    command: list[str | Path] = [
        programs()["alertmanager"],
        f"--config.file={file}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    with started.log.open("w") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            started.awaits(lambda: _ready(started.address), "Alertmanager is not ready")
            yield started
        finally:
            process.terminate()
            sink.shutdown()
            sink.server_close()


def _ready(address: str) -> bool:
    try:
        _OPENER.open(f"{address}/-/ready", timeout=1).close()
    except OSError:
        return False
    return True


def _handler(calls: list[Call]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            calls.append(Call(self.path.removeprefix("/"), body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    return Handler
