"""Buckets on loopback that answer as S3 does, and the identity of a pod that reads them.

Behind the server is moto's S3. What moto lets pass is judged before: each request's signature by botocore's own
`S3SigV4Auth`, from what came over the wire. The agent of Pod Identity answers as botocore's `ContainerProvider` reads,
the token service of Alibaba Cloud as alibabacloud_credentials' `OIDCRoleArnCredentialsProvider` does.
"""

import base64
import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import requests
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from moto import mock_aws

REGION = "us-east-1"
KEY_ID, SECRET, SESSION = "ASIAEXAMPLE", "secret-of-the-session", "token-of-the-session"
BUCKET, PREFIX = "acme-models", "qwen/tiny"
POD_TOKEN = "token-of-the-pod"


@dataclass
class Buckets:
    """S3, with what was asked of it."""

    address: str = ""
    denied: int = 0
    """Requests for objects that are refused first, as before a new right has spread."""
    holds_at: int = 0
    """Bytes after which it sends no more until this is another number; 0: it sends all."""
    before: Callable[[str, str], None] = field(default=lambda method, path: None)
    """Called with method and path before each answer."""
    signed: bool = True
    """Whether signatures are AWS', and judged."""

    def __post_init__(self) -> None:
        self.sent: Counter[str] = Counter()
        """Path to the bytes of it that were sent."""
        self.asked: list[str] = []
        """Method and path of each request."""
        self.forms: list[Mapping[str, str]] = []
        """What the token service was asked."""
        self.lock = threading.Lock()

    def put(self, name: str, content: bytes, **how: Any) -> None:
        """Puts an object below the prefix."""
        _client().put_object(Bucket=BUCKET, Key=f"{PREFIX}/{name}", Body=content, **how)

    def put_in_parts(self, name: str, *parts: bytes) -> None:
        """Puts an object whose ETag is no MD5 of it."""
        client, where = _client(), {"Bucket": BUCKET, "Key": f"{PREFIX}/{name}"}
        upload = client.create_multipart_upload(**where)["UploadId"]
        etags = [
            client.upload_part(**where, UploadId=upload, PartNumber=at, Body=part)["ETag"]
            for at, part in enumerate(parts, 1)
        ]
        done = [{"PartNumber": at, "ETag": etag} for at, etag in enumerate(etags, 1)]
        client.complete_multipart_upload(**where, UploadId=upload, MultipartUpload={"Parts": done})


