"""Buckets and the rights in them, read from what each cloud's components register, in words that all clouds share."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from llmplatform import alicloud, aws
from llmplatform.base.contracts import ObjectStore
from llmplatform.specs import objects
from llmplatform.testing import RecordingEngine, Registered
from support import alicloud_platform, aws_platform

KEY = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """One bucket, in words that all clouds share."""

    encrypted: bool
    versioned: bool
    public: bool
    """Whether an ACL or a policy could open it to the public."""
    without_tls: bool
    """Whether a request without TLS is answered."""
    deleted_days: int
    """Days in which a deleted object can be restored."""
    expire_days: int | None
    """Days after which an object is deleted."""
    unfinished_days: int
    """Days after which an unfinished upload is."""
    goes_with_objects: bool
    """Whether a deletion deletes the objects as well."""
    protected: bool
    tags: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, eq=False)
class Buckets:
    """How one cloud makes buckets, and how to read them."""

    name: str
    scheme: str
    spoken: tuple[str, str, str]
    """Endpoint, region and dialect of the test platform's buckets."""
    make: Callable[[objects.ObjectStore, str], ObjectStore]
    """A bucket named `weights` with those settings and protection."""
    types: frozenset[str]
    """Types of a bucket and its settings, the bucket's first."""
    read: Callable[[RecordingEngine], Bucket]
    actions: Mapping[str, str]
    """Action of the cloud to the right in shared words: list, read, write, delete, abort."""
    whole: Callable[[str], str]
    inside: Callable[[str], str]
    """How a policy names a bucket, and all objects in it."""

    def __str__(self) -> str:
        """Name of the cloud, for the names of tests."""
        return self.name


def refuses_plain_http(policy: str, secure: str, resources: set[str]) -> bool:
    """Whether a bucket policy refuses every request without TLS, to everything in the bucket, and grants nothing."""
    for each in json.loads(policy)["Statement"]:
        if each["Effect"] != "Deny":
            return False
        plain = each["Condition"] in ({"Bool": {secure: "false"}}, {"Bool": {secure: ["false"]}})
        every = each["Principal"] in ({"AWS": "*"}, ["*"]) and each["Action"] in ("s3:*", ["oss:*"])
        if plain and every and set(each["Resource"]) == resources:
            return True
    return False


def _aws_read(engine: RecordingEngine) -> Bucket:
    def of(kind: str) -> dict[str, Any]:
        return engine.one(f"aws:s3/{kind[0].lower()}{kind[1:]}:{kind}").inputs

    found = engine.one("aws:s3/bucket:Bucket")
    (rule,) = of("BucketLifecycleConfiguration")["rules"]
    (encryption,) = of("BucketServerSideEncryptionConfiguration")["rules"]
    block = of("BucketPublicAccessBlock")
    names = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
    arn = "arn:aws:s3:::weights-bucket"
    return Bucket(
        encrypted=encryption["applyServerSideEncryptionByDefault"]["sseAlgorithm"] in ("AES256", "aws:kms"),
        versioned=of("BucketVersioning")["versioningConfiguration"]["status"] == "Enabled",
        public=not all(block[name] for name in names),
        without_tls=not refuses_plain_http(of("BucketPolicy")["policy"], "aws:SecureTransport", {arn, f"{arn}/*"}),
        deleted_days=rule["noncurrentVersionExpiration"]["noncurrentDays"],
        expire_days=rule["expiration"].get("days"),
        unfinished_days=rule["abortIncompleteMultipartUpload"]["daysAfterInitiation"],
        goes_with_objects=found.inputs["forceDestroy"],
        protected=found.protect,
        tags=found.inputs["tags"],
    )


