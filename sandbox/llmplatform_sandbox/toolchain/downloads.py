"""Downloads a tool's release into the cache. Nothing is used whose SHA-256 is not the expected one.

A file grows under `.download` in the cache and goes on there after an interruption; the tool appears under its final
name in one rename. Proxies are those of the environment (HTTPS_PROXY, NO_PROXY), certificates of one's own those of
SSL_CERT_FILE.
"""

import hashlib
import shutil
import tarfile
import time
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from llmplatform_sandbox.progress import Report, ToolWork
from llmplatform_sandbox.toolchain.releases import Asset, Release, mirrored

STALLED = 10.0
"""Seconds without an answer, without a byte, or slower than `SLOWEST`, after which a download is given up."""
SLOWEST = 256 * 1024
"""Bytes per second: slower than that, building is faster."""
_ATTEMPTS = 4
"""Connections for one file, when they break off after they have brought something."""
_HEARTBEAT = 0.5
_PIECE = 1024 * 1024


class DownloadError(Exception):
    """A release that cannot be had; the text says why, without the tool's name."""


def download(release: Release, cache: Path, report: Report, *, slowest: int = SLOWEST) -> None:
    """Bring the release's binaries into their folder of the cache, all at once.

    `slowest` is in bytes per second; 0 waits as long as bytes come at all. Raises `DownloadError`.
    """
    work = cache / ".download" / release.folder_name
    made = work / "out"
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True)
    progress = _Progress(release, report)
    with httpx.Client(follow_redirects=True, timeout=STALLED) as client:
        for asset in release.assets:
            try:
                _fetch_checked(client, asset, work / asset.file, slowest, progress)
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                raise DownloadError(_sentence(asset, error)) from error
    for asset in release.assets:
        _unpack(work / asset.file, asset, made)
    final = cache / release.folder_name
    shutil.rmtree(final, ignore_errors=True)
    made.rename(final)
    shutil.rmtree(work)
    progress.tell(done=True)


class _Progress:
    """Counts what came, and tells it twice a second."""

    def __init__(self, release: Release, report: Report) -> None:
        self._tool, self._report = release.tool, report
        self._began = self._told = time.monotonic()
        self._received = 0
        self.tell()

    def add(self, count: int) -> None:
        self._received += count
        if time.monotonic() - self._told >= _HEARTBEAT:
            self.tell()

    def tell(self, *, done: bool = False) -> None:
        self._told = time.monotonic()
        self._report(
            ToolWork(
                doing="download",
                tool=self._tool.name,
                version=self._tool.version,
                seconds=self._told - self._began,
                received=self._received,
                done=done,
            )
        )


def _fetch_checked(client: httpx.Client, asset: Asset, file: Path, slowest: int, progress: _Progress) -> None:
    expected = asset.sha256 or _published(client, asset)
    _fetch(client, mirrored(asset.url), file, slowest, progress)
    with file.open("rb") as content:
        found = hashlib.file_digest(content, "sha256").hexdigest()
    if found != expected:
        file.unlink()
        raise DownloadError(f"{asset.file} has SHA-256 {found}, and not {expected}; it was deleted")


def _unpack(file: Path, asset: Asset, made: Path) -> None:
    for binary, member in asset.members.items():
        if member:
            try:
                _extract(file, member, made / binary)
            except (tarfile.TarError, EOFError, KeyError) as error:
                raise DownloadError(f"{asset.file} is no archive that holds {member}") from error
        else:
            file.replace(made / binary)
        (made / binary).chmod(0o755)


def _published(client: httpx.Client, asset: Asset) -> str:
    """What the project's checksum file says of the asset."""
    text = client.get(mirrored(asset.checksums)).raise_for_status().text
    lines = [line.split() for line in text.splitlines() if line.strip()]
    named = [line[0] for line in lines if len(line) == 2 and line[1].lstrip("*") == asset.file]
    alone = [line[0] for line in lines if len(line) == 1 and len(lines) == 1]
    found = (named or alone or [""])[0].lower()
    if len(found) != hashlib.sha256().digest_size * 2:
        raise DownloadError(f"{asset.checksums} has no SHA-256 of {asset.file}")
    return found


def _fetch(client: httpx.Client, url: str, file: Path, slowest: int, progress: _Progress) -> None:
    """Let the file grow until it is whole."""
    for attempt in range(_ATTEMPTS):
        size = file.stat().st_size if file.exists() else 0
        try:
            _go_on(client, url, file, slowest, progress)
            return
        except (httpx.ReadError, httpx.RemoteProtocolError):
            grew = file.exists() and file.stat().st_size > size
            if not grew or attempt + 1 == _ATTEMPTS:
                raise


def _go_on(client: httpx.Client, url: str, file: Path, slowest: int, progress: _Progress) -> None:
    size = file.stat().st_size if file.exists() else 0
    # Offsets are those of the file: a compression on the way would make others.
    headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={size}-"} if size else {})}
    with client.stream("GET", url, headers=headers) as response:
        if response.status_code == int(httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE):
            return  # It is whole already, or its checksum will say that it is not.
        response.raise_for_status()
        resumed = response.status_code == int(httpx.codes.PARTIAL_CONTENT)
        with file.open("ab" if resumed else "wb") as target:
            window, since = 0, time.monotonic()
            for piece in response.iter_raw():
                target.write(piece)
                progress.add(len(piece))
                window += len(piece)
                seconds = time.monotonic() - since
                if seconds >= STALLED:
                    if window < slowest * seconds:
                        raise httpx.ReadTimeout("", request=response.request)
                    window, since = 0, time.monotonic()


def _extract(archive: Path, member: str, target: Path) -> None:
    with tarfile.open(archive, "r:gz") as files:
        found = files.extractfile(files.getmember(member))
        if found is None:
            raise KeyError(member)
        with found, target.open("wb") as binary:
            shutil.copyfileobj(found, binary, _PIECE)


def _sentence(asset: Asset, error: Exception) -> str:
    host = urlsplit(mirrored(asset.url)).netloc
    if isinstance(error, httpx.TimeoutException):
        return f"{host} did not answer for {STALLED:.0f} s, or too slowly"
    if isinstance(error, httpx.HTTPStatusError):
        return f"{host} answered {error.response.status_code} for {error.request.url.path}"
    return f"{host} cannot be reached ({error})"
