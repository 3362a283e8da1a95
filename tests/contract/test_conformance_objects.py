"""Buckets mean the same on every cloud: closed, kept, and open to exactly what a grant says."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from support.conformance.buckets import BUCKETS, KEY, Buckets, User, encrypted_with_a_key, settings_of
from support.iam_linter import findings as iam_findings
from support.ram_linter import findings as ram_findings

from llmplatform.alicloud.policies import document as ram_document
from llmplatform.aws.policies import document as iam_document
from llmplatform.base.policies import Statement
from llmplatform.specs.objects import ExistingStore, NewStore
from llmplatform.testing import RecordingEngine

each_cloud = pytest.mark.parametrize("buckets", BUCKETS, ids=str)
READ = {"list", "read"}
WRITE = {*READ, "write", "delete", "abort", "list uploads", "list parts"}


def _made(buckets: Buckets, protection: str = "none", **settings: Any) -> RecordingEngine:
    spec = NewStore(kind="new", **settings)
    return RecordingEngine().run(lambda: {"url": buckets.make(spec, protection).url})


def _granted(buckets: Buckets, right: str) -> Sequence[Statement]:
    spec = ExistingStore(kind="existing", bucket="theirs")
    engine = RecordingEngine().run(lambda: {"grant": getattr(buckets.make(spec, "none"), right)().statements})
    return engine.result["grant"]


@each_cloud
@pytest.mark.parametrize("protection", ["none", "full"])
def test_a_bucket_is_encrypted_versioned_private_and_speaks_tls_alone(buckets: Buckets, protection: str) -> None:
    found = buckets.read(_made(buckets, protection))
    assert (found.encrypted, found.versioned) == (True, True)
    assert (found.public, found.without_tls) == (False, False)
    assert found.tags["llmplatform:environment"] == "dev"
    assert found.tags["llmplatform:resource"].endswith("weights-bucket"), "recovery finds it by this"


@each_cloud
@pytest.mark.parametrize(("protection", "kept"), [("none", False), ("full", True)])
def test_protection_keeps_a_bucket_and_its_objects(buckets: Buckets, protection: str, kept: bool) -> None:
    found = buckets.read(_made(buckets, protection))
    assert (found.protected, found.goes_with_objects) == (kept, not kept)


@each_cloud
def test_deleted_objects_can_be_restored_for_as_long_as_asked(buckets: Buckets) -> None:
    usual = buckets.read(_made(buckets))
    assert (usual.deleted_days, usual.expire_days, usual.unfinished_days) == (30, None, 7)
    asked = buckets.read(_made(buckets, deleted_days=3, expire_days=90))
    assert (asked.deleted_days, asked.expire_days) == (3, 90)


@each_cloud
def test_nothing_is_written_before_a_bucket_is_closed_and_encrypted(buckets: Buckets) -> None:
    engine = RecordingEngine().run(lambda: User(buckets.make(NewStore(kind="new"), "none").url).urn)
    made = settings_of(engine, buckets)
    assert {each.type for each in made} == buckets.types
    assert all(engine.waits_for(engine.named("user"), each) for each in made)


@each_cloud
def test_an_address_has_the_scheme_of_the_cloud(buckets: Buckets) -> None:
    assert _made(buckets).result["url"].startswith(f"{buckets.scheme}://")


@each_cloud
def test_clients_of_s3_are_told_where_and_how(buckets: Buckets) -> None:
    def program() -> Mapping[str, Any]:
        made = buckets.make(NewStore(kind="new"), "none")
        return {"spoken": (made.endpoint, made.region, made.provider)}

    assert RecordingEngine().run(program).result["spoken"] == buckets.spoken


@each_cloud
def test_an_existing_bucket_is_used_without_a_change(buckets: Buckets) -> None:
    spec = ExistingStore(kind="existing", bucket="theirs")
    engine = RecordingEngine().run(lambda: {"url": buckets.make(spec, "full").url})
    assert engine.result["url"] == f"{buckets.scheme}://theirs"
    assert [each for each in engine.registered if each.custom] == []


@each_cloud
@pytest.mark.parametrize(("right", "wanted"), [("read", READ), ("read_write", WRITE)])
def test_a_grant_opens_one_bucket_for_what_it_says(buckets: Buckets, right: str, wanted: set[str]) -> None:
    statements = _granted(buckets, right)
    assert {buckets.actions[action] for each in statements for action in each.actions} == wanted, (
        "old versions are in no grant: a workload cannot destroy what it has deleted"
    )
    named = {resource for each in statements for resource in each.resources}
    assert named == {buckets.whole("theirs"), buckets.inside("theirs")}


@each_cloud
def test_a_grant_of_a_folder_opens_that_alone(buckets: Buckets) -> None:
    """Neither a folder beside it, nor one whose name only starts so."""
    spec = ExistingStore(kind="existing", bucket="theirs")
    engine = RecordingEngine().run(lambda: {"grant": buckets.make(spec, "none").read_write("prod/a").statements})
    granted = engine.result["grant"]
    names = {each.resources[0] for each in granted if each.resources[0] != buckets.whole("theirs")}
    assert names == {buckets.inside("theirs/prod/a")}
    (listing,) = (
        each for each in granted if {buckets.actions[one] for one in each.actions} & {"list"} and each.conditions
    )
    ((operator, condition),) = listing.conditions.items()
    assert (operator, list(condition.values())) == ("StringLike", ["prod/a/*"])
    plain = {one for each in granted if not each.conditions for one in each.actions}
    assert not plain & {"s3:ListBucket", "oss:ListObjects", "oss:ListMultipartUploads", "s3:ListBucketMultipartUploads"}
    judge, document = (iam_findings, iam_document) if buckets.name == "aws" else (ram_findings, ram_document)
    assert judge(document(*granted)) == []


@each_cloud
@pytest.mark.parametrize("right", ["read", "read_write"])
def test_every_permission_exists_and_fits_its_resource(buckets: Buckets, right: str) -> None:
    statements = _granted(buckets, right)
    judge, document = (iam_findings, iam_document) if buckets.name == "aws" else (ram_findings, ram_document)
    assert judge(document(*statements)) == []


@pytest.mark.parametrize(
    ("right", "actions"), [("read", {"kms:Decrypt"}), ("read_write", {"kms:Decrypt", "kms:GenerateDataKey"})]
)
def test_a_key_of_the_accounts_encrypts_and_is_granted_with_the_objects(right: str, actions: set[str]) -> None:
    """S3 user guide, "Protecting data with server-side encryption using KMS": GenerateDataKey to write, Decrypt to
    read, and both for uploads in parts."""

    def program() -> Mapping[str, Any]:
        return {"grant": getattr(encrypted_with_a_key(NewStore(kind="new")), right)().statements}

    engine = RecordingEngine().run(program)
    kind = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
    (rule,) = engine.one(kind).inputs["rules"]
    assert rule == {
        "applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": KEY},
        "bucketKeyEnabled": True,
    }
    of_keys = [each for each in engine.result["grant"] if KEY in each.resources]
    assert {action for each in of_keys for action in each.actions} == actions
    whole = "arn:aws:s3:::weights-bucket"
    for each in of_keys:
        assert each.conditions == {
            "StringEquals": {"kms:ViaService": f"s3.{KEY.split(':')[3]}.amazonaws.com"},
            "StringLike": {"kms:EncryptionContext:aws:s3:arn": [whole, f"{whole}/*"]},
        }, "the key may encrypt other things: by S3 alone, and for this bucket alone"
    assert iam_findings(iam_document(*engine.result["grant"])) == []