def _ack_read(engine: RecordingEngine) -> Bucket:
    found = engine.one("alicloud:oss/bucket:Bucket")
    inputs = found.inputs
    (rule,) = inputs["lifecycleRules"]
    block = engine.one("alicloud:oss/bucketPublicAccessBlock:BucketPublicAccessBlock").inputs
    policy = engine.one("alicloud:oss/bucketPolicy:BucketPolicy").inputs["policy"]
    arn = f"acs:oss:*:*:{inputs['bucket']}"
    return Bucket(
        encrypted=inputs["serverSideEncryptionRule"]["sseAlgorithm"] == "AES256",
        versioned=inputs["versioning"]["status"] == "Enabled",
        public=not block["blockPublicAccess"] or inputs.get("acl", "private") != "private",
        without_tls=not refuses_plain_http(policy, "acs:SecureTransport", {arn, f"{arn}/*"}),
        deleted_days=rule["noncurrentVersionExpirations"][0]["days"],
        expire_days=rule["expirations"][0].get("days"),
        unfinished_days=rule["abortMultipartUploads"][0]["days"],
        goes_with_objects=inputs["forceDestroy"],
        protected=found.protect,
        tags=inputs["tags"],
    )


def _aws_make(spec: objects.ObjectStore, protection: str, key: str | None = None) -> ObjectStore:
    settings = aws_platform.on(data_key=key)
    args = aws.ObjectStoreArgs(
        spec=spec,
        environment=settings.environment.model_copy(update={"protection": protection}),
        cloud=settings.cloud,
        tags=aws_platform.TAGS,
    )
    return aws.ObjectStore("weights", args)


def encrypted_with_a_key(spec: objects.ObjectStore) -> ObjectStore:
    """A bucket of S3 in an account with a key of its own, `KEY`."""
    return _aws_make(spec, "none", KEY)


def _ack_make(spec: objects.ObjectStore, protection: str) -> ObjectStore:
    settings = alicloud_platform.stack()
    args = alicloud.ObjectStoreArgs(
        spec=spec,
        environment=settings.environment.model_copy(update={"protection": protection}),
        cloud=settings.cloud,
        tags=alicloud_platform.TAGS,
    )
    return alicloud.ObjectStore("weights", args)


class User(pulumi.CustomResource):
    """Something that writes into a bucket."""

    def __init__(self, value: pulumi.Input[Any]) -> None:
        super().__init__("test:index:User", "user", {"value": value})


def settings_of(engine: RecordingEngine, buckets: Buckets) -> list[Registered]:
    """The bucket and all that makes it what it is."""
    return [each for each in engine.registered if each.type in buckets.types]


BUCKETS = (
    Buckets(
        name="aws",
        scheme="s3",
        spoken=("s3.us-east-1.amazonaws.com", "us-east-1", "aws"),
        make=_aws_make,
        types=frozenset(
            {
                "aws:s3/bucket:Bucket",
                "aws:s3/bucketVersioning:BucketVersioning",
                "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
                "aws:s3/bucketPolicy:BucketPolicy",
                "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
                "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
            }
        ),
        read=_aws_read,
        actions={
            "s3:ListBucket": "list",
            "s3:GetBucketLocation": "list",
            "s3:ListBucketMultipartUploads": "list uploads",
            "s3:GetObject": "read",
            "s3:PutObject": "write",
            "s3:DeleteObject": "delete",
            "s3:AbortMultipartUpload": "abort",
            "s3:ListMultipartUploadParts": "list parts",
        },
        whole=lambda name: f"arn:aws:s3:::{name}",
        inside=lambda name: f"arn:aws:s3:::{name}/*",
    ),
    Buckets(
        name="alicloud",
        scheme="oss",
        spoken=("oss-cn-hangzhou-internal.aliyuncs.com", "cn-hangzhou", "aliyun"),
        make=_ack_make,
        types=frozenset(
            {
                "alicloud:oss/bucket:Bucket",
                "alicloud:oss/bucketPublicAccessBlock:BucketPublicAccessBlock",
                "alicloud:oss/bucketPolicy:BucketPolicy",
            }
        ),
        read=_ack_read,
        actions={
            "oss:ListObjects": "list",
            "oss:GetBucketInfo": "list",
            "oss:ListMultipartUploads": "list uploads",
            "oss:GetObject": "read",
            "oss:PutObject": "write",
            "oss:DeleteObject": "delete",
            "oss:AbortMultipartUpload": "abort",
            "oss:ListParts": "list parts",
        },
        whole=lambda name: f"acs:oss:*:*:{name}",
        inside=lambda name: f"acs:oss:*:*:{name}/*",
    ),
)
