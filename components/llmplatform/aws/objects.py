"""A bucket of S3.

Makes: a bucket with its default encryption, versions, a lifecycle, the refusal of public access, and a policy that
refuses requests without TLS; nothing for an `existing` bucket.
Does not: access logs, replication to another region.
Replacing the bucket loses its objects. Full protection refuses to delete it; without protection it is deleted with
every object and version in it. Bucket names are unique in all of AWS: ours end in a random suffix.
The settings of a bucket are resources of their own, which S3 refuses to write at once: the provider repeats such a call
(terraform-provider-aws, internal/service/s3/service_package.go, errCodeOperationAborted).
Source: S3 user guide, "Setting default server-side encryption behavior", "Elements to describe lifecycle actions"
(a delete marker that hides nothing goes with `ExpiredObjectDeleteMarker`, which excludes `Days`; `Days` removes it as
well), "Protecting data with server-side encryption using KMS", permissions; AWS Config, `s3-bucket-ssl-requests-only`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import pulumi
import pulumi_aws as aws

from llmplatform.aws.grants import for_objects
from llmplatform.aws.policies import Statement, document
from llmplatform.base.component import PlatformComponent
from llmplatform.base.contracts import Grant, ObjectStores
from llmplatform.base.ordering import after
from llmplatform.catalog import hosts
from llmplatform.specs import objects
from llmplatform.specs.cloud import Aws
from llmplatform.specs.environment import Environment
from llmplatform.specs.objects import ExistingStore, NewStore

UNFINISHED_DAYS = 7
"""Days after which the parts of an upload that was never completed are deleted."""


@dataclass(frozen=True, kw_only=True)
class ObjectStoreArgs:
    """Inputs of a bucket."""

    spec: objects.ObjectStore
    environment: Environment
    cloud: Aws
    tags: Mapping[str, str]


class ObjectStore(PlatformComponent):
    """A bucket, open to identities with its grants."""

    bucket: pulumi.Output[str]
    """Its name. Depends on its encryption, its versions and its refusals, so that no object is written before them."""
    url: pulumi.Output[str]
    """`s3://NAME`."""
    endpoint: str
    """Host of the store's API in the bucket's region, without the bucket."""
    region: str
    """Region of the bucket, which is the stack's."""
    provider: Literal["aws", "aliyun"]
    """`aws`."""

    def __init__(self, name: str, args: ObjectStoreArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:aws:ObjectStore", name, opts)
        self._prefix, self._args = name, args
        spec = args.spec
        if isinstance(spec, ExistingStore):
            self.bucket, self._key = pulumi.Output.from_input(spec.bucket), spec.kms_key
        else:
            self.bucket, self._key = self._new(spec), args.cloud.data_key
        self.url = self.bucket.apply("s3://{}".format)
        self.region, self.provider = args.cloud.region, "aws"
        self.endpoint = hosts.s3(self.region)
        self.finish()

    def read(self) -> Grant:
        """The right to list and read its objects."""
        return self._grant("read", reading)

    def read_write(self, prefix: str = "") -> Grant:
        """The right to list, read, write and delete its objects; with a prefix, e.g. `a/b`, those in that folder."""
        return self._grant("read-write", partial(writing, prefix=prefix))

    def _grant(self, right: str, statements: Callable[[str, str, str | None], Sequence[Statement]]) -> Grant:
        partition, key = self._args.cloud.partition, self._key
        return Grant(
            name=f"{self._prefix}-{right}", statements=self.bucket.apply(lambda name: statements(partition, name, key))
        )

    def _new(self, spec: NewStore) -> pulumi.Output[str]:
        kept = self._args.environment.protected
        bucket = aws.s3.Bucket(
            f"{self._prefix}-bucket",
            force_destroy=not kept,
            tags=self._args.tags,
            opts=self.child(protect=kept),
        )
        versions = aws.s3.BucketVersioning(
            f"{self._prefix}-versions",
            bucket=bucket.bucket,
            versioning_configuration=aws.s3.BucketVersioningVersioningConfigurationArgs(status="Enabled"),
            opts=self.child(),
        )
        private = aws.s3.BucketPublicAccessBlock(
            f"{self._prefix}-private",
            bucket=bucket.bucket,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=self.child(),
        )
        tls = aws.s3.BucketPolicy(
            f"{self._prefix}-tls",
            bucket=bucket.bucket,
            policy=bucket.arn.apply(tls_alone),
            opts=self.child(),
        )
        settings = [self._encryption(bucket), self._lifecycle(spec, after(bucket.bucket, versions)), private, tls]
        return after(bucket.bucket, versions, *settings)

    def _encryption(self, bucket: aws.s3.Bucket) -> pulumi.Resource:
        key = self._args.cloud.data_key
        default = aws.s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
            sse_algorithm="aws:kms" if key else "AES256", kms_master_key_id=key
        )
        return aws.s3.BucketServerSideEncryptionConfiguration(
            f"{self._prefix}-encryption",
            bucket=bucket.bucket,
            rules=[
                aws.s3.BucketServerSideEncryptionConfigurationRuleArgs(
                    apply_server_side_encryption_by_default=default,
                    # One call of KMS for many objects, and not one for each.
                    bucket_key_enabled=bool(key),
                )
            ],
            opts=self.child(),
        )

    def _lifecycle(self, spec: NewStore, bucket: pulumi.Output[str]) -> pulumi.Resource:
        """Rules of old versions, for a bucket that has versions already."""
        expiry = aws.s3.BucketLifecycleConfigurationRuleExpirationArgs
        return aws.s3.BucketLifecycleConfiguration(
            f"{self._prefix}-lifecycle",
            bucket=bucket,
            rules=[
                aws.s3.BucketLifecycleConfigurationRuleArgs(
                    id="objects",
                    status="Enabled",
                    filter=aws.s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=""),
                    expiration=(
                        expiry(days=spec.expire_days) if spec.expire_days else expiry(expired_object_delete_marker=True)
                    ),
                    noncurrent_version_expiration=(
                        aws.s3.BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs(
                            noncurrent_days=spec.deleted_days
                        )
                    ),
                    abort_incomplete_multipart_upload=(
                        aws.s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(
                            days_after_initiation=UNFINISHED_DAYS
                        )
                    ),
                )
            ],
            opts=self.child(),
        )


