"""HTTP for large files: ranges, redirects without the token, and distinct faults."""

import http.client
import ipaddress
import json
import re
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache
from typing import IO, Any
from urllib.parse import urljoin, urlsplit

from llmplatform.serving.hydration.faults import Answered, Changed, Refused, Transient, announced_wait

TIMEOUT = 60
"""Seconds without a byte after which a connection counts as lost."""
CHUNK = 1 << 20
_AGAIN = {408, 425, 429, 500, 502, 503, 504}
_TURNED_AWAY = re.compile(r"Tunnel connection failed: 4(?!08|29)\d\d")
"""As http.client says it."""
_CODE = re.compile(r"<Code>([A-Za-z0-9.]{1,80})</Code>")
_ELSEWHERE = "must be addressed using the specified endpoint"
"""What a bucket's service says where the bucket is in another region. OSS answers 403 AccessDenied then, as to missing
rights (OSS documentation, "HTTP status code 403"); S3 301 PermanentRedirect."""
_OF_ONE_HOST = ("authorization", "x-amz-", "x-oss-")
"""Beginnings of headers with a token or a signature."""
_NEXT = re.compile(r'<([^>]+)>\s*;\s*rel="?next"?')


class _OwnHostAlone(urllib.request.HTTPRedirectHandler):
    """Follows redirects, and sends tokens and signatures only to the host that they are for."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        following = super().redirect_request(req, fp, code, msg, headers, newurl)
        if following is not None and urlsplit(following.full_url)[:2] != urlsplit(req.full_url)[:2]:
            for name in [name for name in following.headers if name.lower().startswith(_OF_ONE_HOST)]:
                following.remove_header(name)
        return following


class _RangesToo(urllib.request.ProxyHandler):
    """Supports ranges among the exceptions, too: urllib treats each as a suffix (`proxy_bypass_environment`)."""

    def proxy_open(self, req: urllib.request.Request, proxy: str, type: str) -> Any:
        return None if _in_exempt_range(req.host) else super().proxy_open(req, proxy, type)


def _in_exempt_range(host: str) -> bool:
    """Only for an address, as other clients treat ranges: no name is resolved for this."""
    try:
        address = ipaddress.ip_address(urlsplit(f"//{host}").hostname or "")
    except ValueError:
        return False
    for each in urllib.request.getproxies().get("no", "").split(","):
        with suppress(ValueError):
            if address in ipaddress.ip_network(each.strip(), strict=False):
                return True
    return False


_TRUSTED: list[str] = []


def trust(certificates: str) -> None:
    """Trust the authorities of a file in addition to those of the system. Raises `Refused`."""
    _TRUSTED.append(certificates)
    _opener.cache_clear()
    try:
        _opener()
    except OSError as error:
        raise Refused(f"{certificates}: {error}") from None


@cache
def _opener(*, direct: bool = False) -> urllib.request.OpenerDirector:
    """Uses the proxy in the environment, unless it is to go straight."""
    context = ssl.create_default_context()
    for each in _TRUSTED:
        context.load_verify_locations(each)
    proxy = urllib.request.ProxyHandler({}) if direct else _RangesToo
    return urllib.request.build_opener(_OwnHostAlone, proxy, urllib.request.HTTPSHandler(context=context))


def get(
    url: str, headers: Mapping[str, str], *, method: str | None = None, body: bytes | None = None, direct: bool = False
) -> Any:
    """An answer with status, headers and body. Raises `Refused` or `Transient`.

    `method`: GET, or POST with a `body`, unless it is named. `direct`: past the proxy.
    """
    # Without an explicit encoding, servers may compress text: then a range would count compressed bytes.
    sent = {"Accept-Encoding": "identity", **headers}
    asked = urllib.request.Request(url, body, sent, method=method)  # noqa: S310 as configured
    try:
        return _opener(direct=direct).open(asked, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        with error:
            raise _of_status(url, error) from None
    except urllib.error.URLError as error:
        if isinstance(error.reason, ssl.SSLCertVerificationError):
            raise Refused(f"{_host(url)}: its certificate is not trusted: {error.reason.verify_message}") from None
        if _TURNED_AWAY.match(str(error.reason)):
            raise Refused(f"{_host(url)}: the proxy does not let it through: {error.reason}") from None
        raise Transient(f"{_host(url)}: {error.reason}") from None
    except (OSError, http.client.HTTPException) as error:
        raise Transient(f"{_host(url)}: {error or type(error).__name__}") from None


def pages(url: str, headers: Mapping[str, str]) -> Iterator[Any]:
    """The JSON of a listing, page by page, as the header `Link` names them."""
    following: str | None = url
    while following:
        with get(following, headers) as answer:
            try:
                yield json.load(answer)
            except (ValueError, OSError, http.client.HTTPException) as error:
                raise Transient(f"{_host(url)}: not what a hub answers: {error}") from None
            found = _NEXT.search(answer.headers.get("Link") or "")
        following = urljoin(following, found[1]) if found else None


def stretch(url: str, headers: Mapping[str, str], start: int, end: int) -> Iterator[tuple[int, bytes]]:
    """The bytes from `start` up to `end`, in pieces, each with its place in the file.

    A server without ranges sends the file from its beginning: then the places start at 0.
    """
    with get(url, {**headers, "Range": f"bytes={start}-{end - 1}"}) as answer:
        place = start
        if answer.status == 200:
            place = 0
        elif not (answer.headers.get("Content-Range") or "").startswith(f"bytes {start}-"):
            raise Transient(f"{_host(url)}: sent {answer.headers.get('Content-Range')}, not from byte {start}")
        try:
            while piece := answer.read(CHUNK):
                yield place, piece
                place += len(piece)
        except (OSError, http.client.HTTPException) as error:
            raise Transient(f"{_host(url)}: the connection broke: {error or type(error).__name__}") from None
    if place < end:
        raise Transient(f"{_host(url)}: the connection ended {end - place} bytes early")


def _of_status(url: str, error: urllib.error.HTTPError) -> Exception:
    said = f"{_host(url)} answers {error.code} {error.reason}"
    explained = _explained(error)
    found = _CODE.search(explained)
    code = error.headers.get("X-Error-Code") or (found[1] if found else "")
    if error.code in _AGAIN:
        return Transient(said, announced_wait(dict(error.headers)))
    if error.code == 416:
        return Changed(f"{said}: the file is shorter than announced")
    if error.code == 412:
        return Changed(f"{said}: it has changed since it was listed")
    named = f"{said} {code}" if code else said
    if error.code in (401, 403):
        remedy = "no such model, or one whose licence waits to be accepted, or a wrong token"
        return Answered(named, error.code, remedy, elsewhere=_ELSEWHERE in explained)
    if error.code == 404:
        return Answered(named, error.code, "look for the spelling of model and revision")
    return Answered(named, error.code, elsewhere=_ELSEWHERE in explained)


def _explained(error: urllib.error.HTTPError) -> str:
    """What a service says of the fault: a bucket's in XML."""
    with suppress(OSError, http.client.HTTPException):
        return error.read(4096).decode(errors="replace")
    return ""


def _host(url: str) -> str:
    return urlsplit(url).netloc
