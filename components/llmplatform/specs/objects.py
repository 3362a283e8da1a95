"""Object stores: the buckets that capabilities keep their data in."""

from typing import Annotated, Literal

from pydantic import Field

from llmplatform.specs.section import Section
from llmplatform.specs.vocabulary.aws import KmsKeyArn
from llmplatform.specs.vocabulary.names import BucketName


class NewStore(Section):
    """A bucket of this stack: encrypted, versioned, without public access, reached over TLS alone."""

    kind: Literal["new"]
    deleted_days: Annotated[int, Field(ge=1, le=3650)] = 30
    """Days in which a deleted or overwritten object can be restored."""
    expire_days: Annotated[int, Field(ge=1, le=36500)] | None = None
    """Days after which an object is deleted. Empty: never."""


class ExistingStore(Section):
    """A bucket that exists. The stack changes nothing of it, and gives rights to read and write all its objects."""

    kind: Literal["existing"]
    bucket: BucketName
    """Its name."""
    kms_key: KmsKeyArn | None = None
    """ARN of the KMS key that encrypts its objects, on AWS. Empty: the keys of the store itself."""


ObjectStore = Annotated[NewStore | ExistingStore, Field(discriminator="kind")]
"""A bucket: `new`, or an `existing` one."""
