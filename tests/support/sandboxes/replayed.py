"""The series of a model's servers, replayed, and a real Prometheus that reads them.

The server is Debian's package `prometheus`, unpacked into a folder of the tests where no PATH has it.
"""

import http.server
import shutil
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

CONFIGURATION = """\
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: models
    honor_labels: true
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""


class Load:
    """What the servers of a model tell: requests altogether, and the use of each one's cache. None: they are silent."""

    def __init__(self, model: str, namespace: str) -> None:
        self.labels = f'namespace="{namespace}",llmplatform_dev_model="{model}"'
        self.requests: int | None = 0
        self.servers = 1
        self.cache = 0.0

    def text(self) -> str:
        """In the text format of Prometheus, with the names of vLLM. A server runs up to eight, and others wait."""
        if self.requests is None:
            return ""
        running = min(self.requests, 8 * self.servers)
        lines = [
            f"vllm:num_requests_running{{{self.labels}}} {running}",
            f"vllm:num_requests_waiting{{{self.labels}}} {self.requests - running}",
            *(f'vllm:kv_cache_usage_perc{{{self.labels},pod="{each}"}} {self.cache}' for each in range(self.servers)),
        ]
        return "\n".join(lines) + "\n"


@contextmanager
def exported(load: Load) -> Generator[int]:
    """The port on loopback where the series are read."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(load.text().encode())

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def prometheus(folder: Path, target: int) -> Generator[str]:
    """The address of a Prometheus that reads a port on loopback every second."""
    program = shutil.which("prometheus") or str(_unpacked(folder))
    configuration = folder / "prometheus.yml"
    configuration.write_text(CONFIGURATION.format(port=target))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [
        program,
        f"--config.file={configuration}",
        f"--storage.tsdb.path={folder / 'series'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with (folder / "prometheus.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            _until_ready(process, f"http://127.0.0.1:{port}/-/ready", folder / "prometheus.log")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(30)


def _unpacked(folder: Path) -> Path:
    subprocess.run(["apt-get", "download", "prometheus"], cwd=folder, check=True, capture_output=True)
    (archive,) = folder.glob("prometheus_*.deb")
    subprocess.run(["dpkg", "-x", archive.name, "unpacked"], cwd=folder, check=True)
    return folder / "unpacked/usr/bin/prometheus"


def _until_ready(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for _ in range(300):
        assert process.poll() is None, log.read_text()
        with suppress(OSError), direct.open(address, timeout=1):
            return
        time.sleep(0.1)
    raise AssertionError(log.read_text())
