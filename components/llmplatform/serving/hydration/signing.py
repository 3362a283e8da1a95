"""Signatures of requests to buckets, in version 4 of AWS and of Alibaba Cloud, which differ in words alone.

Sources: "Create a signed AWS API request", IAM user guide; alibabacloud-oss-python-sdk-v2, signer/v4.py, `SignerV4`.
Own code, because images of Python and of engines have no client of both clouds.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote

_PAYLOAD = "UNSIGNED-PAYLOAD"
"""A request that reads has no body."""


@dataclass(frozen=True)
class Credentials:
    """Short-lived credentials of a role."""

    key_id: str
    secret: str = field(repr=False)
    token: str = field(repr=False)
    expires: float
    """Seconds since the epoch."""


@dataclass(frozen=True)
class Scheme:
    """The words of a cloud."""

    algorithm: str
    prefix: str
    """Before the secret, in the first key."""
    service: str
    end: str
    """Of the scope, and the last key."""
    header: str
    """Beginning of the cloud's headers. All of them are signed."""
    names: bool
    """Whether the host is signed, and the names of the signed headers are told."""


S3 = Scheme("AWS4-HMAC-SHA256", "AWS4", "s3", "aws4_request", "x-amz", names=True)
OSS = Scheme("OSS4-HMAC-SHA256", "aliyun_v4", "oss", "aliyun_v4_request", "x-oss", names=False)


@dataclass(frozen=True)
class Asked:
    """A request before its signature."""

    method: str
    host: str
    resource: str
    """Quoted path; at OSS the bucket is its first part, also where the host names it."""
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    """Further headers to sign, with lower-case names."""

    def query_string(self, scheme: Scheme) -> str:
        """The query, in the order that is signed."""
        pairs = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in self.query.items())
        return "&".join(f"{name}={value}" if value or scheme.names else name for name, value in pairs)


def signed(scheme: Scheme, asked: Asked, region: str, credentials: Credentials, now: datetime) -> dict[str, str]:
    """The headers that a request is sent with, beside `Host`. `now`: in UTC."""
    stamp = now.strftime("%Y%m%dT%H%M%SZ")
    sent = {
        **asked.headers,
        f"{scheme.header}-date": stamp,
        f"{scheme.header}-content-sha256": _PAYLOAD,
        **({f"{scheme.header}-security-token": credentials.token} if credentials.token else {}),
    }
    known = sorted({**sent, **({"host": asked.host} if scheme.names else {})}.items())
    names = ";".join(name for name, _ in known) if scheme.names else ""
    lines = "".join(f"{name}:{value.strip()}\n" for name, value in known)
    canonical = "\n".join([asked.method, asked.resource, asked.query_string(scheme), lines, names, _PAYLOAD])
    scope = f"{stamp[:8]}/{region}/{scheme.service}/{scheme.end}"
    text = "\n".join([scheme.algorithm, stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"{scheme.prefix}{credentials.secret}".encode()
    for word in (*scope.split("/"), text):
        key = hmac.new(key, word.encode(), hashlib.sha256).digest()
    told = [f"Credential={credentials.key_id}/{scope}", *([f"SignedHeaders={names}"] if names else [])]
    return {**sent, "Authorization": f"{scheme.algorithm} {','.join(told)},Signature={key.hex()}"}
