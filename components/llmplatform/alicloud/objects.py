"""A bucket of OSS.

Makes: a bucket with its encryption (keys of OSS itself), versions and lifecycle, in three zones, the refusal of public
access, and a policy that refuses requests without TLS; nothing for an `existing` bucket.
Does not: access logs, replication to another region, encryption with a key of KMS.
Replacing the bucket loses its objects. Full protection refuses to delete it; without protection it is deleted with
every object and version in it. Bucket names are unique in all of Alibaba Cloud: ours end in a random suffix.
Source: OSS user guide, "Bucket Policy" (with a condition, the principal `*` includes the owner), "Lifecycle rules"
(rules of the same action may not overlap, so that there is one); terraform-provider-alicloud 2.0, alicloud_oss_bucket,
alicloud_oss_bucket_policy, alicloud_oss_bucket_public_access_block.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import pulumi
import pulumi_alicloud as alicloud

from llmplatform.alicloud.grants import reading, writing
from llmplatform.alicloud.policies import Statement, document
from llmplatform.base.component import PlatformComponent
from llmplatform.base.contracts import Grant, ObjectStores
from llmplatform.base.naming import unique
from llmplatform.base.ordering import after
from llmplatform.catalog import hosts
from llmplatform.specs import objects
from llmplatform.specs.cloud import Alicloud
from llmplatform.specs.environment import Environment
from llmplatform.specs.objects import ExistingStore, NewStore

UNFINISHED_DAYS = 7
"""Days after which the parts of an upload that was never completed are deleted."""


@dataclass(frozen=True, kw_only=True)
class ObjectStoreArgs:
    """Inputs of a bucket. The component needs an Alibaba Cloud and a random provider."""

    spec: objects.ObjectStore
    environment: Environment
    cloud: Alicloud
    tags: Mapping[str, str]


class ObjectStore(PlatformComponent):
    """A bucket, open to identities with its grants."""

    bucket: pulumi.Output[str]
    """Its name. Depends on its encryption, its versions and its refusals, so that no object is written before them."""
    url: pulumi.Output[str]
    """`oss://NAME`."""
    endpoint: str
    """Host of the store's API within the region's network, without the bucket. Traffic to it is free."""
    region: str
    """Region of the bucket, which is the stack's."""
    provider: Literal["aws", "aliyun"]
    """`aliyun`."""

    def __init__(self, name: str, args: ObjectStoreArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:alicloud:ObjectStore", name, opts)
        self._prefix, self._args = name, args
        spec = args.spec
        self.bucket = pulumi.Output.from_input(spec.bucket) if isinstance(spec, ExistingStore) else self._new(spec)
        self.url = self.bucket.apply("oss://{}".format)
        self.region, self.provider = args.cloud.region, "aliyun"
        self.endpoint = hosts.oss_within(self.region)
        self.finish()

    def read(self) -> Grant:
        """The right to list and read its objects."""
        return self._grant("read", reading)

    def read_write(self, prefix: str = "") -> Grant:
        """The right to list, read, write and delete its objects; with a prefix, e.g. `a/b`, those in that folder."""
        return self._grant("read-write", partial(writing, prefix=prefix))

    def _grant(self, right: str, statements: Callable[[str], Sequence[Statement]]) -> Grant:
        return Grant(name=f"{self._prefix}-{right}", statements=self.bucket.apply(statements))

    def _new(self, spec: NewStore) -> pulumi.Output[str]:
        kept = self._args.environment.protected
        bucket = alicloud.oss.Bucket(
            f"{self._prefix}-bucket",
            bucket=unique(f"{self._prefix}-bucket", f"{self._args.environment.name}-{self._prefix}", self.child()),
            redundancy_type="ZRS",
            storage_class="Standard",
            server_side_encryption_rule=alicloud.oss.BucketServerSideEncryptionRuleArgs(sse_algorithm="AES256"),
            versioning=alicloud.oss.BucketVersioningArgs(status="Enabled"),
            lifecycle_rules=[_lifecycle(spec)],
            force_destroy=not kept,
            tags=self._args.tags,
            opts=self.child(protect=kept),
        )
        private = alicloud.oss.BucketPublicAccessBlock(
            f"{self._prefix}-private", bucket=bucket.bucket, block_public_access=True, opts=self.child()
        )
        tls = alicloud.oss.BucketPolicy(
            f"{self._prefix}-tls", bucket=bucket.bucket, policy=bucket.bucket.apply(tls_alone), opts=self.child()
        )
        return after(bucket.bucket, private, tls)


def object_stores(
    environment: Environment, cloud: Alicloud, tags: Mapping[str, str], opts: pulumi.ResourceOptions
) -> ObjectStores:
    """Makes the buckets of an environment."""

    def object_store(name: str, spec: objects.ObjectStore, /) -> ObjectStore:
        return ObjectStore(name, ObjectStoreArgs(spec=spec, environment=environment, cloud=cloud, tags=tags), opts)

    return object_store


def _lifecycle(spec: NewStore) -> alicloud.oss.BucketLifecycleRuleArgs:
    expiry = alicloud.oss.BucketLifecycleRuleExpirationArgs
    return alicloud.oss.BucketLifecycleRuleArgs(
        id="objects",
        enabled=True,
        prefix="",
        expirations=[expiry(days=spec.expire_days) if spec.expire_days else expiry(expired_object_delete_marker=True)],
        noncurrent_version_expirations=[
            alicloud.oss.BucketLifecycleRuleNoncurrentVersionExpirationArgs(days=spec.deleted_days)
        ],
        abort_multipart_uploads=[alicloud.oss.BucketLifecycleRuleAbortMultipartUploadArgs(days=UNFINISHED_DAYS)],
    )


def tls_alone(bucket: str) -> str:
    """Bucket policy: every request without TLS is refused. It grants nothing."""
    return document(
        {
            "Effect": "Deny",
            "Principal": ["*"],
            "Action": ["oss:*"],
            "Resource": [f"acs:oss:*:*:{bucket}", f"acs:oss:*:*:{bucket}/*"],
            "Condition": {"Bool": {"acs:SecureTransport": ["false"]}},
        }
    )
