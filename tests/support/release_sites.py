"""The sites that release the sandbox's tools, played on loopback: archives and checksum files in their real forms.

Pulumi and etcd come as archives with one checksum file for all platforms, Kubernetes' servers as single files, each
with a file that holds its SHA-256 alone, KWOK as a single file without any; GitHub sends on to another host.
"""

import hashlib
import io
import re
import tarfile
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from llmplatform_sandbox.toolchain import ETCD, KUBERNETES, KWOK, PULUMI, Toolchain, releases

TOOLS = (PULUMI, KUBERNETES, ETCD, KWOK)
STORAGE = "release-assets.githubusercontent.com"
_PIECE = 256 * 1024


def _archive(files: Mapping[str, bytes]) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w:gz", compresslevel=1) as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o755
            archive.addfile(entry, io.BytesIO(content))
    return sink.getvalue()


def _sum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def site_files(binaries: Mapping[str, bytes]) -> dict[str, bytes]:
    """What the sites serve for the versions of the table on amd64: `host/path` → content."""
    pulumi = f"pulumi-{PULUMI.version}-linux-x64.tar.gz"
    etcd = f"etcd-{ETCD.version}-linux-amd64"
    archives = {
        pulumi: _archive(
            {"pulumi/pulumi": binaries["pulumi"], "pulumi/pulumi-language-python": b"#!/bin/sh\n# not ours\n"}
        ),
        f"{etcd}.tar.gz": _archive({f"{etcd}/README.md": b"read me", f"{etcd}/etcd": binaries["etcd"]}),
    }
    sdk, github = "get.pulumi.com/releases/sdk", "github.com"
    etcds = f"{github}/etcd-io/etcd/releases/download/{ETCD.version}"
    kubernetes = f"dl.k8s.io/release/{KUBERNETES.version}/bin/linux/amd64"
    other = _sum(b"a file for another platform")
    return {
        f"{sdk}/{pulumi}": archives[pulumi],
        f"{sdk}/pulumi-{PULUMI.version.removeprefix('v')}-checksums.txt": (
            f"{other}  pulumi-{PULUMI.version}-darwin-arm64.tar.gz\n{_sum(archives[pulumi])}  {pulumi}\n"
        ).encode(),
        f"{etcds}/{etcd}.tar.gz": archives[f"{etcd}.tar.gz"],
        f"{etcds}/SHA256SUMS": f"{other}  etcd.zip\n{_sum(archives[f'{etcd}.tar.gz'])}  {etcd}.tar.gz\n".encode(),
        f"{github}/kubernetes-sigs/kwok/releases/download/{KWOK.version}/kwok-linux-amd64": binaries["kwok"],
        **{f"{kubernetes}/{each}": binaries[each] for each in KUBERNETES.binaries},
        **{f"{kubernetes}/{each}.sha256": _sum(binaries[each]).encode() for each in KUBERNETES.binaries},
    }


@dataclass
class ReleaseSites:
    """The sites, and what goes wrong at them."""

    files: dict[str, bytes]
    address: str = ""
    asked: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """Path and `Range` of each request, in order."""
    flipped: set[str] = field(default_factory=set[str])
    """Files with one byte that is another."""
    silent: set[str] = field(default_factory=set[str])
    """Files that stop in the middle and keep the connection open."""
    slow: set[str] = field(default_factory=set[str])
    """Files that arrive one byte every tenth of a second."""
    broken: set[str] = field(default_factory=set[str])
    """Files whose connection breaks off in the middle, once."""
    closing: threading.Event = field(default_factory=threading.Event)

    def path_of(self, name: str) -> str:
        """Path of the file whose name this is."""
        (found,) = [path for path in self.files if path.rpartition("/")[2] == name]
        return found

    def pins(self) -> dict[str, str]:
        """SHA-256 of the tools that `releases.toml` pins, as they are here."""
        etcd = self.files[self.path_of(f"etcd-{ETCD.version}-linux-amd64.tar.gz")]
        return {"etcd": _sum(etcd), "kwok": _sum(self.files[self.path_of("kwok-linux-amd64")])}


def _handler(sites: ReleaseSites) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            # To a proxy the whole address is sent.
            path = re.sub(r"^http://[^/]+", "", self.path).lstrip("/")
            sites.asked.append((path, self.headers.get("Range", "")))
            host, _, rest = path.partition("/")
            if host == "github.com" and path in sites.files:
                self._answer(302, {"Location": f"{self.path.partition('github.com')[0]}{STORAGE}/{rest}"})
                return
            path = f"github.com/{rest}" if host == STORAGE else path
            if path not in sites.files:
                self._answer(404, {})
                return
            content = sites.files[path]
            if path in sites.flipped:
                content = bytes([*content[:-1], content[-1] ^ 1])
            start = int(re.sub(r"\D", "", self.headers.get("Range", "")) or 0)
            if start >= len(content):
                self._answer(416, {"Content-Range": f"bytes */{len(content)}"})
                return
            ranged = {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"} if start else {}
            self._answer(206 if start else 200, ranged, content[start:], path)

        def _answer(self, status: int, headers: Mapping[str, str], content: bytes = b"", path: str = "") -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            half = content[: len(content) // 2]
            if path in sites.silent:
                self.wfile.write(half)
                self.wfile.flush()
                sites.closing.wait(30)
                self.close_connection = True
            elif path in sites.slow:
                for each in content:
                    if sites.closing.wait(0.1):
                        break
                    self.wfile.write(bytes([each]))
                self.close_connection = True
            elif path in sites.broken:
                sites.broken.discard(path)
                self.wfile.write(half)
                self.close_connection = True
            else:
                for begin in range(0, len(content), _PIECE):
                    self.wfile.write(content[begin : begin + _PIECE])

        def log_message(self, format: str, *args: Any) -> None:
            return None

    return Handler


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that gives a download up breaks its connection."""


@contextmanager
def served(binaries: Mapping[str, bytes], monkeypatch: pytest.MonkeyPatch) -> Generator[ReleaseSites]:
    """The sites on loopback, asked by the toolchain as a mirror, with the checksums that it pins."""
    sites = ReleaseSites(site_files(binaries))
    server = _Server(("127.0.0.1", 0), _handler(sites))
    sites.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    rows = {name: dict(row) for name, row in releases.rows().items()}
    for name, pin in sites.pins().items():
        rows[name]["sha256"] = {"amd64": pin}
    monkeypatch.setattr(releases, "rows", lambda: rows)
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    monkeypatch.setenv(releases.MIRROR, sites.address)
    try:
        yield sites
    finally:
        sites.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()


def binaries_of(tools: Toolchain) -> dict[str, bytes]:
    """The contents of real binaries, by name."""
    return {name: path.read_bytes() for name, path in tools.binaries.items()}
