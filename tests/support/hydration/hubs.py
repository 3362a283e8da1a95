"""A hub on loopback that answers as huggingface.co and modelscope.cn do, and fails where it is told to.

Not written from our hydration: routes, fields and headers are those that the hubs' own clients ask for and read
(huggingface_hub 2.4.0: `HfApi.list_repo_tree`, `RepoFile.__init__`, `file_download.http_get`, `utils/_pagination.py`;
modelscope 1.37.1: `HubApi.get_model_files`, `file_download.get_file_download_url`, `http_get_model_file`). Both clients
have been run against it.
"""

import hashlib
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

COMMIT = "b968826d9c46dd6066d109eabc6255188de91218"
LARGE = 1 << 16
"""Files from this size on lie in LFS, and are told by their sha256."""


@dataclass
class Faults:
    """What goes wrong, each as often as its number says."""

    busy: int = 0
    """Requests that are answered 429 with `Retry-After`."""
    retry_after: str = "1"
    cut: int = 0
    """Files whose connection ends in the middle."""
    flipped: int = 0
    """Files with one wrong byte."""
    status: int = 0
    """Status of every answer; 0: as it should be."""
    no_ranges: bool = False


@dataclass
class FakeHub:
    """One model, `acme/tiny`, with what was asked of it."""

    files: Mapping[str, bytes]
    faults: Faults = field(default_factory=Faults)
    mib_per_second: float = 0
    """Of all connections together; 0: as fast as it goes."""
    holds_at: int = 0
    """Bytes after which it sends no more until this is another number; 0: it sends all."""
    page: int = 1000
    """Entries of a page of a listing."""
    token: str = ""
    """What callers must show; empty: nothing."""
    address: str = ""
    other: str = ""
    """Another host, to which large files are redirected."""

    def __post_init__(self) -> None:
        self.sent: Counter[str] = Counter()
        """Path to the bytes of it that were sent."""
        self.asked: Counter[str] = Counter()
        """Path to the bytes of it that were asked for, whether they arrived or not."""
        self.tokens: dict[str, set[str]] = {"hub": set(), "other": set()}
        self.headers: list[Mapping[str, str]] = []
        self.lock = threading.Lock()
        self._due = 0.0

    def take(self, fault: str) -> bool:
        """Whether a fault is due, which it then is once less."""
        with self.lock:
            left = getattr(self.faults, fault)
            setattr(self.faults, fault, max(0, left - 1))
            return left > 0

    def pace(self, size: int) -> None:
        while self.holds_at and sum(self.sent.values()) + size > self.holds_at:
            time.sleep(0.01)
        if not self.mib_per_second:
            return
        with self.lock:
            now = time.monotonic()
            self._due = max(self._due, now) + size / (self.mib_per_second * (1 << 20))
            rest = self._due - now
        time.sleep(max(0.0, rest))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: FakeHub
    place = "hub"

    def do_GET(self) -> None:
        self.close_connection = True
        hub, url = self.hub, urlsplit(self.path)
        hub.headers.append(dict(self.headers))
        hub.tokens[self.place].add(self.headers.get("Authorization", ""))
        if hub.faults.status:
            self._json({"error": "as told"}, hub.faults.status)
        elif hub.token and self.place == "hub" and self.headers.get("Authorization") != f"Bearer {hub.token}":
            self._json({"error": "Access to model acme/tiny is restricted"}, 401, {"X-Error-Code": "GatedRepo"})
        elif hub.take("busy"):
            self._json({"error": "busy"}, 429, {"Retry-After": hub.faults.retry_after})
        elif url.path.startswith("/api/v1/models/acme/tiny/"):
            self._modelscope(url.path.removeprefix("/api/v1/models/acme/tiny/"), parse_qs(url.query))
        elif url.path.startswith("/api/models/acme/tiny/"):
            self._listing(unquote(url.path.removeprefix("/api/models/acme/tiny/")), parse_qs(url.query))
        elif url.path.startswith("/acme/tiny/resolve/"):
            self._resolve(unquote(url.path.removeprefix("/acme/tiny/resolve/")))
        elif url.path.startswith("/cdn/"):
            self._content(unquote(url.path.removeprefix("/cdn/")))
        else:
            self._json({"error": "Repository not found"}, 404, {"X-Error-Code": "RepoNotFound"})

    def do_HEAD(self) -> None:
        path = unquote(urlsplit(self.path).path.partition("/resolve/")[2].partition("/")[2])
        content = self.hub.files[path]
        self.send_response(200)
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", f'"{_sha256(content) if len(content) >= LARGE else _blob(content)}"')
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()

    def _listing(self, rest: str, query: Mapping[str, list[str]]) -> None:
        kind, _, revision = rest.partition("/")
        if revision not in ("main", "v1", "refs/pr/1", COMMIT):
            self._json({"error": "Invalid rev id"}, 404, {"X-Error-Code": "RevisionNotFound"})
        elif kind == "revision":
            names = [{"rfilename": name} for name in self.hub.files]
            self._json({"id": "acme/tiny", "sha": COMMIT, "siblings": names})
        else:
            start = int(query.get("cursor", ["0"])[0])
            entries = [{"type": "directory", "oid": "0" * 40, "size": 0, "path": "code"}]
            entries += [_entry(name, content) for name, content in self.hub.files.items()]
            following = start + self.hub.page
            link = f'<{self.hub.address}{self.path.partition("?")[0]}?recursive=true&cursor={following}>; rel="next"'
            self._json(entries[start:following], 200, {"Link": link} if following < len(entries) else {})

    def _resolve(self, rest: str) -> None:
        _, _, path = rest.partition("/")
        if self.hub.other and len(self.hub.files[path]) >= LARGE:
            self.send_response(302)
            self.send_header("Location", f"{self.hub.other}/cdn/{path}")
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self._content(path)

    def _modelscope(self, rest: str, query: Mapping[str, list[str]]) -> None:
        if query.get("Revision", ["master"])[0] not in ("master", "v1"):
            self._json({"Code": 10010205001, "Message": "record not found", "Success": False}, 404)
        elif rest == "revisions":
            branches = [{"Revision": "master", "CreatedAt": 1}]
            self._data({"RevisionMap": {"Branches": branches, "Tags": [{"Revision": "v1", "CreatedAt": 1}]}})
        elif rest == "repo/files":
            self._data({"Files": [{"Name": "code", "Path": "code", "Type": "tree", "Size": 0}, *self._found()]})
        else:
            self._content(query["FilePath"][0])

    def _found(self) -> Iterator[Mapping[str, object]]:
        for name, content in self.hub.files.items():
            entry = {"Name": name.rpartition("/")[2], "Path": name, "Type": "blob", "Size": len(content)}
            yield {**entry, "Sha256": _sha256(content), "Revision": COMMIT, "IsLFS": len(content) >= LARGE}

    def _data(self, data: Mapping[str, object]) -> None:
        self._json({"Code": 200, "Data": data, "Message": "success", "Success": True})

    def _content(self, path: str) -> None:
        content, hub = self.hub.files[path], self.hub
        start, end = 0, len(content)
        asked = self.headers.get("Range", "")
        if asked.startswith("bytes=") and not hub.faults.no_ranges:
            first, _, last = asked.removeprefix("bytes=").partition("-")
            start, end = int(first), min(end, int(last) + 1 if last else end)
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(content)}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(end - start))
        self.end_headers()
        with hub.lock:
            hub.asked[path] += end - start
        body = bytearray(content[start:end])
        if len(body) >= LARGE and hub.take("flipped"):
            body[len(body) // 4] ^= 1
        cut = len(body) // 2 if len(body) >= LARGE and hub.take("cut") else len(body)
        for at in range(0, cut, 1 << 18):
            piece = bytes(body[at : min(at + (1 << 18), cut)])
            hub.pace(len(piece))
            try:
                self.wfile.write(piece)
            except OSError:  # The other side is gone: killed, most likely.
                return
            with hub.lock:
                hub.sent[path] += len(piece)

    def _json(self, document: object, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


def _entry(name: str, content: bytes) -> Mapping[str, object]:
    entry: dict[str, object] = {"type": "file", "oid": _blob(content), "size": len(content), "path": name}
    if len(content) >= LARGE:
        entry["lfs"] = {"oid": _sha256(content), "size": len(content), "pointerSize": 134}
        entry["xetHash"] = "0" * 64
    return entry


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _blob(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


@contextmanager
def served(hub: FakeHub) -> Iterator[FakeHub]:
    """The hub, and a second host of it, on ports of their own while the block runs."""

    def server(place: str) -> ThreadingHTTPServer:
        handler = type("Handler", (_Handler,), {"hub": hub, "place": place})
        made = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        made.daemon_threads = True
        threading.Thread(target=made.serve_forever, args=(0.05,), daemon=True).start()
        return made

    servers = [server("hub"), server("other")]
    hub.address, hub.other = (f"http://127.0.0.1:{each.server_port}" for each in servers)
    try:
        yield hub
    finally:
        for each in servers:
            each.shutdown()
            each.server_close()