@cache
def _client() -> Any:
    return boto3.client("s3", region_name=REGION, aws_access_key_id="x", aws_secret_access_key="x")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    buckets: Buckets

    def do_GET(self) -> None:
        self.close_connection = True
        if self.path == "/v1/credentials":
            self._agent()
        else:
            self._objects()

    do_HEAD = do_GET

    def do_POST(self) -> None:
        self.close_connection = True
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.buckets.forms.append(
            {name: each[0] for name, each in {**parse_qs(urlsplit(self.path).query), **form}.items()}
        )
        given = {"AccessKeyId": KEY_ID, "AccessKeySecret": SECRET, "SecurityToken": SESSION, "Expiration": _later()}
        self._answer(200, {}, json.dumps({"RequestId": "1", "Credentials": given}).encode())

    def _agent(self) -> None:
        if self.headers.get("Authorization") != POD_TOKEN:
            self._answer(403, {}, b"Access Denied")
            return
        given = {"AccessKeyId": KEY_ID, "SecretAccessKey": SECRET, "Token": SESSION, "Expiration": _later()}
        self._answer(200, {}, json.dumps({**given, "AccountId": "111122223333"}).encode())

    def _objects(self) -> None:
        buckets, path = self.buckets, urlsplit(self.path).path
        buckets.before(self.command, path)
        with buckets.lock:
            buckets.asked.append(f"{self.command} {path}")
            denied, buckets.denied = buckets.denied > 0, max(0, buckets.denied - 1)
        if denied:
            self._refuse(403, "AccessDenied")
        elif buckets.signed and not self._is_signed():
            self._refuse(403, "SignatureDoesNotMatch")
        else:
            passed = {name: value for name, value in self.headers.items() if name.lower() != "host"}
            place = f"https://s3.{REGION}.amazonaws.com{self.path}"
            found = requests.request(self.command, place, headers=passed, timeout=60, stream=True)
            kept = {name: value for name, value in found.headers.items() if name.lower() not in _OF_A_CONNECTION}
            if not buckets.signed and self.command == "HEAD" and "-" not in found.headers.get("ETag", "-"):
                kept["Content-MD5"] = base64.b64encode(bytes.fromhex(found.headers["ETag"].strip('"'))).decode()
            self._answer(found.status_code, kept, b"" if self.command == "HEAD" else found.content)

    def _is_signed(self) -> bool:
        told = self.headers.get("Authorization", "")
        names = told.partition("SignedHeaders=")[2].partition(",")[0].split(";")
        sent = {name: self.headers[name] for name in names if name in self.headers}
        mandatory = {name.lower() for name in self.headers if name.lower().startswith("x-amz-")} | {"host"}
        asked = AWSRequest(method=self.command, url=self.buckets.address + self.path, headers=sent)
        asked.context["timestamp"] = self.headers["X-Amz-Date"]
        auth = S3SigV4Auth(Credentials(KEY_ID, SECRET, SESSION), "s3", REGION)
        right = auth.signature(auth.string_to_sign(asked, auth.canonical_request(asked)), asked)
        scope = f"Credential={auth.scope(asked)},"
        late = abs(time.time() - _seconds(self.headers["X-Amz-Date"])) > 900
        shown = self.headers["X-Amz-Security-Token"] == SESSION
        return shown and not late and mandatory <= set(names) and scope in told and told.endswith(f"Signature={right}")

    def _refuse(self, status: int, code: str) -> None:
        self._answer(status, {"Content-Type": "application/xml"}, f"<Error><Code>{code}</Code></Error>".encode())

    def _answer(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        buckets, path = self.buckets, urlsplit(self.path).path
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        for at in range(0, len(body), 1 << 16):
            piece = body[at : at + (1 << 16)]
            while buckets.holds_at and sum(buckets.sent.values()) + len(piece) > buckets.holds_at:
                time.sleep(0.01)
            try:
                self.wfile.write(piece)
            except OSError:  # The other side is gone: killed, most likely.
                return
            with buckets.lock:
                buckets.sent[path] += len(piece)

    def log_message(self, format: str, *args: object) -> None:
        pass


_OF_A_CONNECTION = {"content-length", "transfer-encoding", "connection", "date", "server", "content-encoding"}


def _later() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))


def _seconds(stamp: str) -> float:
    return time.mktime(time.strptime(stamp, "%Y%m%dT%H%M%SZ")) - time.timezone


@contextmanager
def served(files: Mapping[str, bytes]) -> Iterator[Buckets]:
    """Buckets with these objects below the prefix, while the block runs."""
    buckets = Buckets()
    with mock_aws():
        _client().create_bucket(Bucket=BUCKET)
        for name, content in files.items():
            buckets.put(name, content)
        handler = type("Handler", (_Handler,), {"buckets": buckets})
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        buckets.address = f"http://127.0.0.1:{server.server_port}"
        try:
            yield buckets
        finally:
            buckets.holds_at = 0
            server.shutdown()
            server.server_close()


def started(
    program: Path, volume: Path, buckets: Buckets, *extra: str, source: str = f"s3://{BUCKET}/{PREFIX}", **env: str
) -> subprocess.Popen[str]:
    """A hydration as a pod with an identity runs it."""
    token = volume.parent / "pod-token"
    token.write_text(POD_TOKEN)
    words = [sys.executable, "-m", "llmplatform.serving.hydration", "--hub", "huggingface", "--source", source]
    words += [
        "--bucket-endpoint",
        buckets.address,
        "--bucket-region",
        REGION,
        "--root",
        str(volume),
        "--target",
        target(),
    ]
    words += ["--revision", "main", "--stale", "2", "--new-role", "0", *extra]
    clean = {"PATH": os.environ["PATH"], "PYTHONPATH": str(program), "PYTHONDONTWRITEBYTECODE": "1"}
    identity = {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{buckets.address}/v1/credentials",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(token),
    }
    return subprocess.Popen(
        words, env={**clean, **identity, **env}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def target(revision: str = "main") -> str:
    """The folder of a copy."""
    return f"s3/{BUCKET}/qwen%2Ftiny/{revision}"


def sums(files: Mapping[str, bytes]) -> bytes:
    """As `sha256sum` writes them."""
    return "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in files.items()).encode()
