"""Redirects and refusals, as a bucket's service gives them."""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from llmplatform.serving.hydration import http
from llmplatform.serving.hydration.buckets import Bucket
from llmplatform.serving.hydration.faults import Refused
from llmplatform.serving.hydration.identities import Identity
from llmplatform.serving.hydration.signing import Credentials


@contextmanager
def server(status: int, headers: Mapping[str, str], body: bytes = b"") -> Iterator[tuple[str, list[dict[str, str]]]]:
    """An address that answers everything alike, and the headers that it was sent."""
    seen: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append({name.lower(): value for name, value in self.headers.items()})
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    running = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=running.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{running.server_port}", seen
    finally:
        running.shutdown()
        running.server_close()


def test_a_redirect_to_another_host_is_sent_neither_token_nor_signature() -> None:
    sent = {"Authorization": "A", "x-amz-security-token": "B", "X-Oss-Security-Token": "C", "Range": "bytes=0-1"}
    with server(200, {}) as (other, seen), server(307, {"Location": f"{other}/there"}) as (first, _):
        http.get(f"{first}/here", sent, direct=True).close()
    assert seen[0]["range"] == "bytes=0-1"
    assert not {"authorization", "x-amz-security-token", "x-oss-security-token"} & seen[0].keys()


def test_a_bucket_of_another_region_of_oss_is_told_apart_from_a_missing_right() -> None:
    """OSS documentation, "HTTP status code 403": AccessDenied is the code of both."""
    identity = Identity(lambda: Credentials("AKID", "secret", "token", time.time() + 3600), new_seconds=0)
    says = "The bucket you are attempting to access must be addressed using the specified endpoint."
    for message, wanted in ((says, "look for the bucket's region"), ("You have no right.", "may not read oss://acme")):
        body = f"<Error><Code>AccessDenied</Code><Message>{message}</Message></Error>".encode()
        with server(403, {}, body) as (address, _), pytest.raises(Refused, match=wanted):
            Bucket("oss://acme/qwen", "cn-hangzhou", address, identity).listing("", "main")