def object_stores(
    environment: Environment, cloud: Aws, tags: Mapping[str, str], opts: pulumi.ResourceOptions
) -> ObjectStores:
    """Makes the buckets of an environment."""

    def object_store(name: str, spec: objects.ObjectStore, /) -> ObjectStore:
        return ObjectStore(name, ObjectStoreArgs(spec=spec, environment=environment, cloud=cloud, tags=tags), opts)

    return object_store


def tls_alone(bucket_arn: str) -> str:
    """Bucket policy: every request without TLS is refused. It grants nothing."""
    return document(
        {
            "Sid": "TlsAlone",
            "Effect": "Deny",
            "Principal": {"AWS": "*"},
            "Action": "s3:*",
            "Resource": [bucket_arn, f"{bucket_arn}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
    )


def reading(partition: str, bucket: str, key: str | None, prefix: str = "") -> tuple[Statement, ...]:
    """Statements to list and read; with a prefix, e.g. `a/b`, in that folder.

    `key`: ARN of the KMS key that encrypts the objects.
    """
    whole = f"arn:{partition}:s3:::{bucket}"
    listing, locating = ("s3:ListBucket",), ("s3:GetBucketLocation",)
    found = (
        (
            Statement(
                sid="ListObjects",
                actions=listing,
                resources=(whole,),
                conditions={"StringLike": {"s3:prefix": f"{prefix}/*"}},
            ),
            Statement(sid="LocateBucket", actions=locating, resources=(whole,)),
        )
        if prefix
        else (Statement(sid="ListObjects", actions=(*listing, *locating), resources=(whole,)),)
    )
    return (
        *found,
        Statement(sid="ReadObjects", actions=("s3:GetObject",), resources=(_objects(whole, prefix),)),
        *_of_key("Decrypt", "kms:Decrypt", partition, bucket, key),
    )


def _objects(bucket_arn: str, prefix: str) -> str:
    return f"{bucket_arn}/{prefix}/*" if prefix else f"{bucket_arn}/*"


def _of_key(sid: str, action: str, partition: str, bucket: str, key: str | None) -> tuple[Statement, ...]:
    if key is None:
        return ()
    whole = f"arn:{partition}:s3:::{bucket}"
    conditions = for_objects(key, whole, f"{whole}/*")
    return (Statement(sid=sid, actions=(action,), resources=(key,), conditions=conditions),)


def writing(partition: str, bucket: str, key: str | None, prefix: str = "") -> tuple[Statement, ...]:
    """Statements to list, read, write and delete, with uploads in parts. Versions are not among them.

    Below a `prefix` without the list of unfinished uploads, which IAM cannot limit to one.
    """
    whole = f"arn:{partition}:s3:::{bucket}"
    uploads = Statement(sid="ListUploads", actions=("s3:ListBucketMultipartUploads",), resources=(whole,))
    return (
        *reading(partition, bucket, key, prefix),
        *([] if prefix else [uploads]),
        Statement(
            sid="WriteObjects",
            actions=("s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"),
            resources=(_objects(whole, prefix),),
        ),
        *_of_key("Encrypt", "kms:GenerateDataKey", partition, bucket, key),
    )
