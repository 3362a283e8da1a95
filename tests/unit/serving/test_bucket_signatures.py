"""Signatures of requests to buckets, against botocore and the vectors of Alibaba Cloud's own client."""

from datetime import UTC, datetime

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as Theirs

from llmplatform.serving.hydration.signing import OSS, S3, Asked, Credentials, signed

NOW = datetime(2026, 11, 30, 12, 0, 1, tzinfo=UTC)


@pytest.mark.parametrize("token", ["", "a+token/with=signs"])
@pytest.mark.parametrize(
    ("resource", "query"),
    [
        ("/", {"list-type": "2", "prefix": "qwen 3/8b+x/", "continuation-token": "1/a=b+c=="}),
        ("/qwen/model-00001%20of%2000002.safetensors", {}),
        ("/a/%E6%A8%A1%E5%9E%8B~1%2B.json", {"x-id": ""}),
    ],
)
def test_a_request_to_s3_is_signed_as_botocore_signs_it(resource: str, query: dict[str, str], token: str) -> None:
    asked = Asked("GET", "acme.s3.eu-west-1.amazonaws.com", resource, query, {"x-amz-checksum-mode": "ENABLED"})
    ours = signed(S3, asked, "eu-west-1", Credentials("AKID", "secret", token, 0), NOW)
    words = asked.query_string(S3)
    theirs = AWSRequest(
        method="GET",
        url=f"https://{asked.host}{resource}" + (f"?{words}" if words else ""),
        headers={name: value for name, value in ours.items() if name.startswith("x-amz-")},
    )
    auth = S3SigV4Auth(Theirs("AKID", "secret", token or None), "s3", "eu-west-1")
    theirs.context["timestamp"] = ours["x-amz-date"]
    right = auth.signature(auth.string_to_sign(theirs, auth.canonical_request(theirs)), theirs)
    assert ours["Authorization"].endswith(f"Signature={right}")


VECTORS = [
    ("", 1702743657, "20231216", "e21d18daa82167720f9b1047ae7e7f1ce7cb77a31e8203a7d5f4624fa0284afe"),
    ("token", 1702784856, "20231217", "b94a3f999cf85bcdc00d332fbd3734ba03e48382c36fa4d5af5df817395bd9ea"),
]
"""alibabacloud-oss-python-sdk-v2, tests/unit/signer/test_v4.py: test_auth_header and test_auth_header_with_token."""


@pytest.mark.parametrize(("token", "seconds", "day", "signature"), VECTORS)
def test_a_request_to_oss_is_signed_as_its_client_signs_it(token: str, seconds: int, day: str, signature: str) -> None:
    query = {
        "param1": "value1",
        "+param1": "value3",
        "|param1": "value4",
        "+param2": "",
        "|param2": "",
        "param2": "",
    }
    headers = {"x-oss-head1": "value", "content-type": "text/plain"}
    asked = Asked("PUT", "bucket.oss-cn-hangzhou.aliyuncs.com", "/bucket/1234%2B-/123/1.txt", query, headers)
    found = signed(OSS, asked, "cn-hangzhou", Credentials("ak", "sk", token, 0), datetime.fromtimestamp(seconds, UTC))
    scope = f"{day}/cn-hangzhou/oss/aliyun_v4_request"
    assert found["Authorization"] == f"OSS4-HMAC-SHA256 Credential=ak/{scope},Signature={signature}"
