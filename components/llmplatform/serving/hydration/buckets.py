"""Weights in a bucket of AWS or Alibaba Cloud, listed and read as at a hub.

What is known of a file's content is, in this order: its line in the prefix's SHA256SUMS, which `sha256sum` writes; the
SHA-256 that S3 has of the whole object; the MD5 that S3's ETag is where neither parts nor KMS are involved, and that
OSS tells of an object without parts. Of others size and ETag: each stretch is asked for on condition that the ETag is
still the same.
Sources: API references of ListObjectsV2, HeadObject and GetObject of both clouds; "Checking object integrity", S3 user
guide.
"""

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Any
from urllib.parse import quote, urlsplit
from xml.etree import ElementTree

from llmplatform.serving.hydration import http
from llmplatform.serving.hydration.faults import Answered, Refused, Transient
from llmplatform.serving.hydration.hubs import AGENT, File, Listing, within
from llmplatform.serving.hydration.identities import Identity
from llmplatform.serving.hydration.signing import OSS, S3, Asked, Scheme, signed

SCHEMES: Mapping[str, Scheme] = {"s3": S3, "oss": OSS}
SUMS = "SHA256SUMS"
LONGEST_SUMS = 4 << 20
_LINE = re.compile(r"([0-9a-f]{64}) [ *](?:\./)?(.+)")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_MD5 = re.compile(r"[0-9a-f]{32}")
_NONE: Mapping[str, str] = {}


