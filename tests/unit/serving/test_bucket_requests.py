"""Hosts, paths and signatures of requests to buckets, and the credentials that they are signed with."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as Theirs

from llmplatform.serving.hydration import http
from llmplatform.serving.hydration.buckets import Bucket
from llmplatform.serving.hydration.faults import Answered, Refused, Transient
from llmplatform.serving.hydration.hubs import File
from llmplatform.serving.hydration.identities import Identity
from llmplatform.serving.hydration.signing import Credentials
from llmplatform.serving.hydration.volume import Lease

EXPIRES = 4e9


def identity(*given: Credentials | Exception) -> Identity:
    answers = iter(given)

    def ask() -> Credentials:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return Identity(ask, new_seconds=0)


def credentials(expires: float = EXPIRES) -> Credentials:
    return Credentials("AKID", "secret", "token", expires)


def bucket(source: str, endpoint: str) -> Bucket:
    return Bucket(source, "eu-west-1", endpoint, identity(credentials()))


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Mapping[str, str]]]:
    """Address and headers of each request. None is answered."""
    sent: list[tuple[str, Mapping[str, str]]] = []

    def get(url: str, headers: Mapping[str, str], **how: Any) -> Any:
        sent.append((url, headers))
        raise Transient("no answer")

    monkeypatch.setattr(http, "get", get)
    return sent


@pytest.mark.parametrize(
    ("name", "host", "path"),
    [
        ("acme", "acme.s3.eu-west-1.amazonaws.com", "/"),
        ("acme.models", "s3.eu-west-1.amazonaws.com", "/acme.models/"),
    ],
)
def test_a_listing_of_s3_asks_the_host_that_a_certificate_covers_and_is_signed_as_botocore_signs_it(
    name: str, host: str, path: str, wire: list[tuple[str, Mapping[str, str]]]
) -> None:
    with pytest.raises(Transient):
        bucket(f"s3://{name}/qwen/8b+x", "s3.eu-west-1.amazonaws.com").listing("", "main")
    ((url, headers),) = wire
    assert (urlsplit(url).netloc, urlsplit(url).path) == (host, path)
    assert signed_by_botocore(url, headers)


@pytest.mark.parametrize(
    ("name", "path"), [("acme", "/qwen/8b/a%20b%2B.json"), ("acme.models", "/acme.models/qwen/8b/a%20b%2B.json")]
)
def test_an_object_of_s3_is_asked_for_as_botocore_would(name: str, path: str) -> None:
    found = bucket(f"s3://{name}/qwen/8b", "s3.eu-west-1.amazonaws.com")
    asked = found._asked("GET", "qwen/8b/a b+.json")  # pyright: ignore[reportPrivateUsage]
    url = found._address(asked)  # pyright: ignore[reportPrivateUsage]
    assert urlsplit(url).path == path
    headers = found.headers_for(File("a b+.json", 1, "", "sha256", url, version='"1"'))
    assert headers["If-Match"] == '"1"'
    assert signed_by_botocore(url, headers)


def signed_by_botocore(url: str, headers: Mapping[str, str]) -> bool:
    """Whether botocore would sign these headers so. HTTP sends the address' host as `Host`."""
    theirs = AWSRequest("GET", url, headers={name: each for name, each in headers.items() if name.startswith("x-amz-")})
    theirs.context["timestamp"] = headers["x-amz-date"]
    auth = S3SigV4Auth(Theirs("AKID", "secret", "token"), "s3", "eu-west-1")
    right = auth.signature(auth.string_to_sign(theirs, auth.canonical_request(theirs)), theirs)
    return headers["Authorization"].endswith(f"Signature={right}")


def test_an_object_of_oss_is_asked_for_at_the_buckets_own_host_and_the_signature_names_the_bucket() -> None:
    """alibabacloud-oss-python-sdk-v2, signer/v4.py, `calc_canonical_request`: the bucket begins the resource."""
    found = bucket("oss://acme/qwen/8b", "oss-cn-hangzhou-internal.aliyuncs.com")
    asked = found._asked("GET", "qwen/8b/a b.json")  # pyright: ignore[reportPrivateUsage]
    assert found._address(asked) == (  # pyright: ignore[reportPrivateUsage]
        "https://acme.oss-cn-hangzhou-internal.aliyuncs.com/qwen/8b/a%20b.json"
    )
    assert (asked.host, asked.resource) == ("acme.oss-cn-hangzhou-internal.aliyuncs.com", "/acme/qwen/8b/a%20b.json")


def test_credentials_that_hold_are_used_while_others_are_refused() -> None:
    soon = credentials(time.time() + 300)
    held = identity(soon, Answered("sts answers 403", 403), Transient("sts: timed out"), credentials())
    assert [held.credentials() for _ in range(3)] == [soon] * 3
    assert held.credentials().expires == EXPIRES


@pytest.mark.parametrize(("fault", "kind"), [(Answered("403", 403), Refused), (Transient("slow"), Transient)])
def test_credentials_that_have_ended_are_not_used(fault: Exception, kind: type[Exception]) -> None:
    held = identity(credentials(time.time() + 5), fault)
    held.credentials()
    with pytest.raises(kind):
        held.credentials()


def test_two_long_folders_are_leased_apart_under_names_that_a_file_system_takes(tmp_path: Path) -> None:
    first, second = (Lease(tmp_path, tmp_path / "s3" / ("a" * 150) / ("b" * 150) / end).work for end in "12")
    first.mkdir(parents=True)
    assert first != second
