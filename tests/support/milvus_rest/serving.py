"""Serves a stand-in as Milvus does: `POST /v2/vectordb/PATH` with a login, the number of a fault in the body.

Source: Milvus 2.6, internal/distributed/proxy/service.go, `authenticate` (401 for a wrong password, before all else);
httpserver/handler_v2.go, `wrapperPost` and `wrapperProxy`.
"""

import json
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

START = "/v2/vectordb/"


class Fault(Exception):
    """What Milvus refuses."""


@dataclass(frozen=True)
class Certificate:
    """A certificate for `localhost` that signs itself, and its key."""

    certificate: Path
    key: Path


def certificate(folder: Path) -> Certificate:
    made = Certificate(folder / "ca.crt", folder / "tls.key")
    words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    words += ["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run([*words, "-keyout", made.key, "-out", made.certificate], check=True, capture_output=True)
    return made


@contextmanager
def served(
    password: Callable[[str], str | None],
    answer: Callable[[str, str, Mapping[str, Any]], Any],
    paths: Callable[[str], bool],
    tls: Certificate | None = None,
) -> Iterator[str]:
    """The address, while it is served. `password`: of a user; `answer`: user, path and body to data."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            user, _, given = self.headers.get("Authorization", "").removeprefix("Bearer ").partition(":")
            path = self.path.removeprefix(START)
            if password(user) != given:
                self.say(401, {"code": 1800, "message": "user hasn't authenticated"})
            elif not self.path.startswith(START) or not paths(path):
                self.say(404, {"code": 404, "message": "404 page not found"})
            else:
                try:
                    self.say(200, {"code": 0, "data": answer(user, path, json.loads(body))})
                except Fault as fault:
                    self.say(200, {"code": 65535, "message": str(fault)})

        def say(self, status: int, found: Mapping[str, Any]) -> None:
            text = json.dumps(found).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    scheme = "http"
    if tls is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls.certificate, tls.key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        scheme = "https"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"{scheme}://localhost:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