@dataclass(frozen=True)
class Bucket:
    """The objects of a bucket below a prefix."""

    source: str
    """SCHEME://BUCKET/PREFIX."""
    region: str
    endpoint: str
    """Host of the service, before which the bucket's name goes; or its address, behind which the name goes."""
    identity: Identity

    @property
    def scheme(self) -> Scheme:
        """How requests are signed."""
        return SCHEMES[urlsplit(self.source).scheme]

    @property
    def name(self) -> str:
        """The bucket."""
        return urlsplit(self.source).netloc

    @property
    def prefix(self) -> str:
        """What keys begin with."""
        return urlsplit(self.source).path[1:] + "/"

    def listing(self, source: str, revision: str) -> Listing:
        """All files. Raises `Refused`, `Tired` or `Transient`. A digest as `revision` is that of the listing."""
        found = sorted(self._objects(), key=lambda file: file.path)
        if not found:
            raise Refused(f"{source} has no objects: look for the spelling of bucket and prefix")
        files = tuple(self._verified(found))
        lines = "".join(f"{file.path}\0{file.size}\0{_known(file)}\n" for file in files)
        digest = hashlib.sha256(lines.encode()).hexdigest()
        if _DIGEST.fullmatch(revision) and revision != digest:
            raise Refused(f"the files in {source} have the digest {digest} by now, and revision says {revision}")
        return Listing(digest, files)

    def headers_for(self, file: File) -> Mapping[str, str]:
        """Headers of a request for the object of a file, as it was listed."""
        return {**self._signed(self._asked("GET", self.prefix + file.path)), "If-Match": file.version}

    def _objects(self) -> Iterator[File]:
        query = {"list-type": "2", "prefix": self.prefix, "max-keys": "1000"}
        following: str | None = ""
        while following is not None:
            with self._ask(
                "GET", query={**query, **({"continuation-token": following} if following else {})}
            ) as answer:
                page = _page(answer)
            for each in page.iterfind("{*}Contents"):
                key, size, etag = (each.findtext(f"{{*}}{name}") or "" for name in ("Key", "Size", "ETag"))
                if not key.endswith("/"):
                    path = within(key[len(self.prefix) :])
                    yield File(path, int(size), "", "sha256", self._address(self._asked("GET", key)), version=etag)
            more = page.findtext("{*}IsTruncated") == "true"
            following = page.findtext("{*}NextContinuationToken") if more else None

    def _verified(self, files: list[File]) -> Iterator[File]:
        """The files with what is known of their content."""
        sums = self._sums(next((file for file in files if file.path == SUMS), None))
        missing = sorted(sums.keys() - {file.path for file in files})
        if missing:
            raise Refused(f"{self.source}: {SUMS} names {missing[0]}, which is not there: upload it, too")
        for file in files:
            yield replace(file, digest=sums[file.path]) if file.path in sums else self._asked_for(file)

    def _sums(self, file: File | None) -> dict[str, str]:
        if file is None:
            return {}
        if file.size > LONGEST_SUMS:
            raise Refused(f"{self.source}: {SUMS} is not what sha256sum writes: it has {file.size} bytes")
        with self._ask("GET", self.prefix + SUMS) as answer:
            content = _read(answer)
        lines = [_LINE.fullmatch(line) for line in content.decode(errors="replace").splitlines() if line]
        if not all(lines):
            raise Refused(f"{self.source}: {SUMS} is not what sha256sum writes")
        # Last: `sha256sum * > SHA256SUMS` lists the file itself, from when it was empty.
        return {**{line[2]: line[1] for line in lines if line}, SUMS: hashlib.sha256(content).hexdigest()}

    def _asked_for(self, file: File) -> File:
        mode = {"x-amz-checksum-mode": "ENABLED"} if self.scheme is S3 else {}
        with self._ask("HEAD", self.prefix + file.path, headers=mode) as answer:
            told: Mapping[str, str] = {name.lower(): value for name, value in answer.headers.items()}
        if told.get("etag") != file.version:
            raise Transient(f"{file.path}: it has changed since it was listed")
        sha256 = told.get("x-amz-checksum-sha256", "-")
        if "-" not in sha256 and told.get("x-amz-checksum-type", "FULL_OBJECT") == "FULL_OBJECT":
            return replace(file, digest=base64.b64decode(sha256).hex())
        md5 = base64.b64decode(told.get("content-md5", "")).hex() if self.scheme is OSS else _s3_md5(file, told)
        return replace(file, digest=md5, kind="md5") if _MD5.fullmatch(md5) else file

    @property
    def _named_behind(self) -> bool:
        """Whether paths name the bucket: a certificate covers one label before the service's host."""
        return "://" in self.endpoint or "." in self.name

    def _asked(
        self, method: str, key: str = "", query: Mapping[str, str] = _NONE, headers: Mapping[str, str] = _NONE
    ) -> Asked:
        host = (
            (urlsplit(self.endpoint).netloc or self.endpoint) if self._named_behind else f"{self.name}.{self.endpoint}"
        )
        below = f"/{self.name}" if self._named_behind or self.scheme is OSS else ""
        return Asked(method, host, f"{below}/{quote(key, safe='/~')}", query, headers)

    def _address(self, asked: Asked) -> str:
        root = self.endpoint if "://" in self.endpoint else f"https://{asked.host}"
        in_host = self.scheme is OSS and not self._named_behind
        path = asked.resource.removeprefix(f"/{self.name}") if in_host else asked.resource
        words = asked.query_string(self.scheme)
        return f"{root}{path}?{words}" if words else f"{root}{path}"

    def _signed(self, asked: Asked) -> Mapping[str, str]:
        now = datetime.now(timezone.utc)  # noqa: UP017 older images have no other name for it
        return {**AGENT, **signed(self.scheme, asked, self.region, self.identity.credentials(), now)}

    def _ask(
        self, method: str, key: str = "", query: Mapping[str, str] = _NONE, headers: Mapping[str, str] = _NONE
    ) -> Any:
        asked = self._asked(method, key, query, headers)
        sent = self._signed(asked)
        try:
            return http.get(self._address(asked), sent, method=method)
        except Answered as fault:
            raise self.explained(fault) from None

    def explained(self, fault: Answered) -> Exception:
        """What to raise for an answer of the bucket."""
        if fault.elsewhere or fault.status in (301, 307, 400):
            return Refused(f"{fault.said}: look for the bucket's region, which is {self.region} in the settings")
        if fault.status in (401, 403):
            if self.identity.may_be_new:
                return Transient(f"{fault.said}: the rights of the role may be too new", wait=10.0)
            return Refused(
                f"{fault.said}: the role of this pod may not read {self.source}: look for policies of bucket and key "
                "that deny it"
            )
        if fault.status == 404:
            return Refused(f"{fault.said}: look for the spelling of {self.source}")
        return fault


def _s3_md5(file: File, told: Mapping[str, str]) -> str:
    """The MD5 that an ETag is; nothing of it can be said of an object of parts or of a key."""
    plain = told.get("x-amz-server-side-encryption", "AES256") == "AES256"
    customers = "x-amz-server-side-encryption-customer-algorithm" in told
    return file.version.strip('"') if plain and not customers else ""


def _known(file: File) -> str:
    return file.digest if file.kind == "sha256" and file.digest else file.version


def _read(answer: Any) -> bytes:
    try:
        content: bytes = answer.read()
    except OSError as error:
        raise Transient(f"a bucket's answer ended early: {error}") from None
    return content


def _page(answer: Any) -> ElementTree.Element:
    try:
        return ElementTree.fromstring(_read(answer))  # noqa: S314 the cloud's own answer
    except ElementTree.ParseError as error:
        raise Transient(f"a listing: not what a bucket answers: {error}") from None
